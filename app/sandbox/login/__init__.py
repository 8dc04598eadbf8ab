"""LINE Login, LIFF and account link: whoever one says one is, one is, without a password.

Sign-in without a page, for tests: `GET /oauth2/v2.1/authorize?…&person=hanako` comes straight back with a code, as if
she had agreed to everything; `add_friend=false` leaves the box for adding the account unticked, `deny=true` has her
cancel. `person` is a person's id or her user id, and works the same at `/liff/{liffId}` and `/dialog/bot/accountLink`.
Who one was last is kept in a cookie. What stands in for LINE's hosts: `/oauth2/v2.1/authorize` and `/dialog/…` for
access.line.me, `/liff/{liffId}` for liff.line.me, everything else for api.line.me. ID tokens name the sandbox's own
address as their issuer, or whatever `PUT /_sandbox/settings {"login_issuer": …}` says; see control_routes.py for making
Login channels, liff_routes.py for what a LIFF page may call. Not simulated: the `.jwt` response modes.
"""

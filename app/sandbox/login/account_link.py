"""Account link: an account asks for a link token, its service sends the person on with a nonce, its webhook hears.

`POST /v2/bot/user/{userId}/linkToken`, then `/dialog/bot/accountLink?linkToken=&nonce=`. Whoever the token was not
made for spoils it, and the event says `failed` without saying who; a token that is over or used tells nobody.
"""

import re
import secrets

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox import answers, events, webhooks
from app.sandbox.answers import Answer
from app.sandbox.login import pages
from app.sandbox.login.flow import Untrusted
from app.sandbox.login.people import remember
from app.sandbox.login.state import LINK_TOKEN_SECONDS, LinkToken
from app.sandbox.routing import api
from app.sandbox.state import Sandbox
from app.sandbox.world import USER_ID, Channel

_NONCE = re.compile(r"[\x21-\x7e]{10,255}")


def routes(sandbox: Sandbox) -> list[Route]:
    """The token for servers, and the page for people."""

    async def issue(request: Request, channel: Channel) -> Answer:
        user_id = request.path_params["user_id"]
        person_no = sandbox.world.providers[channel.provider_id].numbers.get(user_id)
        if not USER_ID.fullmatch(user_id) or person_no is None:
            return answers.error(400, "The value for the 'userId' parameter is invalid")
        now = sandbox.clock.now()
        sandbox.login.forget_ended(now)
        token = secrets.token_urlsafe(24)
        sandbox.login.link_tokens[token] = LinkToken(channel.channel_id, person_no, now + LINK_TOKEN_SECONDS)
        return answers.ok({"linkToken": token})

    async def link(request: Request) -> Response:
        try:
            return _link(sandbox, request)
        except Untrusted as untrusted:
            return pages.mistake(str(untrusted))

    return [
        api(sandbox, "POST", "/v2/bot/user/{user_id}/linkToken", issue),
        Route("/dialog/bot/accountLink", link),
    ]


def _link(sandbox: Sandbox, request: Request) -> Response:
    """Link, or say why not. Raises Untrusted where nobody hears of it."""
    nonce, text = request.query_params.get("nonce", ""), request.query_params.get("linkToken", "")
    token = sandbox.login.link_tokens.get(text)
    if token is None or token.expires_at <= sandbox.clock.now() or token.channel_id not in sandbox.world.channels:
        raise Untrusted("この連携の有効期限は切れています。トークからやり直してください。")
    if not _NONCE.fullmatch(nonce):
        raise Untrusted("nonce は10文字以上255文字以下です。")
    person_no = pages.person_of(sandbox, request)
    if person_no is None:
        return pages.ask_who(sandbox, request, f"{request.url.path}?{request.url.query}")
    del sandbox.login.link_tokens[text]
    account = sandbox.world.channels[token.channel_id]
    linked = person_no == token.person_no
    event = events.new_event(
        sandbox,
        account,
        token.person_no,
        "accountLink",
        answerable=linked,
        link={"result": "ok" if linked else "failed", "nonce": nonce},
    )
    if not linked:
        del event["source"]
    webhooks.enqueue(sandbox, account, event)
    response = pages.page("linked.html", 200 if linked else 400, account=account, linked=linked)
    remember(response, sandbox, person_no)
    return response

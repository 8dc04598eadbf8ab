"""`/_sandbox/oidc`: who may sign in, and which applications may send people there.

    PUT /_sandbox/oidc {"applications": [{"client_id", "client_secret", "name", "redirect_uris",
                        "post_logout_redirect_uris", "id_token_alg": "ES256" | "RS256"}],
                        "people": [{"email", "name", "email_verified": true, "sub"}]}

What is there is changed where it is named; of an application that is known, `client_id` suffices. `GET` shows all of
it, secrets left out. `POST /_sandbox/oidc/rotate-keys` signs with new keys from now on. All of it but the keys survives
a restart. A sign-in without a page: `GET /oidc/authorize?…&prompt=none&login_hint=<e-mail>`, or the page's own form,
`POST /oidc/authorize` with the request's fields and `email`, `name`.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox.controls import Mistaken, answer, control, done, objects_of, read_object
from app.sandbox.oidc.state import Unregistrable
from app.sandbox.state import Sandbox


def routes(sandbox: Sandbox) -> list[Route]:
    """The provider's controls."""
    oidc = sandbox.oidc

    async def put(request: Request) -> Response:
        body = await read_object(request)
        try:
            for application in objects_of(body, "applications"):
                oidc.put_application(application)
            for person in objects_of(body, "people"):
                oidc.put_person(person)
        except Unregistrable as mistake:
            raise Mistaken(str(mistake)) from None
        sandbox.world.version += 1
        return await get(request)

    async def get(request: Request) -> Response:
        applications = [
            {
                "client_id": each.client_id,
                "name": each.name,
                "redirect_uris": each.redirect_uris,
                "post_logout_redirect_uris": each.post_logout_redirect_uris,
                "id_token_alg": each.id_token_alg,
            }
            for each in oidc.applications.values()
        ]
        people = [
            {"email": each.email, "name": each.name, "sub": each.sub, "email_verified": each.email_verified}
            for each in oidc.people.values()
        ]
        return answer({"applications": applications, "people": people})

    async def rotate_keys(request: Request) -> Response:
        oidc.keys.rotate()
        return done()

    return [
        control("/oidc", "PUT", put),
        control("/oidc", "GET", get),
        control("/oidc/rotate-keys", "POST", rotate_keys),
    ]

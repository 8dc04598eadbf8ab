"""`/_sandbox/login-channels`: LINE Login channels and their LIFF apps.

    PUT /_sandbox/login-channels {"login_channels": [
        {"channel_id": "2000000001", "provider_id": "…", "channel_secret": "…", "name": "のれん会員証",
         "linked_channel_id": "1650000001", "callback_urls": ["http://127.0.0.1:8000/…"],
         "status": "published" | "developing", "testers": ["hanako"], "email_permission": false,
         "liff_apps": [{"liffId": "2000000001-AbcdEfgh", "view": {"type": "full", "url": "http://127.0.0.1:8000/…"},
                        "scope": ["openid", "profile"], "botPrompt": "normal"}]}]}

`POST /_sandbox/world` takes the same list. Only `channel_id` is needed, and `provider_id` for a new one; what is not
given is derived from the id, or stays as it is. An app without a `liffId` gets one that follows from its address.
`GET` shows all of it. Unless `linked_channel_id` says otherwise, the linked account is the first one whose
`login_channel_id` names the Login channel.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox.controls import Mistaken, answer, control, objects_of, read_object
from app.sandbox.login.channels import put_login_channel
from app.sandbox.state import Sandbox
from app.sandbox.world import Impossible


def routes(sandbox: Sandbox) -> list[Route]:
    """Making and showing Login channels."""

    async def put(request: Request) -> Response:
        body = await read_object(request)
        try:
            for values in objects_of(body, "login_channels"):
                put_login_channel(sandbox.login.channels, sandbox.world, values)
        except Impossible as contradiction:
            raise Mistaken(str(contradiction), 409) from None
        return await get(request)

    async def get(request: Request) -> Response:
        return answer({"items": [channel.shown() for channel in sandbox.login.channels.values()]})

    return [control("/login-channels", "PUT", put), control("/login-channels", "GET", get)]

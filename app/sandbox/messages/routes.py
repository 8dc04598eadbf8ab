"""LINE's paths that check messages and send none."""

from starlette.requests import Request
from starlette.routing import Route

from app.sandbox import answers, sends
from app.sandbox.answers import Answer
from app.sandbox.messages.check import Endpoint, check_messages
from app.sandbox.routing import api
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

_ENDPOINTS: tuple[Endpoint, ...] = ("reply", "push", "multicast", "narrowcast", "broadcast")


def routes(sandbox: Sandbox) -> list[Route]:
    """One path for each way to send."""
    return [_validate(sandbox, endpoint) for endpoint in _ENDPOINTS]


def _validate(sandbox: Sandbox, endpoint: Endpoint) -> Route:
    async def validate(request: Request, channel: Channel) -> Answer:
        messages = answers.parse_json(await request.body()).get("messages")
        sends.dump_messages(messages)  # Refuses what nests deeper than any message does.
        details = check_messages(messages, endpoint=endpoint)
        return answers.invalid(details) if details else answers.EMPTY

    return api(sandbox, "POST", f"/v2/bot/message/validate/{endpoint}", validate)

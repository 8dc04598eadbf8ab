"""The loading animation and marking as read, and what of it a person sees."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox import answers
from app.sandbox.answers import Answer, Detail
from app.sandbox.chats.state import open_read_token
from app.sandbox.clock import format_instant
from app.sandbox.controls import Mistaken, answer, control, get_channel, get_person
from app.sandbox.routing import api
from app.sandbox.state import Sandbox
from app.sandbox.world import USER_ID, Channel, user_id_in

_SECONDS_AT_FIRST = 20
_ONLY_USERS = "Only user id is acceptable, please confirm if there are any group/room ids or illegal ids."
INVALID_READ_TOKEN = answers.error(
    400, "Invalid markAsReadToken. Tokens must be used by the bot that received them via Webhook."
)


def routes(sandbox: Sandbox) -> list[Route]:
    """LINE's two calls, and `GET /_sandbox/people/{id}/chat?channel=`, which is what she sees."""

    async def start_loading(request: Request, channel: Channel) -> Answer:
        """202 also for who is no friend; only who has the chat open sees it."""
        body = answers.parse_json(await request.body())
        chat_id, seconds = body.get("chatId"), body.get("loadingSeconds", _SECONDS_AT_FIRST)
        details: list[Detail] = []
        if chat_id is None or chat_id == "":
            details.append({"message": "May not be empty", "property": "chatId"})
        elif not isinstance(chat_id, str) or not USER_ID.fullmatch(chat_id):
            details.append({"message": _ONLY_USERS, "property": "chatId"})
        if not isinstance(seconds, int) or isinstance(seconds, bool):
            return answers.invalid_property("'loadingSeconds'")
        if not 5 <= seconds <= 60:
            details.append({"message": "Must be between 5 and 60", "property": "loadingSeconds"})
        if seconds % 5:
            details.append({"message": "must be a multiple of five", "property": "loadingSeconds"})
        if details:
            return answers.invalid(details)
        sandbox.chats.show_loading(channel, str(chat_id), sandbox.clock.now() + seconds)
        return answers.EMPTY._replace(status=202)

    async def mark_as_read(request: Request, channel: Channel) -> Answer:
        token = answers.parse_json(await request.body()).get("markAsReadToken")
        if token is None or token == "":
            return answers.invalid([{"message": "May not be empty", "property": "markAsReadToken"}])
        found = open_read_token(channel, token) if isinstance(token, str) else None
        if found is None:
            return INVALID_READ_TOKEN
        sandbox.chats.mark_read(channel, *found)
        sandbox.world.version += 1
        return answers.EMPTY

    async def get_chat(request: Request) -> Response:
        no = get_person(sandbox, request.path_params["person_id"])
        channel_id = request.query_params.get("channel")
        if not channel_id:
            raise Mistaken("channel is the id of one")
        channel = get_channel(sandbox, channel_id)
        user_id = user_id_in(sandbox.world, channel, no)
        until = sandbox.chats.get_loading_until(channel, user_id, sandbox.clock.now())
        read = sandbox.chats.get_read_up_to(channel, user_id)
        shown: dict[str, Any] = {
            "loading_until": None if until is None else format_instant(until),
            "read_up_to": None if read is None else str(read),
        }
        return answer(shown)

    return [
        api(sandbox, "POST", "/v2/bot/chat/loading/start", start_loading),
        api(sandbox, "POST", "/v2/bot/chat/markAsRead", mark_as_read),
        control("/people/{person_id}/chat", "GET", get_chat),
    ]

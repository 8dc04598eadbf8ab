"""LINE's paths for contents, at its host for data: the bytes, a preview, and whether they are ready."""

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from app.sandbox import answers
from app.sandbox.answers import Answer, Refusal
from app.sandbox.contents import making
from app.sandbox.contents.state import Content
from app.sandbox.routing import api
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

_NOT_FOUND = answers.error(404, "not found")
_GONE = answers.error(410, "The content is gone")
_PREPARING = Answer(202, b"{}")
_NO_PREVIEW = answers.error(400, "The content can not be previewed")
_NO_TRANSCODING = answers.error(400, "Transcoding status doesn't support this type of content")
_PREVIEWED = ("image", "video")
_TRANSCODED = ("video", "audio")


def routes(sandbox: Sandbox) -> list[Route]:
    """`/v2/bot/message/{message_id}/content…`."""

    def get(request: Request, channel: Channel) -> Content:
        """What a person sent to this channel, not long ago. Raises Refusal."""
        content = sandbox.contents.find(request.path_params["message_id"])
        if content is None or content.channel_no != channel.no:
            raise Refusal(_NOT_FOUND)
        if content.unsent:
            raise Refusal(_GONE)
        if sandbox.clock.now() - content.sent_at >= sandbox.settings.content_life_seconds:
            raise Refusal(_NOT_FOUND)
        return content

    async def content(request: Request, channel: Channel) -> Answer | Response:
        found = get(request, channel)
        if sandbox.clock.now() < found.ready_at:
            return _PREPARING
        if found.failed:
            return _NOT_FOUND
        return StreamingResponse(
            sandbox.contents.read(found),
            media_type=found.content_type,
            headers={"content-length": str(found.size)},
        )

    async def preview(request: Request, channel: Channel) -> Answer | Response:
        """A small picture, made up: nobody here can make an uploaded one smaller."""
        found = get(request, channel)
        if found.kind not in _PREVIEWED:
            return _NO_PREVIEW
        if sandbox.clock.now() < found.ready_at:
            return _PREPARING
        if found.failed:
            return _NOT_FOUND
        return Response(making.make_picture(found.message_id, *making.PREVIEW_SIZE), media_type="image/png")

    async def transcoding(request: Request, channel: Channel) -> Answer:
        found = get(request, channel)
        if found.kind not in _TRANSCODED:
            return _NO_TRANSCODING
        if sandbox.clock.now() < found.ready_at:
            return answers.ok({"status": "processing"})
        return answers.ok({"status": "failed" if found.failed else "succeeded"})

    path = "/v2/bot/message/{message_id}/content"
    return [
        api(sandbox, "GET", path, content),
        api(sandbox, "GET", f"{path}/preview", preview),
        api(sandbox, "GET", f"{path}/transcoding", transcoding),
    ]

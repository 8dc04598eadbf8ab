"""`POST /_sandbox/people/{id}/image|video|audio|file`: she sends one.

As JSON it is made up: `{"channel", "count" 1 (images sent as one set), "bytes" (video, audio, file), "duration_ms",
"file_name", "preparing_seconds", "transcoding": "failed", "quotedMessageId"}`; or it lies elsewhere:
`{"channel", "external": {"originalContentUrl", "previewImageUrl"}}`, and LINE keeps nothing. Otherwise the body is the
content itself, with its content type, and `?channel=` and the other members stand in the query. Made-up bytes are made
when they are read, so that a video of 200 MB needs no memory.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox import events, webhooks
from app.sandbox.contents import making
from app.sandbox.contents.state import Content
from app.sandbox.controls import JsonObject, Mistaken, answer, control, get_channel, get_person, read_object, text_of
from app.sandbox.events import Event
from app.sandbox.people_acts import write
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel, derive

_TYPES = {"image": "image/png", "video": "video/mp4", "audio": "audio/x-m4a", "file": "application/octet-stream"}
_BYTES = {"video": 2_000_000, "audio": 60_000, "file": 20_000}
_MOST_BYTES = 1_000_000_000
_MOST_IN_SET = 20
_NUMBERS = ("count", "bytes", "duration_ms", "preparing_seconds")


def routes(sandbox: Sandbox) -> list[Route]:
    """One route for each kind."""
    return [_route(sandbox, kind) for kind in _TYPES]


def _route(sandbox: Sandbox, kind: str) -> Route:
    async def endpoint(request: Request) -> Response:
        no = get_person(sandbox, request.path_params["person_id"])
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        is_upload = bool(content_type) and content_type != "application/json" and "channel" in request.query_params
        body = _query(request) if is_upload else await read_object(request)
        channel = get_channel(sandbox, text_of(body, "channel"))
        count = _number(body, "count", 1, most=_MOST_IN_SET if kind == "image" else 1)
        write(sandbox, channel, no)
        if is_upload:
            made = [await _take_upload(sandbox, channel, no, kind, content_type, body, request)]
        else:
            made = [_make(sandbox, channel, no, kind, body) for _ in range(max(1, count))]
        told = [_event(sandbox, channel, no, kind, message_no, body) for message_no in made]
        _join(told)
        sent = [webhooks.enqueue(sandbox, channel, event) for event in told]
        return answer(
            {
                "webhook_event_id": told[0]["webhookEventId"] if sent[0] else None,
                "message_id": str(made[0]),
                "message_ids": [str(each) for each in made],
            },
            202,
        )

    return control(f"/people/{{person_id}}/{kind}", "POST", endpoint)


def _query(request: Request) -> JsonObject:
    return {
        name: int(value) if name in _NUMBERS and value.isascii() and value.isdigit() else value
        for name, value in request.query_params.items()
    }


def _make(sandbox: Sandbox, channel: Channel, no: int, kind: str, body: JsonObject) -> int:
    """The number of a message whose content is made up, or lies elsewhere."""
    message_no = sandbox.take_message_nos(1)
    if _external(body) is None:
        message_id = str(message_no)
        size = (
            making.measure_picture(message_id)
            if kind == "image"
            else _number(body, "bytes", _BYTES[kind], most=_MOST_BYTES)
        )
        _keep(sandbox, channel, no, message_no, kind, _TYPES[kind], size, None, body)
    return message_no


async def _take_upload(
    sandbox: Sandbox, channel: Channel, no: int, kind: str, content_type: str, body: JsonObject, request: Request
) -> int:
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > _MOST_BYTES:
        raise Mistaken("an upload says its length, which is no more than a gigabyte")
    position = await sandbox.contents.store(request.stream(), int(length))
    if position is None:
        raise Mistaken("the upload is not as long as it said")
    message_no = sandbox.take_message_nos(1)
    _keep(sandbox, channel, no, message_no, kind, content_type, int(length), position, body)
    return message_no


def _keep(
    sandbox: Sandbox,
    channel: Channel,
    no: int,
    message_no: int,
    kind: str,
    content_type: str,
    size: int,
    position: int | None,
    body: JsonObject,
) -> None:
    now = sandbox.clock.now()
    seconds = body.get("preparing_seconds", sandbox.settings.content_preparing_seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
        raise Mistaken("preparing_seconds is a number from 0")
    content = Content(
        message_id=str(message_no),
        channel_no=channel.no,
        person_no=no,
        kind=kind,
        content_type=content_type,
        size=size,
        sent_at=now,
        ready_at=now + seconds,
        failed=body.get("transcoding") == "failed",
        position=position,
    )
    sandbox.contents.put(content, sandbox.world.changes)


def _event(sandbox: Sandbox, channel: Channel, no: int, kind: str, message_no: int, body: JsonObject) -> Event:
    members: dict[str, Any] = {"quotedMessageId": body.get("quotedMessageId")}
    if kind == "file":
        kept = sandbox.contents.find(str(message_no))
        members |= {"fileName": str(body.get("file_name", "file.bin")), "fileSize": kept.size if kept else 0}
    else:
        external = _external(body)
        members["contentProvider"] = {"type": "line"} if external is None else {"type": "external", **external}
    if kind in ("video", "audio"):
        members["duration"] = _number(body, "duration_ms", 15_000, most=24 * 3600 * 1000)
    return events.message_written(sandbox, channel, no, kind, message_no, **members)


def _join(told: list[Event]) -> None:
    """Images that are sent together name the set they are of."""
    if len(told) > 1:
        set_id = derive("image-set", told[0]["message"]["id"]).upper()
        for index, event in enumerate(told, 1):
            event["message"]["imageSet"] = {"id": set_id, "index": index, "total": len(told)}


def _external(body: JsonObject) -> JsonObject | None:
    external = body.get("external")
    if external is None:
        return None
    if not isinstance(external, dict) or not isinstance(external.get("originalContentUrl"), str):
        raise Mistaken("external is an object with originalContentUrl, and previewImageUrl if there is one")
    return external


def _number(body: JsonObject, name: str, default: int, *, most: int) -> int:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise Mistaken(f"{name} is a whole number from 0 to {most:,}")
    return value

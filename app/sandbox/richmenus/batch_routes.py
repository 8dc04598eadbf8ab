"""Batches: all who have one menu get another, or none; accepted at once, done a little later."""

import uuid
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from app.sandbox import answers
from app.sandbox.answers import Answer, Refusal
from app.sandbox.clock import format_instant
from app.sandbox.richmenus import service
from app.sandbox.richmenus.rules import check_batch
from app.sandbox.richmenus.state import KEPT_BATCH_SECONDS, Batch
from app.sandbox.routing import api
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

# LINE publishes no words for a key that comes back with other operations.
KEY_REUSED = answers.invalid(
    [{"message": "was used for other operations in the last 14 days", "property": "resumeRequestKey"}]
)


def routes(sandbox: Sandbox) -> list[Route]:
    """Batch, its check alone, and how far it is."""

    async def accept(request: Request, channel: Channel) -> Answer:
        """The answer's request id asks for the progress. The same key again is the same batch, not another one."""
        body = await read(request, channel)
        service.settle(sandbox)
        now, request_id, key = sandbox.clock.now(), str(uuid.uuid4()), body.get("resumeRequestKey")
        batch = _find_by_key(sandbox, channel, key, now)
        if batch is not None and batch.operations != body["operations"]:
            return KEY_REUSED
        if batch is not None and batch.phase != "failed":
            batch.request_ids.append(request_id)
            sandbox.world.version += 1
        else:
            due_at = now + sandbox.settings.rich_menu_seconds
            fresh = Batch(
                channel.no, now, due_at, operations=body["operations"], resume_key=key, request_ids=[request_id]
            )
            service.defer(sandbox, fresh)
        return answers.ACCEPTED._replace(headers=((b"x-line-request-id", request_id.encode()),))

    async def validate(request: Request, channel: Channel) -> Answer:
        await read(request, channel)
        return answers.EMPTY

    async def progress(request: Request, channel: Channel) -> Answer:
        service.settle(sandbox)
        now, request_id = sandbox.clock.now(), request.query_params.get("requestId", "")
        for batch in sandbox.rich_menus.batches:
            known = batch.channel_no == channel.no and request_id in batch.request_ids
            if known and now - batch.accepted_at < KEPT_BATCH_SECONDS:
                return answers.ok(_shown(batch))
        return answers.NOT_FOUND

    async def read(request: Request, channel: Channel) -> dict[str, Any]:
        body = answers.parse_json(await request.body())
        details = check_batch(body)
        if details:
            raise Refusal(answers.invalid(details))
        body["operations"] = [_known_fields(operation) for operation in body["operations"]]
        service.check_operations(sandbox, channel, body["operations"])
        return body

    return [
        api(sandbox, "POST", "/v2/bot/richmenu/batch", accept),
        api(sandbox, "POST", "/v2/bot/richmenu/validate/batch", validate),
        api(sandbox, "GET", "/v2/bot/richmenu/progress/batch", progress),
    ]


def _known_fields(operation: dict[str, Any]) -> dict[str, str]:
    names = {"link": ("type", "from", "to"), "unlink": ("type", "from"), "unlinkAll": ("type",)}[operation["type"]]
    return {name: operation[name] for name in names}


def _find_by_key(sandbox: Sandbox, channel: Channel, key: str | None, now: float) -> Batch | None:
    """The last batch of this channel with this key, if LINE still remembers it."""
    for batch in reversed(sandbox.rich_menus.batches):
        mine = batch.channel_no == channel.no and batch.resume_key == key
        if key is not None and mine and now - batch.accepted_at < KEPT_BATCH_SECONDS:
            return batch
    return None


def _shown(batch: Batch) -> dict[str, str]:
    shown = {"phase": batch.phase, "acceptedTime": format_instant(batch.accepted_at)}
    if batch.phase != "ongoing":
        shown["completedTime"] = format_instant(batch.due_at)
    return shown

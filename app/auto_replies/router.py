"""Auto-replies over HTTP."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from app.auth import Caller, Now, ScopedSession, allow
from app.auto_replies import queries, service
from app.auto_replies.models import AutoReply
from app.auto_replies.schemas import AutoReplyCreate, AutoReplyRead, AutoReplyUpdate
from app.callers import CallerInfo
from app.paging import PagingParams, make_page
from app.routes import ApiRoute, Precondition
from app.schemas import AutoReplyId, Page

router = APIRouter(prefix="/v1/auto-replies", tags=["auto-replies"], route_class=ApiRoute)
routers = [router]


@router.get("", dependencies=[allow("auto_replies:read")])
def list_auto_replies(session: ScopedSession, paging: PagingParams) -> Page[AutoReplyRead]:
    """What the brand's accounts answer by themselves, newest first."""
    return make_page(session, queries.list_auto_replies(), AutoReply.id, paging, AutoReplyRead.model_validate)


@router.post("", status_code=201, dependencies=[allow("auto_replies:write")])
def create_auto_reply(body: AutoReplyCreate, session: ScopedSession, caller: Caller) -> AutoReplyRead:
    """Have certain words or taps answered from now on, by LINE's reply token, which is free.

    With a coupon or a weather rule it puts copies into people's hands, so it needs `coupons:issue` too.
    """
    auto_reply = service.create_auto_reply(session, _values(body, exclude_unset=False))
    _require_issuing(caller, auto_reply)
    return AutoReplyRead.model_validate(auto_reply)


@router.get("/{auto_reply_id}", dependencies=[allow("auto_replies:read")])
def get_auto_reply(auto_reply_id: AutoReplyId, session: ScopedSession) -> AutoReplyRead:
    """One auto-reply."""
    return AutoReplyRead.model_validate(queries.get_auto_reply(session, auto_reply_id))


@router.patch("/{auto_reply_id}", dependencies=[allow("auto_replies:write")])
def change_auto_reply(
    auto_reply_id: AutoReplyId, body: AutoReplyUpdate, session: ScopedSession, caller: Caller, if_match: Precondition
) -> AutoReplyRead:
    """Change what it answers from now on, or pause it. One with a coupon or a weather rule needs `coupons:issue` too,
    unless it is only paused."""
    auto_reply = queries.lock_auto_reply(session, auto_reply_id)
    if_match.check(AutoReplyRead.model_validate(auto_reply))
    changes = _values(body, exclude_unset=True)
    service.change_auto_reply(session, auto_reply, changes)
    if changes != {"status": "paused"}:
        _require_issuing(caller, auto_reply)
    return AutoReplyRead.model_validate(auto_reply)


@router.delete("/{auto_reply_id}", status_code=204, dependencies=[allow("auto_replies:write")])
def archive_auto_reply(auto_reply_id: AutoReplyId, session: ScopedSession, now: Now) -> None:
    """Have it answer nothing any more; what it answered stays recorded."""
    service.archive_auto_reply(queries.lock_auto_reply(session, auto_reply_id), now)


def _values(body: BaseModel, *, exclude_unset: bool) -> dict[str, Any]:
    """What a body says, by column."""
    values = body.model_dump(exclude_unset=exclude_unset)
    if values.get("trigger") is not None:
        values["trigger"] = body.trigger.model_dump()  # type: ignore[attr-defined]
    return values


def _require_issuing(caller: CallerInfo, auto_reply: AutoReply) -> None:
    if auto_reply.coupon_id is not None or auto_reply.weather_rule_id is not None:
        caller.require("coupons:issue")

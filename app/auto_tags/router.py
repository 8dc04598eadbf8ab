"""Auto-tags over HTTP."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from app.auth import Caller, Now, ScopedSession, allow
from app.auto_tags import queries, service
from app.auto_tags.models import AutoTag
from app.auto_tags.schemas import AutoTagCreate, AutoTagRead, AutoTagUpdate
from app.auto_tags.tasks import defer_rule
from app.callers import CallerInfo
from app.customers.queries import get_tag
from app.paging import PagingParams, make_page
from app.routes import ApiRoute, Precondition
from app.schemas import AutoTagId, Page
from tenants.problems import Invalid, NotFound, PermissionMissing
from tenants.session import ScopedSession as Session

router = APIRouter(prefix="/v1/auto-tags", tags=["tags"], route_class=ApiRoute)
routers = [router]


@router.get("", dependencies=[allow("segments:read")])
def list_auto_tags(session: ScopedSession, paging: PagingParams) -> Page[AutoTagRead]:
    """Rules that tag: head office's, and those of the caller's stores."""
    return make_page(session, queries.list_auto_tags(), AutoTag.id, paging, AutoTagRead.model_validate)


@router.post("", status_code=201, dependencies=[allow("segments:write")])
def create_auto_tag(body: AutoTagCreate, session: ScopedSession, caller: Caller, now: Now) -> AutoTagRead:
    """Save a rule that puts a tag of the caller's own on customers.

    With an event, who does it from now on is tagged. With a rule, all who meet it are, now and from then on every 15
    minutes. A store's asks with the store's eyes: what happened there, and figures as they are there.
    """
    try:
        tag = get_tag(session, body.tag_id)
    except NotFound as error:
        raise Invalid.at("/tag_id", "There is no such tag.") from error
    if not caller.scope.sees_store(tag.store_no):
        raise PermissionMissing("segments:write")
    auto_tag = service.create_auto_tag(session, _values(body), tag, now)
    return _saved(session, auto_tag)


@router.get("/{auto_tag_id}", dependencies=[allow("segments:read")])
def get_auto_tag(auto_tag_id: AutoTagId, session: ScopedSession) -> AutoTagRead:
    """One rule that tags."""
    return AutoTagRead.model_validate(queries.get_auto_tag(session, auto_tag_id))


@router.patch("/{auto_tag_id}", dependencies=[allow("segments:write")])
def change_auto_tag(
    auto_tag_id: AutoTagId,
    body: AutoTagUpdate,
    *,
    session: ScopedSession,
    caller: Caller,
    if_match: Precondition,
    now: Now,
) -> AutoTagRead:
    """Change what the caller's own auto-tag does from now on, or pause it; people keep the tags that they carry."""
    auto_tag = _own(session, caller, auto_tag_id)
    if_match.check(AutoTagRead.model_validate(auto_tag))
    return _saved(session, service.change_auto_tag(session, auto_tag, _values(body), now))


@router.delete("/{auto_tag_id}", status_code=204, dependencies=[allow("segments:write")])
def archive_auto_tag(auto_tag_id: AutoTagId, session: ScopedSession, caller: Caller, now: Now) -> None:
    """Take the caller's own auto-tag out of use; people keep the tags that they carry."""
    service.archive_auto_tag(session, _own(session, caller, auto_tag_id), now)


def _values(body: BaseModel) -> dict[str, Any]:
    """What a body says, by column; a trigger without the half that is null."""
    values = body.model_dump(exclude_unset=True)
    if "trigger" in values:
        values["trigger"] = {name: one for name, one in values["trigger"].items() if one is not None}
    return values


def _saved(session: Session, auto_tag: AutoTag) -> AutoTagRead:
    if auto_tag.status == "live" and "rule" in auto_tag.trigger:
        defer_rule(session, auto_tag.id)
    return AutoTagRead.model_validate(auto_tag)


def _own(session: Session, caller: CallerInfo, auto_tag_id: AutoTagId) -> AutoTag:
    """An auto-tag that the caller may change, locked. Raises NotFound, or PermissionMissing for head office's."""
    auto_tag = queries.get_auto_tag(session, auto_tag_id)
    if not caller.scope.sees_store(auto_tag.store_no):
        raise PermissionMissing("segments:write")
    session.refresh(auto_tag, with_for_update={"key_share": True})
    return auto_tag

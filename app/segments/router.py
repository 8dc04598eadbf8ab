"""segments over HTTP."""

from fastapi import APIRouter

from app.auth import Caller, Now, ScopedSession, allow
from app.callers import CallerInfo
from app.customers import by_segment
from app.paging import PagingParams, make_page
from app.routes import ApiRoute, Precondition
from app.schemas import Page, SegmentId
from app.segments import queries, service
from app.segments.models import Segment
from app.segments.schemas import PreviewRead, PreviewRequest, SegmentCreate, SegmentRead, SegmentUpdate
from tenants.problems import PermissionMissing
from tenants.session import ScopedSession as Session

router = APIRouter(prefix="/v1/segments", tags=["segments"], route_class=ApiRoute)


@router.get("", dependencies=[allow("segments:read")])
def list_segments(session: ScopedSession, paging: PagingParams) -> Page[SegmentRead]:
    """Saved rules: head office's, and those of the caller's stores."""
    return make_page(session, queries.list_segments(), Segment.id, paging, SegmentRead.model_validate)


@router.post("", status_code=201, dependencies=[allow("segments:write")])
def create_segment(body: SegmentCreate, session: ScopedSession, caller: Caller, now: Now) -> SegmentRead:
    """Save a rule about customers."""
    owner = caller.owner(session, body.store_id)
    segment = service.create_segment(session, name=body.name, rule=body.rule, owner=owner, now=now)
    return SegmentRead.model_validate(segment)


@router.post("/preview", dependencies=[allow("segments:read")])
def preview_segment(body: PreviewRequest, session: ScopedSession, caller: Caller, now: Now) -> PreviewRead:
    """Whom a rule would choose now: how many, how many each account reaches, and a few of them as examples.

    Examples are shown to those who may read customers.
    """
    with_sample = "customers:read" in caller.permissions
    return PreviewRead.model_validate(service.preview(session, body.rule, now, with_sample=with_sample))


@router.get("/{segment_id}", dependencies=[allow("segments:read")])
def get_segment(segment_id: SegmentId, session: ScopedSession) -> SegmentRead:
    """One saved rule."""
    return SegmentRead.model_validate(queries.get_segment(session, segment_id))


@router.patch("/{segment_id}", dependencies=[allow("segments:write")])
def change_segment(
    segment_id: SegmentId,
    body: SegmentUpdate,
    *,
    session: ScopedSession,
    caller: Caller,
    if_match: Precondition,
    now: Now,
) -> SegmentRead:
    """Change the name or the rule of the caller's own segment."""
    segment = _own(session, caller, segment_id)
    if_match.check(SegmentRead.model_validate(segment))
    changes = body.model_dump(exclude_unset=True)
    return SegmentRead.model_validate(service.change_segment(session, segment, changes, now))


@router.delete("/{segment_id}", status_code=204, dependencies=[allow("segments:write")])
def archive_segment(segment_id: SegmentId, session: ScopedSession, caller: Caller, now: Now) -> None:
    """Take the caller's own segment out of use."""
    service.archive_segment(session, _own(session, caller, segment_id), now)


def _own(session: Session, caller: CallerInfo, segment_id: SegmentId) -> Segment:
    """A segment that the caller may change, locked. Raises NotFound, or PermissionMissing for head office's."""
    segment = queries.get_segment(session, segment_id)
    if not caller.scope.sees_store(segment.store_no):
        raise PermissionMissing("segments:write")
    session.refresh(segment, with_for_update={"key_share": True})
    return segment


routers = [router]
by_segment.register(service.customer_filter)

"""Segments over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from app.auth import Caller, Now, ScopedSession, allow
from app.callers import CallerInfo
from app.customers import by_segment
from app.customers import queries as customers
from app.customers.models import Customer
from app.paging import PagingParams, make_page
from app.periods import LONGEST_DAYS, read_period
from app.routes import ApiRoute, Precondition
from app.schemas import CustomerId, LocalDate, Page, Plain, SegmentId
from app.segments import explaining, queries, service, sizes
from app.segments.models import Segment
from app.segments.schemas import (
    ChosenRead,
    DayCountList,
    DayCountRead,
    ExplanationRead,
    PreviewRead,
    PreviewRequest,
    SampleList,
    SampleRead,
    SegmentCreate,
    SegmentRead,
    SegmentSizeRead,
    SegmentUpdate,
)
from app.segments.sheet import answer_ids
from app.sheets import prefers_csv
from tenants.problems import PermissionMissing
from tenants.session import ScopedSession as Session

router = APIRouter(prefix="/v1/segments", tags=["segments"], route_class=ApiRoute)
explanations = APIRouter(prefix="/v1/customers", tags=["segments"], route_class=ApiRoute)

First = Annotated[
    LocalDate | None,
    Query(alias="from", description="The first local day; 29 days before the last where it is not given."),
]
Last = Annotated[
    LocalDate | None,
    Query(alias="to", description=f"The last local day, at most {LONGEST_DAYS} with the first; today if not given."),
]
SampleSize = Annotated[int, Query(ge=1, le=200, description="How many to draw."), Plain]
Explaining = Annotated[SegmentId, Query(description="The segment to explain.")]


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
    """Whom a rule would choose now: how many, for each account and each store too, and a few of them as examples.

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


@router.get("/{segment_id}/size", dependencies=[allow("segments:read")])
def get_segment_size(segment_id: SegmentId, session: ScopedSession, now: Now) -> SegmentSizeRead:
    """How many a segment chooses now: in all, and for each account and each store of the caller's."""
    segment = queries.get_segment(session, segment_id)
    return SegmentSizeRead.model_validate(sizes.size(session, segment, now))


@router.get("/{segment_id}/counts", dependencies=[allow("segments:read")])
def list_segment_counts(
    *, segment_id: SegmentId, session: ScopedSession, now: Now, first: First = None, last: Last = None
) -> DayCountList:
    """How many a segment chose over time: one row for each day on which it was counted.

    It is counted every night and whenever its rule is saved. Of head office's segments a store has no counts.
    """
    segment = queries.get_segment(session, segment_id)
    counts = sizes.list_counts(session, segment, *read_period(session, first, last, now))
    return DayCountList(items=[DayCountRead.model_validate(count) for count in counts])


@router.get("/{segment_id}/sample", dependencies=[allow("customers:read")])
def sample_segment(segment_id: SegmentId, session: ScopedSession, now: Now, size: SampleSize = 20) -> SampleList:
    """Customers of a segment drawn by chance, each as likely as any other, anew each time."""
    segment = queries.get_segment(session, segment_id)
    drawn = service.sample(session, segment, size, now)
    return SampleList(items=[SampleRead.model_validate(customer) for customer in drawn])


@router.get(
    "/{segment_id}/customers",
    dependencies=[allow("customers:read")],
    response_model=Page[ChosenRead],
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def list_segment_customers(
    segment_id: SegmentId, *, request: Request, session: ScopedSession, paging: PagingParams, now: Now
) -> Any:
    """The ids of a segment's customers: page by page, or as CSV all of them in one answer."""
    segment = queries.get_segment(session, segment_id)
    if prefers_csv(request.headers.get("accept", "")):
        return answer_ids(service.stream_chosen_ids(session, segment, now))
    return make_page(
        session, service.list_chosen(session, segment, now), Customer.id, paging, ChosenRead.model_validate
    )


@explanations.get("/{customer_id}/explain", dependencies=[allow("customers:read")])
def explain_customer(
    customer_id: CustomerId, segment_id: Explaining, session: ScopedSession, now: Now
) -> ExplanationRead:
    """Why a segment chooses a customer or does not, comparison by comparison, in English and in Japanese."""
    customer = customers.get_customer(session, customer_id)
    segment = queries.get_segment(session, segment_id)
    return ExplanationRead.model_validate(explaining.explain(session, segment, customer, now))


def _own(session: Session, caller: CallerInfo, segment_id: SegmentId) -> Segment:
    """A segment that the caller may change, locked. Raises NotFound, or PermissionMissing for head office's."""
    segment = queries.get_segment(session, segment_id)
    if not caller.scope.sees_store(segment.store_no):
        raise PermissionMissing("segments:write")
    session.refresh(segment, with_for_update={"key_share": True})
    return segment


routers = [router, explanations]
by_segment.register(service.customer_filter)

"""coupons over HTTP: offers, copies and their use."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from app.auth import BrandWide, Caller, Now, ScopedSession, allow
from app.callers import CallerInfo
from app.coupons import issuing, offers, queries, redeeming, redemption_router
from app.coupons.codes import mask_code
from app.coupons.filters import CodeFilter, CouponFilter, CustomerFilter, ids_of, searched
from app.coupons.issuing import Outcome
from app.coupons.models import Coupon, IssuedCoupon
from app.coupons.queries import CopyFilters
from app.coupons.schemas import (
    CouponCopy,
    CouponCreate,
    CouponRead,
    CouponStatsRead,
    CouponUpdate,
    IssuedCouponRead,
    IssueItem,
    IssueRead,
    IssueRequest,
)
from app.paging import PagingParams, list_page, make_page
from app.problems import describe
from app.routes import ApiRoute, Precondition
from app.schemas import CouponId, Instant, IssuedCouponId, Page
from tenants.ids import uuid7
from tenants.problems import Conflict, NotFound, PermissionMissing
from tenants.session import ScopedSession as Session

coupons = APIRouter(prefix="/v1/coupons", tags=["coupons"], route_class=ApiRoute)
issued_coupons = APIRouter(prefix="/v1/issued-coupons", tags=["coupons"], route_class=ApiRoute)


@coupons.get("", dependencies=[allow("coupons:read")])
def list_coupons(
    session: ScopedSession,
    paging: PagingParams,
    *,
    is_template: Annotated[bool, Query(description="Templates, instead of offers.")] = False,
) -> Page[CouponRead]:
    """Offers: head office's, and those of the caller's stores."""
    rows, next_cursor = list_page(session, queries.list_offers(is_template=is_template), Coupon.id, paging)
    return Page(items=offers.read_coupons(session, rows), next_cursor=next_cursor)


@coupons.post("", status_code=201, dependencies=[allow("coupons:write")])
def create_coupon(body: CouponCreate, session: ScopedSession, caller: Caller, now: Now) -> CouponRead:
    """Make an offer."""
    owner = caller.owner(session, body.store_id)
    return offers.read_coupon(session, offers.create_coupon(session, body, owner=owner, now=now))


@coupons.get("/{coupon_id}", dependencies=[allow("coupons:read")])
def get_coupon(coupon_id: CouponId, session: ScopedSession) -> CouponRead:
    """One offer."""
    return offers.read_coupon(session, queries.get_coupon(session, coupon_id))


@coupons.patch("/{coupon_id}", dependencies=[allow("coupons:write")])
def change_coupon(
    coupon_id: CouponId,
    body: CouponUpdate,
    session: ScopedSession,
    caller: Caller,
    if_match: Precondition,
    now: Now,
) -> CouponRead:
    """Change the caller's own offer. `limits` are merged; other fields that are given replace what stands.

    What it gives cannot change once customers hold copies, and what LINE's coupon of it says not while that stands.
    """
    coupon = _own(session, caller, coupon_id, "coupons:write")
    session.refresh(coupon, with_for_update={"key_share": True})
    if_match.check(offers.read_coupon(session, coupon))
    return offers.read_coupon(session, offers.change_coupon(session, coupon, body, now=now))


@coupons.delete("/{coupon_id}", status_code=204, dependencies=[allow("coupons:write")])
def archive_coupon(coupon_id: CouponId, session: ScopedSession, caller: Caller, now: Now) -> None:
    """Issue no more copies of the caller's own offer; those in customers' hands are still good."""
    offers.archive_coupon(session, _own(session, caller, coupon_id, "coupons:write"), now)


@coupons.post("/{coupon_id}/copy", status_code=201, dependencies=[allow("coupons:write")])
def copy_coupon(
    coupon_id: CouponId, session: ScopedSession, caller: Caller, now: Now, body: CouponCopy | None = None
) -> CouponRead:
    """Make a new offer like this one or from this template: the same terms, and no copies issued yet.

    A store may copy head office's: the new one is its own and redeemed there. What gives copies unasked stays behind.
    """
    coupon, asked = queries.get_coupon(session, coupon_id), body or CouponCopy()
    owner = caller.owner(session, asked.store_id)
    return offers.read_coupon(session, offers.copy_coupon(session, coupon, asked, owner=owner, now=now))


@coupons.get("/{coupon_id}/stats", dependencies=[allow("coupons:read")])
def get_coupon_stats(coupon_id: CouponId, session: ScopedSession, now: Now) -> CouponStatsRead:
    """What became of an offer."""
    return offers.stats(session, queries.get_coupon(session, coupon_id), now)


@coupons.post("/{coupon_id}/issue", dependencies=[allow("coupons:issue")])
def issue_coupon(coupon_id: CouponId, body: IssueRequest, session: BrandWide, caller: Caller, now: Now) -> IssueRead:
    """Put copies of the caller's own offer in customers' hands.

    The same `source` gives the same customer one copy, however often it is sent; without it every call is its own.
    When copies run out, the customers named first have them.
    """
    coupon = _own(session, caller, coupon_id, "coupons:issue")
    if coupon.is_template:
        raise Conflict("This is a template: copy it, and issue what comes of it.")
    outcomes = issuing.issue(
        session,
        coupon,
        body.customer_ids,
        source=f"api:{body.source or uuid7()}",
        scope=caller.scope,
        now=now,
    )
    return IssueRead(items=[_issue_item(index, outcome, now) for index, outcome in enumerate(outcomes)])


@issued_coupons.get("", dependencies=[allow("coupons:read")])
def list_issued_coupons(
    session: ScopedSession,
    caller: Caller,
    paging: PagingParams,
    now: Now,
    *,
    coupon_id: CouponFilter = None,
    customer_id: CustomerFilter = None,
    code: CodeFilter = None,
    status: Annotated[Literal["issued", "redeemed", "expired", "void"] | None, Query()] = None,
) -> Page[IssuedCouponRead]:
    """Copies: for a store, those that it issued."""
    filters = CopyFilters(coupon_id, ids_of(session, customer_id), searched(code), status)
    masks = code is None and _masks_codes(caller)
    rows = queries.list_issued(filters, now)
    return make_page(session, rows, IssuedCoupon.id, paging, lambda row: _copy(row, now, masks=masks))


@issued_coupons.get("/{issued_coupon_id}", dependencies=[allow("coupons:read")])
def get_issued_coupon(
    issued_coupon_id: IssuedCouponId, session: ScopedSession, caller: Caller, now: Now
) -> IssuedCouponRead:
    """One copy."""
    return _copy(queries.get_issued(session, issued_coupon_id), now, masks=_masks_codes(caller))


@issued_coupons.post("/{issued_coupon_id}/void", dependencies=[allow("coupons:issue")])
def void_issued_coupon(issued_coupon_id: IssuedCouponId, session: ScopedSession, now: Now) -> IssuedCouponRead:
    """Withdraw a copy that has not been used; it no longer counts against the caps."""
    return _copy(redeeming.void(session, issued_coupon_id), now)


def _own(session: Session, caller: CallerInfo, coupon_id: CouponId, permission: str) -> Coupon:
    """A coupon that the caller may change. Raises NotFound for other stores', PermissionMissing for head office's."""
    coupon = queries.get_coupon(session, coupon_id)
    if caller.scope.sees_store(coupon.store_no):
        return coupon
    if coupon.store_no is not None:
        raise NotFound
    raise PermissionMissing(permission)


def _masks_codes(caller: CallerInfo) -> bool:
    """Whether codes are kept from this caller. A till needs the one that a customer shows, never a list of them."""
    return "coupons:issue" not in caller.permissions


def _copy(issued: IssuedCoupon, now: Instant, *, masks: bool = False) -> IssuedCouponRead:
    status = "expired" if issued.status == "issued" and issued.expires_at <= now else issued.status
    code = mask_code(issued.code) if masks else issued.code
    return IssuedCouponRead.model_validate(issued.model_dump() | {"status": status, "code": code})


def _issue_item(index: int, outcome: Outcome, now: Instant) -> IssueItem:
    issued = outcome.issued
    if issued is None:
        assert outcome.problem is not None
        problem: dict[str, Any] = describe(outcome.problem)
        return IssueItem(index=index, status=outcome.problem.status, id=None, problem=problem, issued_coupon=None)
    status = 201 if outcome.is_new else 200
    return IssueItem(index=index, status=status, id=issued.id, problem=None, issued_coupon=_copy(issued, now))


routers = [coupons, issued_coupons, *redemption_router.routers]

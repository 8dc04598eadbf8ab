"""coupons over HTTP: offers, copies and their use."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from app.auth import BrandWide, Caller, Now, ScopedSession, allow
from app.callers import CallerInfo
from app.coupons import cards, issuing, offers, queries, redeeming
from app.coupons.cards import Card
from app.coupons.codes import find_code, mask_code
from app.coupons.issuing import Outcome
from app.coupons.models import Coupon, IssuedCoupon, Redemption
from app.coupons.queries import CopyFilters
from app.coupons.schemas import (
    Benefit,
    CardCoupon,
    CardCustomer,
    CardRead,
    CardResolve,
    CouponCreate,
    CouponRead,
    CouponStatsRead,
    CouponUpdate,
    IssuedCouponRead,
    IssueItem,
    IssueRead,
    IssueRequest,
    RedemptionCreate,
    RedemptionRead,
    RedemptionReverse,
)
from app.coupons.texts import tell_benefit
from app.customers.queries import list_ids_of
from app.paging import PagingParams, list_page, make_page
from app.problems import describe
from app.routes import ApiRoute, Precondition
from app.schemas import CouponId, CustomerId, Instant, IssuedCouponId, Page, RedemptionId
from tenants.ids import uuid7
from tenants.problems import Invalid, NotFound, PermissionMissing
from tenants.session import ScopedSession as Session

coupons = APIRouter(prefix="/v1/coupons", tags=["coupons"], route_class=ApiRoute)
issued_coupons = APIRouter(prefix="/v1/issued-coupons", tags=["coupons"], route_class=ApiRoute)
resolving = APIRouter(prefix="/v1/cards", tags=["coupons"], route_class=ApiRoute)
redemptions = APIRouter(prefix="/v1/redemptions", tags=["coupons"], route_class=ApiRoute)

CouponFilter = Annotated[CouponId | None, Query(description="Of this coupon.")]
CustomerFilter = Annotated[CustomerId | None, Query(description="Of this customer.")]
CodeFilter = Annotated[str | None, Query(max_length=64, description="With this code, as shown or typed.")]


@coupons.get("", dependencies=[allow("coupons:read")])
def list_coupons(session: ScopedSession, paging: PagingParams) -> Page[CouponRead]:
    """Offers: head office's, and those of the caller's stores."""
    rows, next_cursor = list_page(session, queries.list_coupons(), Coupon.id, paging)
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
    coupon_id: CouponId, body: CouponUpdate, session: ScopedSession, caller: Caller, if_match: Precondition
) -> CouponRead:
    """Change the caller's own offer. `limits` are merged; other fields that are given replace what stands.

    What it gives cannot change once customers hold copies.
    """
    coupon = _own(session, caller, coupon_id, "coupons:write")
    session.refresh(coupon, with_for_update={"key_share": True})
    if_match.check(offers.read_coupon(session, coupon))
    return offers.read_coupon(session, offers.change_coupon(session, coupon, body))


@coupons.delete("/{coupon_id}", status_code=204, dependencies=[allow("coupons:write")])
def archive_coupon(coupon_id: CouponId, session: ScopedSession, caller: Caller, now: Now) -> None:
    """Issue no more copies of the caller's own offer; those in customers' hands are still good."""
    offers.archive_coupon(session, _own(session, caller, coupon_id, "coupons:write"), now)


@coupons.get("/{coupon_id}/stats", dependencies=[allow("coupons:read")])
def get_coupon_stats(coupon_id: CouponId, session: ScopedSession) -> CouponStatsRead:
    """What became of an offer."""
    return offers.stats(session, queries.get_coupon(session, coupon_id))


@coupons.post("/{coupon_id}/issue", dependencies=[allow("coupons:issue")])
def issue_coupon(coupon_id: CouponId, body: IssueRequest, session: BrandWide, caller: Caller, now: Now) -> IssueRead:
    """Put copies of the caller's own offer in customers' hands.

    The same `source` gives the same customer one copy, however often it is sent; without it every call is its own.
    When copies run out, the customers named first have them.
    """
    coupon = _own(session, caller, coupon_id, "coupons:issue")
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
    filters = CopyFilters(coupon_id, _ids_of(session, customer_id), _searched(code), status)
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


@redemptions.post("", status_code=201, dependencies=[allow("coupons:redeem")])
def create_redemption(body: RedemptionCreate, session: BrandWide, caller: Caller, now: Now) -> RedemptionRead:
    """Redeem a code at one of the caller's stores; the code may come from any store of the brand.

    A key of one store need not name it.
    """
    store = caller.owner(session, body.store_id)
    if store is None:
        raise Invalid.at("/store_id", "Name the store.")
    redemption = redeeming.redeem(
        session,
        body.code,
        store=store,
        amount_yen=body.amount_yen,
        order_ref=body.order_ref,
        redeemed_at=body.redeemed_at,
        now=now,
    )
    return _use(redemption)


@redemptions.get("", dependencies=[allow("coupons:read")])
def list_redemptions(
    session: ScopedSession,
    paging: PagingParams,
    *,
    coupon_id: CouponFilter = None,
    customer_id: CustomerFilter = None,
    code: CodeFilter = None,
    status: Annotated[Literal["redeemed", "reversed"] | None, Query()] = None,
) -> Page[RedemptionRead]:
    """Redemptions: for a store, those at its counter."""
    filters = CopyFilters(coupon_id, _ids_of(session, customer_id), _searched(code), status)
    return make_page(session, queries.list_redemptions(session, filters), Redemption.id, paging, _use)


@redemptions.get("/{redemption_id}", dependencies=[allow("coupons:read")])
def get_redemption(redemption_id: RedemptionId, session: ScopedSession) -> RedemptionRead:
    """One redemption."""
    return _use(queries.get_redemption(session, redemption_id))


@redemptions.post("/{redemption_id}/reverse", dependencies=[allow("coupons:redeem")])
def reverse_redemption(
    redemption_id: RedemptionId,
    session: BrandWide,
    caller: Caller,
    now: Now,
    body: RedemptionReverse | None = None,
) -> RedemptionRead:
    """Undo a redemption at one of the caller's stores: the code can be used again until it expires."""
    reason = body.reason if body else None
    return _use(redeeming.reverse(session, redemption_id, reason=reason, scope=caller.scope, now=now))


@resolving.post("/resolve", dependencies=[allow("coupons:redeem")])
def resolve_card(body: CardResolve, session: BrandWide, caller: Caller, now: Now) -> CardRead:
    """Who shows this code or member number, and which of her coupons the store takes now.

    The code may come from any store of the brand. She is tied to the store from then on.
    """
    store = caller.owner(session, body.store_id)
    return _card(cards.resolve(session, body.code, store=store, now=now))


def _own(session: Session, caller: CallerInfo, coupon_id: CouponId, permission: str) -> Coupon:
    """A coupon that the caller may change. Raises NotFound for other stores', PermissionMissing for head office's."""
    coupon = queries.get_coupon(session, coupon_id)
    if caller.scope.sees_store(coupon.store_no):
        return coupon
    if coupon.store_no is not None:
        raise NotFound
    raise PermissionMissing(permission)


def _ids_of(session: Session, customer_id: UUID | None) -> list[UUID] | None:
    return list_ids_of(session, customer_id) if customer_id is not None else None


def _searched(code: str | None) -> str | None:
    """The code to search for; what cannot be a code is searched for as it stands and found nowhere."""
    return code if code is None else find_code(code) or code


def _masks_codes(caller: CallerInfo) -> bool:
    """Whether codes are kept from this caller. A till needs the one that a customer shows, never a list of them."""
    return "coupons:issue" not in caller.permissions


def _copy(issued: IssuedCoupon, now: Instant, *, masks: bool = False) -> IssuedCouponRead:
    status = "expired" if issued.status == "issued" and issued.expires_at <= now else issued.status
    code = mask_code(issued.code) if masks else issued.code
    return IssuedCouponRead.model_validate(issued.model_dump() | {"status": status, "code": code})


def _card(card: Card) -> CardRead:
    coupons_ = [_card_coupon(issued, coupon, masks=not card.shows_codes) for issued, coupon in card.copies]
    customer = CardCustomer(id=card.customer.id, nickname=card.nickname, rank=None)
    return CardRead(customer=customer, coupons=coupons_, points=None)


def _card_coupon(issued: IssuedCoupon, coupon: Coupon, *, masks: bool) -> CardCoupon:
    told = tell_benefit(coupon.benefit)
    return CardCoupon(
        issued_coupon_id=issued.id,
        coupon_id=coupon.id,
        name=coupon.name,
        benefit=Benefit.model_validate(coupon.benefit),
        benefit_text=told.en,
        benefit_text_ja=told.ja,
        min_spend_yen=coupon.min_spend_yen,
        combinable=coupon.combinable,
        code=mask_code(issued.code) if masks else issued.code,
        expires_at=issued.expires_at,
    )


def _use(redemption: Redemption) -> RedemptionRead:
    status = "redeemed" if redemption.reversed_at is None else "reversed"
    return RedemptionRead.model_validate(redemption.model_dump() | {"status": status})


def _issue_item(index: int, outcome: Outcome, now: Instant) -> IssueItem:
    issued = outcome.issued
    if issued is None:
        assert outcome.problem is not None
        problem: dict[str, Any] = describe(outcome.problem)
        return IssueItem(index=index, status=outcome.problem.status, id=None, problem=problem, issued_coupon=None)
    status = 201 if outcome.is_new else 200
    return IssueItem(index=index, status=status, id=issued.id, problem=None, issued_coupon=_copy(issued, now))


routers = [coupons, issued_coupons, redemptions, resolving]

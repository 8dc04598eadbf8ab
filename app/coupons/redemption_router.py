"""The till over HTTP: redeeming, settling what was granted offline, undoing, and asking what a card is good for."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import ValidationError

from app.auth import BrandWide, Caller, Now, ScopedSession, allow, brand_key_of
from app.callers import CallerInfo
from app.coupons import cards, queries, redeeming, signals
from app.coupons.cards import Basket, Card, CardCopy
from app.coupons.codes import mask_code
from app.coupons.filters import CodeFilter, CouponFilter, CustomerFilter, ids_of, searched
from app.coupons.guessing import Guesser
from app.coupons.models import Redemption
from app.coupons.queries import CopyFilters
from app.coupons.redemption_schemas import (
    CardCoupon,
    CardCustomer,
    CardRead,
    CardResolve,
    LateRedemption,
    RedemptionBatch,
    RedemptionBatchRead,
    RedemptionCreate,
    RedemptionRead,
    RedemptionReverse,
    SettledItem,
    SignalList,
    SignalRead,
)
from app.coupons.scanning import OpenKey
from app.coupons.schemas import Benefit
from app.coupons.settling import Late, Settled, settle
from app.coupons.texts import tell_benefit
from app.paging import PagingParams, make_page
from app.problems import describe, malformed
from app.routes import ApiRoute
from app.schemas import Instant, Page, RedemptionId, StoreId
from tenants.problems import Invalid
from tenants.session import ScopedSession as Session
from tenants.stores.models import Store

resolving = APIRouter(prefix="/v1/cards", tags=["coupons"], route_class=ApiRoute)
redemptions = APIRouter(prefix="/v1/redemptions", tags=["coupons"], route_class=ApiRoute)
routers = [redemptions, resolving]


@dataclass(frozen=True)
class Scanner:
    """What reading codes takes, beside the codes: the way to the brand's key, and who answers for wrong guesses."""

    open_key: OpenKey
    watch: Callable[[Store | None], Guesser]


def read_scanner(request: Request, session: BrandWide, caller: Caller) -> Scanner:
    """The scanner of this request: its credential is watched at each store by itself."""
    state = request.app.state
    most = state.settings.unknown_code_limit

    def watch(store: Store | None) -> Guesser:
        return Guesser(caller.id, store.no if store is not None else None, most)

    return Scanner(partial(brand_key_of, session, state.keyring), watch)


Scanning = Annotated[Scanner, Depends(read_scanner, scope="function")]


@redemptions.post("", status_code=201, dependencies=[allow("coupons:redeem")])
def create_redemption(
    body: RedemptionCreate, session: BrandWide, caller: Caller, scanner: Scanning, now: Now
) -> RedemptionRead:
    """Redeem a code at one of the caller's stores; the code may come from any store of the brand.

    A key of one store need not name it. A code that changes every 30 seconds is taken while it is new; an older picture
    of it is refused. Coupons that do not go together cannot be used on one `order_ref` of a store.
    """
    store = _store(session, caller, body.store_id)
    redemption = redeeming.redeem(
        session,
        body.code,
        store=store,
        open_key=scanner.open_key,
        guesser=scanner.watch(store),
        amount_yen=body.amount_yen,
        order_ref=body.order_ref,
        redeemed_at=body.redeemed_at,
        now=now,
    )
    return _use(redemption)


@redemptions.post("/batch", dependencies=[allow("coupons:redeem")])
def settle_redemptions(
    body: RedemptionBatch, session: BrandWide, caller: Caller, scanner: Scanning, now: Now
) -> RedemptionBatchRead:
    """Settle what a store's till granted while it was offline: up to 500 uses, each at its own time, up to 72 h back.

    The same `ref` settles once, whatever is sent again. What cannot be counted (used elsewhere meanwhile, ended at that
    time, budget over) is told with its problem and kept as a conflict, under its `ref` too; head office is told by the
    event `coupon.conflicted`. Nothing of the others is lost by it.
    """
    store = _store(session, caller, body.store_id)
    read = [_read_late(index, item) for index, item in enumerate(body.items)]
    good = [one for one in read if isinstance(one, Late)]
    settled = iter(
        settle(session, store, good, now, open_key=scanner.open_key, guesser=scanner.watch(store)) if good else ()
    )
    met = [next(settled) if isinstance(one, Late) else one for one in read]
    return RedemptionBatchRead(items=[_settled(index, one) for index, one in enumerate(met)])


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
    filters = CopyFilters(coupon_id, ids_of(session, customer_id), searched(code), status)
    return make_page(session, queries.list_redemptions(session, filters), Redemption.id, paging, _use)


@redemptions.get("/signals", dependencies=[allow("coupons:read")])
def list_redemption_signals(
    session: ScopedSession,
    now: Now,
    since: Annotated[
        Instant | None, Query(description="From when on, at most 31 days back; a week if left out.")
    ] = None,
) -> SignalList:
    """What looks odd at tills: many reversals, one customer at many stores, offline conflicts, guessing of codes.

    For a store what was odd at its own counter.
    """
    begin = since or now - timedelta(days=7)
    if begin < now - timedelta(days=31):
        raise Invalid.at("/query/since", "Must lie within the last 31 days.")
    found = signals.list_signals(session, since=begin, until=now)
    ids = queries.map_store_ids(session, {one.store_no for one in found if one.store_no is not None})
    return SignalList(
        items=[
            SignalRead.model_validate(
                asdict(one) | {"store_id": ids.get(one.store_no) if one.store_no is not None else None}
            )
            for one in found
        ]
    )


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
def resolve_card(body: CardResolve, session: BrandWide, caller: Caller, scanner: Scanning, now: Now) -> CardRead:
    """Who shows this code, card or member number, and which of her coupons the store takes now.

    With `amount_yen`, a `basket` or an `order_ref` all coupons in her hands are told, each with whether it applies, and
    what it would give or why not. The code may come from any store of the brand. She is tied to the store from then on.
    """
    store = caller.owner(session, body.store_id)
    card = cards.resolve(
        session,
        scanner.open_key,
        body.code,
        store=store,
        basket=_basket(body),
        guesser=scanner.watch(store),
        now=now,
    )
    return _card(card)


def _store(session: Session, caller: CallerInfo, store_id: StoreId | None) -> Store:
    """The store at which something is used. Raises NotFound, Invalid."""
    store = caller.owner(session, store_id)
    if store is None:
        raise Invalid.at("/store_id", "Name the store.")
    return store


def _read_late(index: int, item: Any) -> Late | Settled:
    """One item of a batch, or what is wrong with it, with pointers from the top of the body."""
    try:
        late = LateRedemption.model_validate(item)
    except ValidationError as error:
        problem = malformed([{**one, "loc": ("body", "items", index, *one["loc"])} for one in error.errors()])
        return Settled(problem=describe(problem))
    return Late(**late.model_dump())


def _settled(index: int, settled: Settled) -> SettledItem:
    if settled.redemption is not None:
        return SettledItem(index=index, status=201 if settled.is_new else 200, id=settled.redemption.id, problem=None)
    assert settled.problem is not None
    return SettledItem(index=index, status=settled.problem["status"], id=None, problem=_placed(index, settled.problem))


def _placed(index: int, problem: dict[str, Any]) -> dict[str, Any]:
    """A problem whose pointers begin at the top of the body."""
    errors = [
        error if error["pointer"].startswith("/items/") else {**error, "pointer": f"/items/{index}{error['pointer']}"}
        for error in problem.get("errors", ())
    ]
    return {**problem, "errors": errors} if errors else problem


def _basket(body: CardResolve) -> Basket | None:
    amount_yen = body.amount_yen
    if amount_yen is None and body.basket is not None:
        amount_yen = sum(item.quantity * item.unit_price_yen for item in body.basket)
    return Basket(amount_yen, body.order_ref) if amount_yen is not None or body.order_ref is not None else None


def _card(card: Card) -> CardRead:
    coupons = [_card_coupon(copy, masks=not card.shows_codes) for copy in card.copies]
    standing = card.standing
    customer = CardCustomer(id=card.customer.id, nickname=card.nickname, rank=standing.rank)
    debt = standing.debt if standing.points is not None else None
    return CardRead(customer=customer, coupons=coupons, points=standing.points, points_debt=debt)


def _card_coupon(copy: CardCopy, *, masks: bool) -> CardCoupon:
    issued, coupon = copy.issued, copy.coupon
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
        applies=copy.problem is None,
        problem=describe(copy.problem) if copy.problem is not None else None,
        discount_yen=copy.discount_yen,
    )


def _use(redemption: Redemption) -> RedemptionRead:
    status = "redeemed" if redemption.reversed_at is None else "reversed"
    return RedemptionRead.model_validate(redemption.model_dump() | {"status": status})

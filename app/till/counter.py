"""What a clerk does: scan, use, undo, and see how the day goes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select

from app.callers import CallerInfo
from app.coupons import cards, redeeming, settling, uses
from app.coupons.guessing import Guesser
from app.coupons.models import Coupon, IssuedCoupon, Redemption
from app.coupons.queries import get_redemption, zone_of
from app.coupons.scanning import OpenKey, find_scanned
from app.coupons.texts import tell_benefit
from app.customers.models import Customer
from app.customers.queries import find_display_name
from app.loyalty.queries import read_standing
from app.till.problems import TillUndoOver
from app.till.schemas import Held, Offer, Person, Scan, ScanRead, SettledRead, SettleItem, Tally, Use
from tenants.problems import Invalid
from tenants.session import ScopedSession
from tenants.stores import opening_hours
from tenants.stores.models import Store

UNDO: Final = timedelta(minutes=10)
"""For how long a till may undo what was used at its store's counter."""
LATEST: Final = 20
"""Uses of the day that the page lists."""
WRONG_CODES: Final = 20
"""How many codes that nobody has a till may be shown in a minute: clerks mistype, and scanners misread."""


def scan(
    session: ScopedSession, open_key: OpenKey, till: CallerInfo, store: Store, body: Scan, now: datetime
) -> tuple[ScanRead, UUID]:
    """Use the copy whose code it is; ask for the bill where the coupon needs it; show whose card it is.

    Answers whom it is about as well. Raises what scanning and redeeming raise: NotFound, CodeStale, the coupon's
    problem.
    """
    guesser = _guesser(till, store)
    scanned = find_scanned(session, open_key, body.code, now, guesser=guesser)
    person = _person(session, scanned.customer, now)
    if scanned.kind == "card":
        card = cards.resolve(session, open_key, body.code, store=store, guesser=guesser, now=now)
        return ScanRead(result="card", person=person, offer=None, use=None, held=_held(card)), scanned.customer.id
    try:
        redemption = redeeming.redeem(
            session,
            body.code,
            store=store,
            open_key=open_key,
            guesser=guesser,
            device_id=till.id,
            settle_ref=_settle_ref(till, body.ref),
            amount_yen=body.amount_yen,
            now=now,
        )
    except Invalid:
        coupon = _coupon_of(session, scanned.code)
        if body.amount_yen is not None or not uses.needs_amount(coupon):
            raise
        return ScanRead(result="amount", person=person, offer=offer_of(coupon), use=None, held=[]), scanned.customer.id
    use = _use(redemption, session.get_one(Coupon, (session.scope.brand_id, redemption.coupon_id)))
    return ScanRead(result="done", person=person, offer=use.offer, use=use, held=[]), scanned.customer.id


def settle(
    session: ScopedSession,
    open_key: OpenKey,
    till: CallerInfo,
    store: Store,
    items: Sequence[SettleItem],
    now: datetime,
) -> list[SettledRead]:
    """Count uses of this till while it had no network; one answer for each. A clock ahead of ours is set back."""
    late = [
        settling.Late(
            ref=_settle_ref(till, one.ref),
            code=one.code,
            redeemed_at=min(one.redeemed_at, now),
            amount_yen=one.amount_yen,
        )
        for one in items
    ]
    settled = settling.settle(
        session, store, late, now, open_key=open_key, guesser=_guesser(till, store), device_id=till.id
    )
    return [_settled(one.ref, answer) for one, answer in zip(items, settled, strict=True)]


def undo(session: ScopedSession, till: CallerInfo, redemption_id: UUID, *, reason: str, now: datetime) -> Redemption:
    """Give a use at this store's counter back. Raises NotFound, TillUndoOver, RedemptionReversed."""
    made_at = get_redemption(session, redemption_id).created_at
    if now > made_at + UNDO:
        raise TillUndoOver(made_at + UNDO)
    return redeeming.reverse(session, redemption_id, reason=f"till: {reason}", scope=till.scope, now=now)


def read_tally(session: ScopedSession, store: Store, now: datetime) -> Tally:
    """How the store's business day goes."""
    business_on = opening_hours.business_day(store.opening_hours, now, zone_of(session))
    of_day = _of_day(store, business_on)
    stands = col(Redemption.reversed_at).is_(None)
    count: Any = select(
        func.count().filter(stands),
        func.coalesce(func.sum(Redemption.discount_yen).filter(stands), 0),
        func.count().filter(~stands),
    )
    uses, discount_yen, undone = session.exec(count.select_from(Redemption).where(*of_day)).one()
    latest = (
        select(Redemption, Coupon)
        .join(
            Coupon,
            (col(Coupon.brand_id) == col(Redemption.brand_id)) & (col(Coupon.id) == col(Redemption.coupon_id)),
        )
        .where(*of_day)
        .order_by(col(Redemption.id).desc())
        .limit(LATEST)
    )
    return Tally(
        uses=uses,
        discount_yen=int(discount_yen),
        undone=undone,
        latest=[_use(redemption, coupon) for redemption, coupon in session.exec(latest).all()],
    )


def offer_of(coupon: Coupon) -> Offer:
    """What a clerk is told of a coupon."""
    told = tell_benefit(coupon.benefit)
    return Offer(
        name=coupon.name,
        gives=told.en,
        gives_ja=told.ja,
        min_spend_yen=coupon.min_spend_yen,
        needs_amount=uses.needs_amount(coupon),
    )


def _of_day(store: Store, business_on: date) -> Sequence[Any]:
    # Ids begin with the time they were made at, by which the index finds the day: no use is written before it.
    first_at = datetime.combine(business_on - timedelta(days=1), time(), tzinfo=UTC)
    first = UUID(int=int(first_at.timestamp() * 1000) << 80)
    return (
        col(Redemption.store_no) == store.no,
        col(Redemption.id) >= first,
        col(Redemption.business_on) == business_on,
    )


def _use(redemption: Redemption, coupon: Coupon) -> Use:
    return Use(
        redemption_id=redemption.id,
        offer=offer_of(coupon),
        amount_yen=redemption.amount_yen,
        discount_yen=redemption.discount_yen,
        redeemed_at=redemption.redeemed_at,
        undo_until=redemption.created_at + UNDO,
        is_undone=redemption.reversed_at is not None,
    )


def _held(card: cards.Card) -> list[Held]:
    return [
        Held(
            offer=offer_of(one.coupon),
            code=one.issued.code if card.shows_codes else None,
            expires_at=one.issued.expires_at,
        )
        for one in card.copies
    ]


def _settle_ref(till: CallerInfo, ref: str) -> str:
    return f"{till.outside_id}:{ref}"


def _settled(ref: str, answer: settling.Settled) -> SettledRead:
    if answer.problem is None:
        return SettledRead(ref=ref, status=201 if answer.is_new else 200, problem=None)
    return SettledRead(ref=ref, status=int(str(answer.problem["status"])), problem=dict(answer.problem))


def _guesser(till: CallerInfo, store: Store) -> Guesser:
    return Guesser(till.id, store.no, WRONG_CODES)


def _person(session: ScopedSession, customer: Customer, now: datetime) -> Person:
    standing = read_standing(session, customer.id, now)
    return Person(
        nickname=find_display_name(session, customer.id),
        rank=standing.rank_name_en,
        rank_ja=standing.rank_name_ja,
    )


def _coupon_of(session: ScopedSession, code: str) -> Coupon:
    copy = select(IssuedCoupon.coupon_id).where(col(IssuedCoupon.code) == code)
    return session.get_one(Coupon, (session.scope.brand_id, session.exec(copy).one()))

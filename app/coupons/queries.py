"""Reads of coupons, copies and redemptions, and the locks that their counting stands on."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, text
from sqlmodel import col, select

from app.coupons.incidents import SettlementConflict
from app.coupons.locks import AnyCoupon
from app.coupons.models import Coupon, CouponBudget, CouponTally, IssuedCoupon, Redemption
from app.customers.locks import lock_found
from app.customers.models import Customer
from app.customers.queries import list_by_key, list_her_ids, map_present
from tenants.areas.models import Area
from tenants.brands.queries import get_brand
from tenants.ids import decode_id
from tenants.problems import NotFound
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.stores.opening_hours import Hours


def list_coupons() -> Any:
    """The coupons of the scope that are not archived, to be paged."""
    return select(Coupon).where(col(Coupon.archived_at).is_(None))


def list_offers(*, is_template: bool) -> Any:
    """The offers of the scope that are not archived, or else the templates for them, to be paged."""
    return list_coupons().where(col(Coupon.is_template).is_(is_template))


def get_issuable(session: ScopedSession, coupon_id: UUID) -> Coupon:
    """A coupon that copies are issued of: not archived, and no template. Raises NotFound."""
    coupon = get_coupon(session, coupon_id)
    if coupon.is_template:
        raise NotFound
    return coupon


def get_coupon(session: ScopedSession, coupon_id: UUID) -> Coupon:
    """A coupon that is not archived. Raises NotFound."""
    coupon: Coupon | None = session.exec(list_coupons().where(col(Coupon.id) == coupon_id)).one_or_none()
    if coupon is None:
        raise NotFound
    return coupon


def get_tally(session: ScopedSession, coupon_id: UUID) -> CouponTally:
    """How many copies of a coupon there are now."""
    tally = select(CouponTally).where(col(CouponTally.coupon_id) == coupon_id)
    return session.exec(tally.execution_options(populate_existing=True)).one()


def lock_tally(session: ScopedSession, coupon_id: UUID) -> CouponTally:
    """How many copies of a coupon there are, locked: nobody else issues this coupon until this transaction ends."""
    tally = select(CouponTally).where(col(CouponTally.coupon_id) == coupon_id).with_for_update(key_share=True)
    return session.exec(tally.execution_options(populate_existing=True)).one()


def get_budget(session: ScopedSession, coupon_id: UUID) -> CouponBudget:
    """What a coupon has cost by now."""
    budget = select(CouponBudget).where(col(CouponBudget.coupon_id) == coupon_id)
    return session.exec(budget.execution_options(populate_existing=True)).one()


def lock_budget(session: ScopedSession, coupon_id: UUID) -> CouponBudget:
    """What a coupon has cost, locked: nobody else redeems or reverses this coupon until this transaction ends."""
    take_turns(session, [coupon_id])
    budget = select(CouponBudget).where(col(CouponBudget.coupon_id) == coupon_id).with_for_update(key_share=True)
    return session.exec(budget.execution_options(populate_existing=True)).one()


def take_turns(session: ScopedSession, coupon_ids: Collection[UUID]) -> None:
    """Wait for our turn at the budgets of these coupons, in the order of their ids, and keep it until the commit.

    Whoever changes a budget takes its turn first. Those who wait for a turn are let in one by one, as they came; those
    who wait for a row are all woken by each change of it, to wait for the next.
    """
    session.execute(_TAKE_TURNS, {"brand_id": session.scope.brand_id, "coupon_ids": sorted(coupon_ids)})


_TAKE_TURNS = text("SELECT take_turn(:brand_id, coupon_id) FROM unnest(CAST(:coupon_ids AS uuid[])) AS coupon_id")


def list_used_on_order(session: ScopedSession, store_no: int, order_ref: str) -> Sequence[Coupon]:
    """The coupons that were used on an order of a store and not given back."""
    used = (
        select(Coupon)
        .join(Redemption, _same_brand(Redemption, Coupon) & (col(Redemption.coupon_id) == col(Coupon.id)))
        .where(
            col(Redemption.store_no) == store_no,
            col(Redemption.order_ref) == order_ref,
            col(Redemption.reversed_at).is_(None),
        )
    )
    return session.exec(used).all()


def map_settled(session: ScopedSession, store_no: int, refs: Collection[str]) -> dict[str, Redemption]:
    """The redemptions that a store's tills settled under these references."""
    settled = select(Redemption).where(col(Redemption.store_no) == store_no, col(Redemption.settle_ref).in_(refs))
    return {str(row.settle_ref): row for row in session.exec(settled).all()}


def map_conflicts(session: ScopedSession, store_no: int, refs: Collection[str]) -> dict[str, SettlementConflict]:
    """What a store's tills could not settle under these references."""
    found = select(SettlementConflict).where(
        col(SettlementConflict.store_no) == store_no, col(SettlementConflict.ref).in_(refs)
    )
    return {row.ref: row for row in session.exec(found).all()}


def _lock_holder(session: ScopedSession, whose: Any) -> Customer | None:
    """The customer in whose hands a copy is, locked: before the copy, as everybody does. None if erased, or unknown."""
    return next(iter(lock_found(session, lambda: session.exec(whose).all()).values()), None)


def find_holder(session: ScopedSession, code: str) -> Customer | None:
    """In whose hands the copy with this code is, whatever became of the copy; erased people are found by none."""
    whose = select(IssuedCoupon.customer_id).where(col(IssuedCoupon.code) == code)
    return _find_present(session, session.exec(whose).one_or_none())


def find_member(session: ScopedSession, member_number: str) -> Customer | None:
    """Who has this member number, or had it before she was merged into another."""
    return _find_present(session, next(iter(list_by_key(session, "member_number", member_number)), None))


def _find_present(session: ScopedSession, customer_id: UUID | None) -> Customer | None:
    return map_present(session, [customer_id]).get(customer_id) if customer_id is not None else None


def list_current_copies(
    session: ScopedSession, customer_id: UUID, now: datetime, *, also_later: bool = False
) -> Sequence[tuple[IssuedCoupon, Coupon]]:
    """The copies in her hands that are good now, and those that will be if wanted, with their offers.

    Those that end first come first.
    """
    rows = (
        select(IssuedCoupon, Coupon)
        .join(Coupon, _same_brand(Coupon, IssuedCoupon) & (col(Coupon.id) == col(IssuedCoupon.coupon_id)))
        .where(
            col(IssuedCoupon.customer_id).in_(list_her_ids(session, customer_id)),
            col(IssuedCoupon.status) == "issued",
            col(IssuedCoupon.expires_at) > now,
        )
        .order_by(col(Coupon.priority).desc(), col(IssuedCoupon.expires_at), col(IssuedCoupon.id))
        .limit(MOST_ON_CARD)
    )
    if not also_later:
        rows = rows.where(col(IssuedCoupon.starts_at) <= now)
    return session.exec(rows).all()


MOST_ON_CARD = 200


@dataclass(frozen=True)
class Use:
    """A redemption with the copy that it used."""

    redemption: Redemption
    issued: IssuedCoupon


def lock_redemption(session: ScopedSession, redemption_id: UUID) -> Use:
    """A redemption and its copy, locked, and the customer's row before them. Raises NotFound.

    Of a customer who was erased the redemption stays, as a figure of nobody, and can be reversed.
    """
    _lock_holder(session, select(Redemption.customer_id).where(col(Redemption.id) == redemption_id))
    rows = (
        select(IssuedCoupon, Redemption)
        .join(Redemption, _same_brand(Redemption, IssuedCoupon) & (col(Redemption.issued_coupon_id) == IssuedCoupon.id))
        .where(col(Redemption.id) == redemption_id)
        .with_for_update(of=[IssuedCoupon, Redemption], key_share=True)
        .execution_options(populate_existing=True)
    )
    found = session.exec(rows).one_or_none()
    if found is None:
        raise NotFound
    issued, redemption = found
    return Use(redemption=redemption, issued=issued)


def _same_brand(one: Any, other: Any) -> Any:
    return col(one.brand_id) == col(other.brand_id)


def lock_issued(session: ScopedSession, issued_coupon_id: UUID) -> IssuedCoupon:
    """A copy, locked. Raises NotFound."""
    rows = select(IssuedCoupon).where(col(IssuedCoupon.id) == issued_coupon_id).with_for_update(key_share=True)
    issued = session.exec(rows.execution_options(populate_existing=True)).one_or_none()
    if issued is None:
        raise NotFound
    return issued


def find_standing(session: ScopedSession, issued_coupon_id: UUID) -> tuple[datetime, str]:
    """When and at which store, by name, a redeemed copy was used."""
    use = (
        select(Redemption.redeemed_at, Store.name)
        .join(Store, _same_brand(Store, Redemption) & (col(Store.id) == col(Redemption.store_id)))
        .where(col(Redemption.issued_coupon_id) == issued_coupon_id, col(Redemption.reversed_at).is_(None))
    )
    return session.exec(use).one()


def sum_of_day(session: ScopedSession, coupon_id: UUID, store_no: int, business_on: date) -> tuple[int, int]:
    """How many redemptions of a coupon stand for one store's business day, and what they cost in yen."""
    return _sum(session, coupon_id, col(Redemption.store_no) == store_no, col(Redemption.business_on) == business_on)


def sum_of_customer(session: ScopedSession, coupon_id: UUID, customer_id: UUID) -> tuple[int, int]:
    """How many redemptions of a coupon stand for one customer, and what they cost in yen."""
    return _sum(session, coupon_id, col(Redemption.customer_id).in_(list_her_ids(session, customer_id)))


def _sum(session: ScopedSession, coupon_id: UUID, *where: Any) -> tuple[int, int]:
    uses = select(func.count(), func.coalesce(func.sum(Redemption.discount_yen), 0)).where(
        col(Redemption.brand_id) == session.scope.brand_id,
        col(Redemption.coupon_id) == coupon_id,
        col(Redemption.reversed_at).is_(None),
        *where,
    )
    redeemed, discount_yen = session.exec(uses).one()
    return redeemed, int(discount_yen)


def list_area_ids(session: ScopedSession, coupon: AnyCoupon) -> Sequence[UUID]:
    """The areas by which a coupon's uses are capped: those that it names, or else all that are not archived."""
    if coupon.area_ids:
        return [decode_id("area", text) for text in coupon.area_ids]
    return session.exec(select(Area.id).where(col(Area.archived_at).is_(None))).all()


def list_copies_of(session: ScopedSession, coupon_id: UUID, customer_ids: Collection[UUID]) -> Sequence[IssuedCoupon]:
    """The copies of a coupon that these customers were given, void ones too."""
    copies = select(IssuedCoupon).where(
        col(IssuedCoupon.coupon_id) == coupon_id, col(IssuedCoupon.customer_id).in_(customer_ids)
    )
    return session.exec(copies.execution_options(populate_existing=True)).all()


@dataclass(frozen=True)
class CopyFilters:
    """Which copies a list holds; None does not filter. `status` is as shown, so it depends on the clock."""

    coupon_id: UUID | None = None
    customer_ids: Collection[UUID] | None = None
    """All ids that stand for one person."""
    code: str | None = None
    status: str | None = None


def list_issued(filters: CopyFilters, now: datetime) -> Any:
    """The copies of the scope, to be paged."""
    rows: Any = select(IssuedCoupon)
    if filters.coupon_id is not None:
        rows = rows.where(col(IssuedCoupon.coupon_id) == filters.coupon_id)
    if filters.customer_ids is not None:
        rows = rows.where(col(IssuedCoupon.customer_id).in_(filters.customer_ids))
    if filters.code is not None:
        rows = rows.where(col(IssuedCoupon.code) == filters.code)
    if filters.status in ("issued", "expired"):
        over = col(IssuedCoupon.expires_at) <= now
        rows = rows.where(col(IssuedCoupon.status) == "issued", over if filters.status == "expired" else ~over)
    elif filters.status is not None:
        rows = rows.where(col(IssuedCoupon.status) == filters.status)
    return rows


def get_issued(session: ScopedSession, issued_coupon_id: UUID) -> IssuedCoupon:
    """A copy. Raises NotFound."""
    rows = select(IssuedCoupon).where(col(IssuedCoupon.id) == issued_coupon_id)
    issued = session.exec(rows).one_or_none()
    if issued is None:
        raise NotFound
    return issued


def list_redemptions(session: ScopedSession, filters: CopyFilters) -> Any:
    """The redemptions of the scope, to be paged; here `status` is redeemed or reversed.

    A store looks them up by its own number, for which there is an index.
    """
    rows: Any = select(Redemption)
    if session.scope.store_nos is not None:
        rows = rows.where(col(Redemption.store_no).in_(session.scope.store_nos))
    if filters.coupon_id is not None:
        rows = rows.where(col(Redemption.coupon_id) == filters.coupon_id)
    if filters.customer_ids is not None:
        rows = rows.where(col(Redemption.customer_id).in_(filters.customer_ids))
    if filters.code is not None:
        copies = select(IssuedCoupon.id).where(col(IssuedCoupon.code) == filters.code)
        rows = rows.where(col(Redemption.issued_coupon_id).in_(copies))
    if filters.status is not None:
        standing = col(Redemption.reversed_at).is_(None)
        rows = rows.where(standing if filters.status == "redeemed" else ~standing)
    return rows


def get_redemption(session: ScopedSession, redemption_id: UUID) -> Redemption:
    """A redemption. Raises NotFound."""
    rows = select(Redemption).where(col(Redemption.id) == redemption_id)
    redemption = session.exec(rows).one_or_none()
    if redemption is None:
        raise NotFound
    return redemption


def count_in_scope(session: ScopedSession, coupon_id: UUID) -> tuple[int, int, int]:
    """Copies that the stores in scope issued, redemptions that stand at them, and the yen these cost."""
    copies = select(func.count()).where(
        col(IssuedCoupon.brand_id) == session.scope.brand_id,
        col(IssuedCoupon.coupon_id) == coupon_id,
        col(IssuedCoupon.status) != "void",
    )
    uses = select(func.count(), func.coalesce(func.sum(Redemption.discount_yen), 0)).where(
        col(Redemption.brand_id) == session.scope.brand_id,
        col(Redemption.coupon_id) == coupon_id,
        col(Redemption.store_no).in_(session.scope.store_nos or ()),
        col(Redemption.reversed_at).is_(None),
    )
    redeemed, discount_yen = session.exec(uses).one()
    return session.exec(copies).one(), redeemed, int(discount_yen)


def list_hours(session: ScopedSession, store_nos: Collection[int] | None) -> list[Hours]:
    """The opening hours of these stores, or of every store (None), archived ones left out."""
    stores = select(Store.opening_hours).where(col(Store.archived_at).is_(None))
    if store_nos is not None:
        stores = stores.where(col(Store.no).in_(store_nos))
    return list(session.exec(stores).all())


def map_store_ids(session: ScopedSession, nos: Iterable[int]) -> dict[int, UUID]:
    """Ids of the stores that the scope sees, by number."""
    wanted = set(nos)
    if not wanted:
        return {}
    return dict(session.exec(select(Store.no, Store.id).where(col(Store.no).in_(wanted))).all())


def map_store_nos(session: ScopedSession, store_ids: Collection[UUID]) -> dict[UUID, int]:
    """Numbers of the stores that the scope sees, archived ones left out, by id."""
    stores = select(Store.id, Store.no).where(col(Store.id).in_(store_ids), col(Store.archived_at).is_(None))
    return dict(session.exec(stores).all())


def zone_of(session: ScopedSession) -> ZoneInfo:
    """The zone of the brand's clocks and calendar."""
    return ZoneInfo(get_brand(session, session.scope.brand_id).timezone)

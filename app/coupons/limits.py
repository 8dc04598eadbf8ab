"""Caps on the use of a coupon: how often its copies are used, and what that costs; exact to the yen.

Uses are counted on the coupon's budget, one row at which whoever counts takes his turn, last of all, so what is read in
that turn is the truth. Uses by store and by day have counters of their own once a cap asks for them; those of one
customer, and of one store's day, are few and counted from the rows themselves. Caps on copies are in `issue_limits`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import text, update
from sqlmodel import col

from app.coupons import queries
from app.coupons.locks import AnyCoupon
from app.coupons.models import CouponBudget, Redemption
from app.coupons.problems import CouponBudgetSpent, CouponDailyLimit, CouponLimitReached
from tenants.areas import queries as areas
from tenants.problems import Problem
from tenants.session import ScopedSession

Per = Literal["all", "area", "store", "store_day", "day", "customer"]


class Cap(NamedTuple):
    """A cap on use: its name among the coupon's limits, and what it counts."""

    name: str
    of: Literal["uses", "yen"]
    per: Per


CAPS: Final = (
    Cap("per_store_per_day", "uses", "store_day"),
    Cap("redeemed_per_customer", "uses", "customer"),
    Cap("redeemed_per_day", "uses", "day"),
    Cap("redeemed_per_store", "uses", "store"),
    Cap("redeemed_per_area", "uses", "area"),
    Cap("redeemed_total", "uses", "all"),
    Cap("yen_per_customer", "yen", "customer"),
    Cap("yen_per_store_per_day", "yen", "store_day"),
    Cap("yen_per_day", "yen", "day"),
    Cap("yen_per_store", "yen", "store"),
    Cap("yen_per_area", "yen", "area"),
    Cap("budget_yen", "yen", "all"),
)
"""Every cap on use, the narrowest first: that is the one which is told."""
_COUNTED_BY_PLACE: Final = ("area", "store", "day")


class Spent(NamedTuple):
    """Uses that stand, and what they cost."""

    redeemed: int
    discount_yen: int


@dataclass(frozen=True)
class Use:
    """One use of a copy as the caps see it."""

    customer_id: UUID
    store_no: int
    business_on: date
    discount_yen: int


def check(session: ScopedSession, coupon: AnyCoupon, use: Use) -> None:
    """Raises the problem of a cap on a part of the uses that this one would pass: those of a customer, a store, a day.

    CouponDailyLimit, CouponLimitReached or CouponBudgetSpent; caps on all uses are held by counting (`COUNT`). Needs a
    session of the whole brand, with the customer's row locked: what she used stays as it is read. What others count
    too is read under the lock of the coupon's budget, which stays locked.
    """
    parts = _list_capped(coupon) - {"all"}
    if not parts:
        return
    is_counted = False
    if parts != {"customer"}:
        is_counted = queries.lock_budget(session, coupon.id).is_counted
        if not is_counted and counts_places(coupon):
            _begin_counting(session, coupon)
            is_counted = True
    spent = _map_spent(session, coupon, use, parts, is_counted)
    if _find_problem(coupon, spent, use.discount_yen) is None:
        return
    # All caps are weighed to tell the narrowest.
    spent["all"] = _read_all(session, coupon)
    raise _find_problem(coupon, spent, use.discount_yen) or CouponBudgetSpent()


def count_values(coupon: AnyCoupon, discount_yen: int) -> dict[str, Any]:
    """What `COUNT` is given to count a use of this coupon, beside `brand_id` and `coupon_id`."""
    most_uses, most_yen = coupon.limits.get("redeemed_total"), coupon.limits.get("budget_yen")
    return {"discount_yen": discount_yen, "most_uses": most_uses, "most_yen": most_yen}


def find_reached(session: ScopedSession, coupon: AnyCoupon, discount_yen: int) -> Problem:
    """Why `COUNT` counted nothing. Somebody may have given a use back since; it was true."""
    return _find_problem(coupon, {"all": _read_all(session, coupon)}, discount_yen) or CouponBudgetSpent()


def give_back(session: ScopedSession, redemption: Redemption) -> None:
    """Count a use no longer, once it is reversed. The coupon's budget stays locked."""
    queries.take_turns(session, [redemption.coupon_id])
    given = (
        update(CouponBudget)
        .where(col(CouponBudget.coupon_id) == redemption.coupon_id)
        .values(
            redeemed=col(CouponBudget.redeemed) - 1,
            discount_yen=col(CouponBudget.discount_yen) - redemption.discount_yen,
        )
        .returning(col(CouponBudget.is_counted))
    )
    if session.execute(given, execution_options=_NOT_SYNCHRONIZED).scalar_one():
        place = redemption.store_no, redemption.business_on
        count_places(session, redemption.coupon_id, *place, -1, -redemption.discount_yen)


def find_refusal(session: ScopedSession, coupon: AnyCoupon, use: Use) -> Problem | None:
    """Why the caps would refuse this use as things stand; nothing is locked or counted. Needs the whole brand."""
    capped = _list_capped(coupon)
    if not capped:
        return None
    is_counted = queries.get_budget(session, coupon.id).is_counted
    return _find_problem(coupon, _map_spent(session, coupon, use, capped, is_counted), use.discount_yen)


def counts_places(coupon: AnyCoupon) -> bool:
    """Whether a cap asks for the uses of a coupon by store and by day."""
    return not _list_capped(coupon).isdisjoint(_COUNTED_BY_PLACE)


def _begin_counting(session: ScopedSession, coupon: AnyCoupon) -> None:
    """Count the uses of a coupon by store and by day from now on, beginning with those that stand.

    Its budget is locked, so nobody counts meanwhile. Once begun it is never ended: a till that read the limits a moment
    ago learns from the budget's row whether it has to count.
    """
    session.flush()
    session.execute(_BEGIN, {"brand_id": session.scope.brand_id, "coupon_id": coupon.id})
    begun = update(CouponBudget).where(col(CouponBudget.coupon_id) == coupon.id).values(is_counted=True)
    session.execute(begun, execution_options=_NOT_SYNCHRONIZED)


def _list_capped(coupon: AnyCoupon) -> set[Per]:
    """By what the uses of a coupon are capped."""
    return {cap.per for cap in CAPS if coupon.limits.get(cap.name) is not None}


def _find_problem(coupon: AnyCoupon, spent: Mapping[Per, Spent], discount_yen: int) -> Problem | None:
    """The first cap on what was counted that one more use would pass, as a problem."""
    for cap in CAPS:
        most, before = coupon.limits.get(cap.name), spent.get(cap.per)
        if most is None or before is None:
            continue
        if cap.of == "yen" and before.discount_yen + discount_yen > most:
            return CouponBudgetSpent(cap.name)
        if cap.of == "uses" and before.redeemed >= most:
            return CouponDailyLimit(most) if cap.name == "per_store_per_day" else CouponLimitReached(cap.name, most)
    return None


def _map_spent(
    session: ScopedSession, coupon: AnyCoupon, use: Use, capped: set[Per], is_counted: bool
) -> dict[Per, Spent]:
    """What stands by now, by each of these: from the counters, or from the rows where nobody counts them yet."""

    def read(kind: str, keys: Collection[int]) -> Spent:
        values = {"brand_id": session.scope.brand_id, "coupon_id": coupon.id, "kind": kind, "keys": list(keys)}
        row = session.execute(_READ if is_counted else _READ_ROWS, values).one()
        return Spent(int(row.redeemed), int(row.discount_yen))

    spent: dict[Per, Spent] = {}
    if "all" in capped:
        spent["all"] = _read_all(session, coupon)
    if "customer" in capped:
        spent["customer"] = Spent(*queries.sum_of_customer(session, coupon.id, use.customer_id))
    if "store_day" in capped:
        spent["store_day"] = Spent(*queries.sum_of_day(session, coupon.id, use.store_no, use.business_on))
    if "store" in capped:
        spent["store"] = read("store", [use.store_no])
    if "day" in capped:
        spent["day"] = read("day", [_day_key(use.business_on)])
    if "area" in capped:
        around = [read("store", nos) for nos in _list_areas(session, coupon, use.store_no)]
        # What is told is the fullest; uses and yen may be fullest in different areas.
        spent["area"] = Spent(
            max((one.redeemed for one in around), default=0), max((one.discount_yen for one in around), default=0)
        )
    return spent


def _list_areas(session: ScopedSession, coupon: AnyCoupon, store_no: int) -> list[set[int]]:
    """The areas that this store is in, as the numbers of their stores: of those the coupon names, or else of all."""
    named = queries.list_area_ids(session, coupon)
    return [nos for nos in areas.map_store_nos(session, named).values() if store_no in nos]


def _read_all(session: ScopedSession, coupon: AnyCoupon) -> Spent:
    budget = queries.get_budget(session, coupon.id)
    return Spent(budget.redeemed, budget.discount_yen)


_NOT_SYNCHRONIZED: Final = {"synchronize_session": False}


def _day_key(on: date) -> int:
    """A date as the key of a counter: 20261121."""
    return on.year * 10_000 + on.month * 100 + on.day


def count_places(
    session: ScopedSession, coupon_id: UUID, store_no: int, business_on: date, uses: int, discount_yen: int
) -> None:
    """Count uses by store and by day too: positive ones, or negative ones that are given back. The budget is locked."""
    values = {
        "brand_id": session.scope.brand_id,
        "coupon_id": coupon_id,
        "store_no": store_no,
        "day": _day_key(business_on),
        "uses": uses,
        "discount_yen": discount_yen,
    }
    session.execute(_COUNT_PLACES, values)


_OF_COUPON = "brand_id = :brand_id AND coupon_id = :coupon_id"
COUNT: Final = """
    SELECT is_counted FROM count_use(
        %(brand_id)s, %(coupon_id)s, CAST(%(discount_yen)s AS bigint), CAST(%(most_uses)s AS bigint),
        CAST(%(most_yen)s AS bigint)
    ) AS is_counted
"""
"""Counts one use of the whole coupon, unless a cap on all of it would be passed: then there is no row.

It waits for its turn, and the next one waits until we have committed: so it is part of the last statement of a
transaction. The row says whether the places are counted too. It is a function of the database, since only inside one
does what comes after the waiting see what was counted meanwhile.
"""
_READ = text(
    "SELECT coalesce(sum(redeemed), 0) AS redeemed, coalesce(sum(discount_yen), 0) AS discount_yen FROM coupon_counter"
    f" WHERE {_OF_COUPON} AND kind = :kind AND key = ANY(CAST(:keys AS int[]))"
)
_KEY = "CASE CAST(:kind AS text) WHEN 'store' THEN store_no ELSE CAST(to_char(business_on, 'YYYYMMDD') AS int) END"
_READ_ROWS = text(
    "SELECT count(*) AS redeemed, coalesce(sum(discount_yen), 0) AS discount_yen FROM redemption"
    f" WHERE {_OF_COUPON} AND reversed_at IS NULL AND {_KEY} = ANY(CAST(:keys AS int[]))"
)
_COUNT_PLACES = text(
    """
    INSERT INTO coupon_counter (brand_id, coupon_id, kind, key, redeemed, discount_yen)
    VALUES (:brand_id, :coupon_id, 'day', :day, :uses, :discount_yen),
           (:brand_id, :coupon_id, 'store', :store_no, :uses, :discount_yen)
    ON CONFLICT (brand_id, coupon_id, kind, key) DO UPDATE
    SET redeemed = coupon_counter.redeemed + excluded.redeemed,
        discount_yen = coupon_counter.discount_yen + excluded.discount_yen
    """
)
_BEGIN = text(
    f"""
    INSERT INTO coupon_counter (brand_id, coupon_id, kind, key, redeemed, discount_yen)
    SELECT :brand_id, :coupon_id, CASE WHEN grouping(store_no) = 0 THEN 'store' ELSE 'day' END,
           CASE WHEN grouping(store_no) = 0 THEN store_no ELSE CAST(to_char(business_on, 'YYYYMMDD') AS int) END,
           count(*), sum(discount_yen)
    FROM redemption WHERE {_OF_COUPON} AND reversed_at IS NULL
    GROUP BY GROUPING SETS ((store_no), (business_on))
    """
)

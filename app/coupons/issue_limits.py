"""Caps on the copies of a coupon, and what is set aside for them; exact to the yen.

Copies are counted on the coupon's tally, one row that whoever counts locks last, so what is read under the lock is the
truth.

`reserve` sets the most that a copy can cost aside when it is issued: then nobody holds a copy for which no money is
left. It comes back when the copy is void, and three days after its end what it did not cost. A till never touches it:
it would have to wait for runs that issue.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text

from app.coupons import queries, store_caps
from app.coupons.models import Coupon, CouponTally, IssuedCoupon
from app.coupons.problems import CouponAllIssued, CouponBudgetSpent, CouponLimitReached
from tenants.problems import Problem
from tenants.session import ScopedSession


def set_aside_yen(coupon: Coupon) -> int:
    """How much is set aside for each copy: the most that it can cost, where the coupon reserves; else nothing."""
    if not coupon.limits.get("reserve"):
        return 0
    name = "most_yen" if coupon.benefit["kind"] == "percent_off" else "amount_yen"
    return int(coupon.benefit.get(name) or 0)


def find_issue_refusal(coupon: Coupon, tally: CouponTally, on: date) -> Problem | None:
    """The cap on copies that one more would pass on this day of the brand's calendar, as a problem."""
    limits, yen = coupon.limits, set_aside_yen(coupon)
    total, per_day = limits.get("total"), limits.get("issued_per_day")
    if total is not None and tally.issued >= total:
        return CouponAllIssued(total)
    if per_day is not None and _issued_on(tally, on) >= per_day:
        return CouponLimitReached("issued_per_day", per_day)
    if yen and tally.reserved_yen + yen > limits["budget_yen"]:
        return CouponBudgetSpent("budget_yen")
    return None


def count_room(coupon: Coupon, tally: CouponTally, on: date) -> int | None:
    """How many copies may still be issued on this day of the brand's calendar; None where nothing caps them."""
    limits, yen = coupon.limits, set_aside_yen(coupon)
    rooms = []
    if (total := limits.get("total")) is not None:
        rooms.append(total - tally.issued)
    if (per_day := limits.get("issued_per_day")) is not None:
        rooms.append(per_day - _issued_on(tally, on))
    if yen:
        rooms.append((limits["budget_yen"] - tally.reserved_yen) // yen)
    return max(0, min(rooms)) if rooms else None


def count_copy(coupon: Coupon, tally: CouponTally, on: date) -> int:
    """Count one more copy on the locked tally; answers the yen that were set aside for it."""
    yen = set_aside_yen(coupon)
    tally.issued_that_day, tally.counted_on = _issued_on(tally, on) + 1, on
    tally.issued += 1
    tally.reserved_yen += yen
    return yen


def _issued_on(tally: CouponTally, on: date) -> int:
    return tally.issued_that_day if tally.counted_on == on else 0


def withdraw_copy(session: ScopedSession, issued: IssuedCoupon) -> None:
    """Count a copy no longer once it is void, and put back what was set aside for it. The tally stays locked."""
    tally = queries.lock_tally(session, issued.coupon_id)
    tally.issued -= 1
    if tally.counted_on == issued.created_at.astimezone(queries.zone_of(session)).date():
        tally.issued_that_day -= 1
    tally.reserved_yen -= issued.reserved_yen
    issued.reserved_yen = 0
    session.add_all((tally, issued))
    session.flush()
    store_caps.count_copies(session, tally, [issued.store_no], -1)


def settle_reserves(session: ScopedSession, coupon_id: UUID, ended_before: datetime, most: int) -> int:
    """Put back what was set aside for copies that ended before this and did not cost it; answers of how many copies.

    What a used copy cost stays. Up to `most` copies at a time.
    """
    values = {"brand_id": session.scope.brand_id, "coupon_id": coupon_id, "ended_before": ended_before, "most": most}
    return int(session.execute(_SETTLE, values).scalar_one())


_JOIN_USE = """
LEFT JOIN redemption AS used ON used.brand_id = copy.brand_id AND used.issued_coupon_id = copy.id
    AND used.reversed_at IS NULL
"""
_IS_OVER = (
    "copy.brand_id = :brand_id AND copy.reserved_yen > 0 AND copy.expires_at < :ended_before"
    " AND copy.reserved_yen > coalesce(used.discount_yen, 0)"
)
_SETTLE = text(
    f"""
    WITH over AS (
        SELECT copy.id, copy.reserved_yen, coalesce(used.discount_yen, 0) AS cost_yen
        FROM issued_coupon AS copy {_JOIN_USE}
        WHERE {_IS_OVER} AND copy.coupon_id = :coupon_id
        ORDER BY copy.id LIMIT :most FOR UPDATE OF copy SKIP LOCKED
    ), settled AS (
        UPDATE issued_coupon AS copy SET reserved_yen = over.cost_yen
        FROM over WHERE copy.brand_id = :brand_id AND copy.id = over.id
        RETURNING over.reserved_yen - over.cost_yen AS back_yen
    ), back AS (SELECT coalesce(sum(back_yen), 0) AS back_yen, count(*) AS copies FROM settled),
    counted AS (
        UPDATE coupon_tally SET reserved_yen = coupon_tally.reserved_yen - back.back_yen
        FROM back
        WHERE coupon_tally.brand_id = :brand_id AND coupon_tally.coupon_id = :coupon_id AND back.copies > 0
    )
    SELECT copies FROM back
    """
)
_OVERDUE = text(f"SELECT DISTINCT copy.coupon_id FROM issued_coupon AS copy {_JOIN_USE} WHERE {_IS_OVER}")


def list_overdue_ids(session: ScopedSession, ended_before: datetime) -> list[UUID]:
    """Coupons that still have something set aside for copies that ended before this and did not cost it."""
    values = {"brand_id": session.scope.brand_id, "ended_before": ended_before}
    return list(session.execute(_OVERDUE, values).scalars().all())

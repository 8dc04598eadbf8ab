"""Caps on the copies of a coupon by store and by area: by the store that the copy came from.

Counted under the lock of the coupon's tally, once a cap asks for it; copies that came from no store count nowhere.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from app.coupons import queries
from app.coupons.models import Coupon, CouponStoreTally, CouponTally
from app.coupons.problems import CouponLimitReached
from app.messaging.rooms import Rooms
from tenants.areas import queries as areas
from tenants.problems import Problem
from tenants.session import ScopedSession

PER_STORE: Final = "issued_per_store"
PER_AREA: Final = "issued_per_area"


@dataclass(frozen=True)
class Places:
    """The caps of a coupon by place, and what stands at each, under the lock of its tally."""

    per_store: int | None
    per_area: int | None
    areas: list[frozenset[int]]
    """The numbers of the stores of each area that counts."""
    issued: Counter[int]
    """Copies by the store that they came from."""

    def find_refusal(self, store_no: int | None) -> Problem | None:
        """The cap that one more copy of this store would pass, as a problem."""
        if store_no is None:
            return None
        if self.per_store is not None and self.issued[store_no] >= self.per_store:
            return CouponLimitReached(PER_STORE, self.per_store)
        if self.per_area is not None and any(self._sum(nos) >= self.per_area for nos in self.areas if store_no in nos):
            return CouponLimitReached(PER_AREA, self.per_area)
        return None

    def count(self, store_no: int | None) -> None:
        """Count one more copy of this store."""
        if store_no is not None:
            self.issued[store_no] += 1

    def rooms(self) -> Rooms:
        """How many copies there may still be, by place."""
        by_store = {}
        if self.per_store is not None:
            by_store = {no: max(0, self.per_store - count) for no, count in self.issued.items()}
        around = []
        if self.per_area is not None:
            around = [(nos, max(0, self.per_area - self._sum(nos))) for nos in self.areas]
        return Rooms(by_store, self.per_store, around)

    def _sum(self, nos: Iterable[int]) -> int:
        return sum(self.issued[no] for no in nos)


def read_places(session: ScopedSession, coupon: Coupon, tally: CouponTally) -> Places | None:
    """The caps by place of a coupon whose tally is locked; None without any. Begins to count where nobody did yet."""
    per_store, per_area = coupon.limits.get(PER_STORE), coupon.limits.get(PER_AREA)
    if per_store is None and per_area is None:
        return None
    if not tally.counts_stores:
        session.flush()
        session.execute(_BEGIN, {"brand_id": session.scope.brand_id, "coupon_id": coupon.id})
        tally.counts_stores = True
        session.add(tally)
        session.flush()
    counted = select(CouponStoreTally.store_no, CouponStoreTally.issued)
    rows = session.exec(counted.where(col(CouponStoreTally.coupon_id) == coupon.id)).all()
    named = areas.map_store_nos(session, queries.list_area_ids(session, coupon)) if per_area is not None else {}
    return Places(per_store, per_area, [frozenset(nos) for nos in named.values() if nos], Counter(dict(rows)))


def count_copies(session: ScopedSession, tally: CouponTally, store_nos: Iterable[int | None], times: int = 1) -> None:
    """Count copies of these stores (with `times` -1: no longer), where copies are counted by store."""
    if tally.counts_stores:
        counts = Counter(no for no in store_nos if no is not None)
        rows = [(no, times * count) for no, count in sorted(counts.items())]
        _add(session, tally.coupon_id, rows)


def count_run(session: ScopedSession, coupon: Coupon, run_id: UUID) -> None:
    """Count the copies that a run has just given, where they are counted by store.

    The freeze has kept to the caps. Raises CouponLimitReached rather than let one too many stand.
    """
    tally = queries.lock_tally(session, coupon.id)
    if not tally.counts_stores:
        return
    values = {"brand_id": session.scope.brand_id, "coupon_id": coupon.id, "run_id": run_id}
    rows = [(int(no), int(count)) for no, count in session.execute(_OF_RUN, values).all()]
    _add(session, coupon.id, rows)
    places = read_places(session, coupon, tally)
    if places is not None:
        for no, _ in rows:
            if places.per_store is not None and places.issued[no] > places.per_store:
                raise CouponLimitReached(PER_STORE, places.per_store)
        for nos in places.areas if rows else ():
            if places.per_area is not None and places._sum(nos) > places.per_area:
                raise CouponLimitReached(PER_AREA, places.per_area)


def _add(session: ScopedSession, coupon_id: UUID, rows: list[tuple[int, int]]) -> None:
    if rows:
        values = {
            "brand_id": session.scope.brand_id,
            "coupon_id": coupon_id,
            "store_nos": [no for no, _ in rows],
            "counts": [count for _, count in rows],
        }
        session.execute(_ADD, values)


_OF_COUPON: Final = "brand_id = :brand_id AND coupon_id = :coupon_id"
_BEGIN: Final = text(
    f"""
    INSERT INTO coupon_store_tally (brand_id, coupon_id, store_no, issued)
    SELECT :brand_id, :coupon_id, store_no, count(*) FROM issued_coupon
    WHERE {_OF_COUPON} AND status <> 'void' AND store_no IS NOT NULL GROUP BY store_no
    """
)
_OF_RUN: Final = text(
    f"""
    SELECT store_no, count(*) FROM issued_coupon
    WHERE {_OF_COUPON} AND run_id = :run_id AND store_no IS NOT NULL GROUP BY store_no ORDER BY store_no
    """
)
_ADD: Final = text(
    """
    INSERT INTO coupon_store_tally AS kept (brand_id, coupon_id, store_no, issued)
    SELECT :brand_id, :coupon_id, store_no, count
    FROM unnest(CAST(:store_nos AS int[]), CAST(:counts AS int[])) AS given (store_no, count)
    ON CONFLICT (brand_id, coupon_id, store_no) DO UPDATE SET issued = kept.issued + excluded.issued
    """
)

"""What our pages read of a member: her copies and their uses, and the stores around her."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import asin, cos, radians, sin, sqrt
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, func, or_
from sqlmodel import col, select

from app.coupons.models import Coupon, IssuedCoupon, Redemption
from app.customers.models import Customer
from tenants.session import ScopedSession
from tenants.stores.models import Store

MOST_HELD: Final = 100
_EARTH_KM: Final = 6371.0


@dataclass(frozen=True)
class Held:
    """A copy in her hands, its offer, and its use if it was used: when and where."""

    copy: IssuedCoupon
    coupon: Coupon
    redeemed_at: datetime | None
    store: str | None


def list_held(
    session: ScopedSession, customer_ids: Collection[UUID], *, since: datetime, coupon_id: UUID | None = None
) -> Sequence[Held]:
    """The copies of a person by all of her ids: those good now or later, and those used or ended since.

    Those that end first come first. A store that is no more is not named.
    """
    rows: Any = (
        select(IssuedCoupon, Coupon, Redemption.redeemed_at, Store.name)
        .join(Coupon, _same_brand(Coupon) & (col(Coupon.id) == col(IssuedCoupon.coupon_id)))
        .outerjoin(
            Redemption,
            and_(
                _same_brand(Redemption),
                col(Redemption.issued_coupon_id) == col(IssuedCoupon.id),
                col(Redemption.reversed_at).is_(None),
            ),
        )
        .outerjoin(Store, and_(_same_brand(Store), col(Store.id) == col(Redemption.store_id)))
        .where(
            col(IssuedCoupon.customer_id).in_(customer_ids),
            or_(
                and_(col(IssuedCoupon.status) == "issued", col(IssuedCoupon.expires_at) > since),
                and_(
                    col(IssuedCoupon.status) == "redeemed",
                    func.coalesce(Redemption.redeemed_at, IssuedCoupon.expires_at) > since,
                ),
            ),
        )
        .order_by(col(IssuedCoupon.expires_at), col(IssuedCoupon.id))
        .limit(MOST_HELD)
    )
    if coupon_id is not None:
        rows = rows.where(col(IssuedCoupon.coupon_id) == coupon_id)
    return [Held(*row) for row in session.exec(rows).all()]


def _same_brand(other: Any) -> Any:
    return col(other.brand_id) == col(IssuedCoupon.brand_id)


@dataclass(frozen=True)
class Spot:
    """Where a store is, and how far from her in kilometres, as far as that is known."""

    no: int
    km: float | None


def list_spots(session: ScopedSession, near: tuple[float, float] | None) -> list[Spot]:
    """The stores that are open for business, nearest first; in the order of their numbers where nobody is anywhere."""
    stores = select(Store.no, Store.latitude, Store.longitude).where(col(Store.archived_at).is_(None))
    spots = [
        Spot(
            no,
            None if near is None or latitude is None or longitude is None else km_between(near, (latitude, longitude)),
        )
        for no, latitude, longitude in session.exec(stores.order_by(col(Store.no))).all()
    ]
    return sorted(spots, key=lambda one: (one.km is None, one.km or 0.0))


def km_between(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The way between two places as the crow flies, each given as latitude and longitude in degrees."""
    (lat, lon), (to_lat, to_lon) = ((radians(degrees) for degrees in place) for place in (one, other))
    half = sin((to_lat - lat) / 2) ** 2 + cos(lat) * cos(to_lat) * sin((to_lon - lon) / 2) ** 2
    return 2 * _EARTH_KM * asin(sqrt(half))


def map_stores(session: ScopedSession, nos: Collection[int]) -> dict[int, Store]:
    """Stores by number."""
    return {one.no: one for one in session.exec(select(Store).where(col(Store.no).in_(nos))).all()}


def order_usual(customer: Customer, spots: Sequence[Spot]) -> list[Spot]:
    """The stores with hers first: her home store, where she goes mostly, then all that she has to do with."""
    usual = [customer.home_store_no, customer.usual_store_no, *customer.store_nos]
    rank = {no: place for place, no in reversed(list(enumerate(usual))) if no is not None}
    return sorted(spots, key=lambda one: rank.get(one.no, len(rank) + len(usual)))

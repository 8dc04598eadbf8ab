"""Reads for back-tests that are not of the archive."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, case, func
from sqlmodel import col, select

from app.coupons.models import IssuedCoupon, Redemption
from tenants.session import ScopedSession


@dataclass(frozen=True, slots=True)
class PastUse:
    """What the copies of a coupon have come to that can no longer be used."""

    copies: int
    redeemed: int
    discount_yen: int

    @property
    def yen_per_copy(self) -> float | None:
        """What a copy cost on average, used or not; None before any has ended."""
        return self.discount_yen / self.copies if self.copies else None


def get_past_use(session: ScopedSession, coupon_id: UUID, now: datetime) -> PastUse:
    """How a coupon has been used by those whose copies have ended; reversed redemptions cost nothing."""
    stands = and_(col(Redemption.issued_coupon_id) == col(IssuedCoupon.id), col(Redemption.reversed_at).is_(None))
    row = session.exec(
        select(
            func.count(col(IssuedCoupon.id)),
            func.count(case((col(Redemption.id).is_not(None), 1))),
            func.coalesce(func.sum(Redemption.discount_yen), 0),
        )
        .select_from(IssuedCoupon)
        .join(Redemption, stands, isouter=True)
        .where(col(IssuedCoupon.coupon_id) == coupon_id, col(IssuedCoupon.expires_at) <= now)
    ).one()
    return PastUse(int(row[0]), int(row[1]), int(row[2]))

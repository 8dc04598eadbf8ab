"""Reads of reminders, and of the copies that are to be reminded of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Engine, and_, exists, func, text
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from app.campaigns.reminders.models import CouponReminded, CouponReminder
from app.coupons.models import IssuedCoupon
from app.customers.models import Customer
from app.messaging.models import Run
from tenants.problems import NotFound
from tenants.session import ScopedSession

TOO_SOON: Final = timedelta(hours=1)
"""Nobody is told of a copy that ends so soon: what waits its turn at LINE would come after the end."""


def get_reminder(session: ScopedSession, coupon_id: UUID) -> CouponReminder:
    """The reminder of a coupon. Raises NotFound."""
    found = find_reminder(session, coupon_id)
    if found is None:
        raise NotFound
    return found


def find_reminder(session: ScopedSession, coupon_id: UUID) -> CouponReminder | None:
    """The reminder of a coupon, where it has one."""
    return session.exec(select(CouponReminder).where(col(CouponReminder.coupon_id) == coupon_id)).one_or_none()


def lock_reminder(session: ScopedSession, coupon_id: UUID) -> CouponReminder | None:
    """The reminder of a coupon, locked, where it still has one."""
    wanted = select(CouponReminder).where(col(CouponReminder.coupon_id) == coupon_id).with_for_update()
    return session.exec(wanted.execution_options(populate_existing=True)).one_or_none()


def find_run(session: ScopedSession, run_id: UUID) -> Run | None:
    """A run, as far as the scope sees it."""
    return session.exec(select(Run).where(col(Run.id) == run_id)).one_or_none()


def list_brands_with_due(engine: Engine, now: datetime) -> Sequence[UUID]:
    """The brands with a reminder whose moment has come."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT list_brands_with_due_reminders(:now)"), {"now": now})
        return found.scalars().all()


def list_due_coupon_ids(session: ScopedSession, now: datetime) -> Sequence[UUID]:
    """The coupons whose reminder's moment has come, the earliest first."""
    due = select(CouponReminder.coupon_id).where(col(CouponReminder.due_at) <= now)
    return session.exec(due.order_by(col(CouponReminder.due_at), col(CouponReminder.coupon_id))).all()


@dataclass(frozen=True, slots=True)
class Ending:
    """The copies of a coupon that end within a span, are good now, have not been used and were not reminded of."""

    coupon_id: UUID
    now: datetime
    until: datetime

    def find_first_end(self, session: ScopedSession) -> datetime | None:
        """When the first of them ends; None where there are none."""
        return session.exec(select(func.min(IssuedCoupon.expires_at)).where(self._are_meant(session))).one()

    def are_held(self, session: ScopedSession) -> ColumnElement[bool]:
        """The condition on `Customer` that she holds one of them."""
        merged = aliased(Customer)
        # A copy that both of two people had of one run stayed behind when they were joined; it is hers all the same.
        holders = (
            select(func.coalesce(col(merged.merged_into_id), col(IssuedCoupon.customer_id)))
            .select_from(IssuedCoupon)
            .outerjoin(merged, _is_holder(merged))
            .where(self._are_meant(session))
        )
        return col(Customer.id).in_(holders)

    def mark(self, session: ScopedSession, run_id: UUID) -> None:
        """Note which of them a run reminds of: those of everybody whom it sends to."""
        values = {
            "brand_id": session.scope.brand_id,
            "run_id": run_id,
            "coupon_id": self.coupon_id,
            "now": self.now,
            "after": self.now + TOO_SOON,
            "until": self.until,
        }
        session.connection().execute(_MARK, values)

    def _are_meant(self, session: ScopedSession) -> ColumnElement[bool]:
        # Inside another statement the session's filter does not reach, so the brand is said.
        reminded = exists().where(
            col(CouponReminded.brand_id) == col(IssuedCoupon.brand_id),
            col(CouponReminded.issued_coupon_id) == col(IssuedCoupon.id),
        )
        return and_(
            col(IssuedCoupon.brand_id) == session.scope.brand_id,
            col(IssuedCoupon.coupon_id) == self.coupon_id,
            col(IssuedCoupon.status) == "issued",
            col(IssuedCoupon.starts_at) <= self.now,
            col(IssuedCoupon.expires_at) > self.now + TOO_SOON,
            col(IssuedCoupon.expires_at) <= self.until,
            ~reminded,
        )


def _is_holder(merged: Any) -> ColumnElement[bool]:
    return and_(
        col(merged.brand_id) == col(IssuedCoupon.brand_id),
        col(merged.id) == col(IssuedCoupon.customer_id),
        col(merged.merged_into_id).is_not(None),
    )


_MARK: Final = text(
    """
    INSERT INTO coupon_reminded (brand_id, issued_coupon_id, run_id)
    SELECT :brand_id, issued_coupon.id, :run_id
    FROM issued_coupon
    LEFT JOIN customer AS merged ON merged.brand_id = :brand_id AND merged.id = issued_coupon.customer_id
        AND merged.merged_into_id IS NOT NULL
    WHERE issued_coupon.brand_id = :brand_id AND issued_coupon.coupon_id = :coupon_id
      AND issued_coupon.status = 'issued' AND issued_coupon.starts_at <= :now
      AND issued_coupon.expires_at > :after AND issued_coupon.expires_at <= :until
      AND EXISTS (
          SELECT FROM delivery WHERE delivery.brand_id = :brand_id AND delivery.run_id = :run_id
            AND delivery.customer_id = coalesce(merged.merged_into_id, issued_coupon.customer_id)
            AND delivery.batch_no IS NOT NULL
      )
    ON CONFLICT DO NOTHING
    """
)


def leave_out(session: ScopedSession, run_id: UUID, store_nos: Sequence[int]) -> None:
    """Remind nobody of the copies that a run put into the hands of those whom it wrote to for these stores."""
    values = {"brand_id": session.scope.brand_id, "run_id": run_id, "store_nos": list(store_nos)}
    session.connection().execute(_LEAVE_OUT, values)


_LEAVE_OUT: Final = text(
    """
    INSERT INTO coupon_reminded (brand_id, issued_coupon_id, run_id)
    SELECT :brand_id, copy.id, :run_id
    FROM issued_coupon copy
    JOIN delivery ON delivery.brand_id = copy.brand_id AND delivery.run_id = :run_id
        AND delivery.customer_id = copy.customer_id AND delivery.store_no = ANY(CAST(:store_nos AS int[]))
    WHERE copy.brand_id = :brand_id AND copy.run_id = :run_id
    ON CONFLICT DO NOTHING
    """
)

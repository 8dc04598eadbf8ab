"""Copies that would end while nobody is to come: they stay good until a day after the safety stop has ended."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text

from app.messaging.safety.models import SafetyStop
from tenants.session import ScopedSession

LONGER: Final = timedelta(hours=24)
"""How long such a copy is good after the end of the stop."""
SOON: Final = timedelta(hours=2)
"""How long before its end a copy is taken to end during a stop that stands."""


def extend(session: ScopedSession, stops: Mapping[int, SafetyStop], now: datetime) -> int:
    """Let copies be good for longer that end soon, or ended since its stop began, at stores under these stops; how
    many. They are those of people who are at home at such a store and could use them there, and of coupons that are
    good at this store alone.
    """
    if not stops:
        return 0
    values = {
        "brand_id": session.scope.brand_id,
        "nos": list(stops),
        "stop_ids": [one.id for one in stops.values()],
        "begun": [one.created_at for one in stops.values()],
        "first": min(one.created_at for one in stops.values()),
        "soon": now + SOON,
        "until": now + LONGER,
    }
    return int(session.connection().execute(_EXTEND, values).scalar_one())


def settle(session: ScopedSession, stop_id: UUID, now: datetime) -> None:
    """Give the copies that a stop has kept alive a day from its end on."""
    values = {"brand_id": session.scope.brand_id, "stop_id": stop_id, "until": now + LONGER}
    session.connection().execute(_SETTLE, values)


_EXTEND: Final = text(
    """
    WITH stop AS (
        SELECT * FROM unnest(CAST(:nos AS int[]), CAST(:stop_ids AS uuid[]), CAST(:begun AS timestamptz[]))
            AS stop (store_no, id, begun_at)
    ), ending AS (
        SELECT DISTINCT ON (copy.id) copy.id, copy.expires_at, stop.id AS stop_id
        FROM issued_coupon copy
        JOIN coupon ON coupon.brand_id = copy.brand_id AND coupon.id = copy.coupon_id
        LEFT JOIN customer ON customer.brand_id = copy.brand_id AND customer.id = copy.customer_id
        JOIN stop ON (coupon.redeemable_store_nos IS NULL OR stop.store_no = ANY(coupon.redeemable_store_nos))
            AND (coalesce(customer.home_store_no, customer.usual_store_no) = stop.store_no
                 OR coupon.redeemable_store_nos = ARRAY[stop.store_no])
        WHERE copy.brand_id = :brand_id AND copy.status = 'issued'
          AND copy.expires_at >= :first AND copy.expires_at >= stop.begun_at AND copy.expires_at < :soon
        ORDER BY copy.id, stop.id
    ), locked AS (
        SELECT ending.* FROM ending JOIN issued_coupon copy ON copy.brand_id = :brand_id AND copy.id = ending.id
        ORDER BY copy.id FOR UPDATE OF copy SKIP LOCKED
    ), noted AS (
        INSERT INTO coupon_extension (brand_id, issued_coupon_id, safety_stop_id, would_expire_at)
        SELECT :brand_id, id, stop_id, expires_at FROM locked ON CONFLICT DO NOTHING
    ), extended AS (
        UPDATE issued_coupon SET expires_at = :until FROM locked
        WHERE issued_coupon.brand_id = :brand_id AND issued_coupon.id = locked.id
          AND issued_coupon.status = 'issued' AND issued_coupon.expires_at < :until
        RETURNING issued_coupon.id
    )
    SELECT count(*) FROM extended
    """
)
_SETTLE: Final = text(
    """
    UPDATE issued_coupon SET expires_at = :until FROM coupon_extension
    WHERE coupon_extension.brand_id = :brand_id AND coupon_extension.safety_stop_id = :stop_id
      AND issued_coupon.brand_id = :brand_id AND issued_coupon.id = coupon_extension.issued_coupon_id
      AND issued_coupon.status = 'issued' AND issued_coupon.expires_at < :until
    """
)

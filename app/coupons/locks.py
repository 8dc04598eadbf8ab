"""Copies at a till, locked, with what using them needs: read past the ORM, since a till waits for it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from app.coupons.direct import driver_of
from app.coupons.models import Coupon, IssuedCoupon
from app.customers.locks import lock_found
from tenants.session import ScopedSession


@dataclass(frozen=True)
class Offer:
    """What a copy is of, as far as its use depends on it; the fields are those of `Coupon`."""

    id: UUID
    name: str
    benefit: dict[str, Any]
    limits: dict[str, Any]
    funding: dict[str, Any]
    redeemable_store_nos: list[int] | None
    area_ids: list[str] | None
    min_spend_yen: int
    combinable: bool
    combinable_with: list[str] | None
    usable_times: dict[str, Any] | None


AnyCoupon = Coupon | Offer
"""The row, or what a till reads of it: the rules of a use are the same for both."""


@dataclass
class Copy:
    """A locked copy with what using it needs; the fields from `customer_id` on are those of `IssuedCoupon`."""

    offer: Offer
    zone: ZoneInfo
    seen_by: Sequence[int]
    """The numbers of the stores that see her."""
    customer_id: UUID
    """Who has it: the survivor, where the copy stayed behind with one who was merged into her."""
    id: UUID
    code: str
    status: str
    starts_at: datetime
    expires_at: datetime
    store_no: int | None
    account_no: int | None
    campaign_id: UUID | None
    weather_rule_id: UUID | None
    run_id: UUID | None


def lock_by_code(session: ScopedSession, code: str) -> Copy | None:
    """The copy with this code, locked, and its customer's row before it. None if unknown, or of an erased customer.

    Of one who was merged it is the survivor who has the copy, also where it stayed behind as the twin of another.
    """
    with driver_of(session) as driver:
        row = driver.execute(_LOCK_FREE, {"brand_id": session.scope.brand_id, "code": code}).fetchone()
    return _copy(row) if row is not None else lock_by_codes(session, [code]).get(code)


def lock_by_codes(session: ScopedSession, codes: Collection[str]) -> dict[str, Copy]:
    """The copies with these codes as `lock_by_code` has them, in the order of their ids, after all their customers."""
    holders = select(IssuedCoupon.customer_id).where(col(IssuedCoupon.code).in_(codes))
    customers = lock_found(session, lambda: session.exec(holders).all())
    if not customers:
        return {}
    values = {"brand_id": session.scope.brand_id, "codes": list(codes), "customer_ids": list(customers)}
    with driver_of(session) as driver:
        copies = [_copy(row) for row in driver.execute(_LOCK, values)]
    for copy in copies:
        holder = customers[copy.customer_id]
        copy.customer_id, copy.seen_by = holder.id, holder.store_nos
    return {copy.code: copy for copy in copies}


def _copy(row: Sequence[Any]) -> Copy:
    timezone, *rest = row[len(_OF_OFFER) :]
    return Copy(Offer(*row[: len(_OF_OFFER)]), ZoneInfo(timezone), *rest)


_OF_OFFER: Final = tuple(field.name for field in fields(Offer))
_OF_COPY: Final = tuple(field.name for field in fields(Copy))[3:]
_COLUMNS: Final = ", ".join(
    [
        *(f"coupon.{name}" for name in _OF_OFFER),
        "brand.timezone",
        "her.store_nos",
        *(f"copy.{name}" for name in _OF_COPY),
    ]
)
_OFFERS: Final = """
    JOIN coupon ON coupon.brand_id = copy.brand_id AND coupon.id = copy.coupon_id
    JOIN brand ON brand.id = copy.brand_id
"""
# The usual case in one statement: nobody else holds her or the copy, and she is who she was. It waits for nobody, so
# what it holds closes no circle; whom it does not find is looked up, and waited for, by all the rules.
_LOCK_FREE: Final = f"""
    WITH her AS MATERIALIZED (
        SELECT customer.id, customer.store_nos
        FROM issued_coupon AS found
        JOIN customer ON customer.brand_id = found.brand_id AND customer.id = found.customer_id
        WHERE found.brand_id = %(brand_id)s AND found.code = %(code)s
            AND customer.merged_into_id IS NULL AND customer.erased_at IS NULL
        FOR NO KEY UPDATE OF customer SKIP LOCKED
    )
    SELECT {_COLUMNS}
    FROM her
    JOIN issued_coupon AS copy ON copy.brand_id = %(brand_id)s AND copy.code = %(code)s AND copy.customer_id = her.id
    {_OFFERS}
    FOR NO KEY UPDATE OF copy SKIP LOCKED
    """
_LOCK: Final = f"""
    SELECT {_COLUMNS}
    FROM issued_coupon AS copy CROSS JOIN (SELECT CAST(NULL AS int[]) AS store_nos) AS her {_OFFERS}
    WHERE copy.brand_id = %(brand_id)s AND copy.code = ANY(%(codes)s) AND copy.customer_id = ANY(%(customer_ids)s)
    ORDER BY copy.id
    FOR NO KEY UPDATE OF copy
    """

"""Reads of what was given and who bears it: uses to be booked, and sums and lines of a month."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from app.coupons.models import Coupon, IssuedCoupon, Redemption
from app.reports.settlements.models import HEAD_OFFICE, SettlementLine
from tenants.session import ScopedSession
from tenants.stores.models import Store


def list_uses(
    session: ScopedSession, redemption_ids: Collection[UUID]
) -> list[tuple[Redemption, int | None, dict[str, Any]]]:
    """These redemptions in their order, each with the store that issued its copy and its coupon's funding."""
    rows = (
        select(Redemption, IssuedCoupon.store_no, Coupon.funding)
        .join(IssuedCoupon, _same_brand(IssuedCoupon) & (col(IssuedCoupon.id) == col(Redemption.issued_coupon_id)))
        .join(Coupon, _same_brand(Coupon) & (col(Coupon.id) == col(Redemption.coupon_id)))
        .where(col(Redemption.id).in_(redemption_ids))
        .order_by(col(Redemption.id))
        .execution_options(populate_existing=True)
    )
    return [(redemption, no, dict(funding)) for redemption, no, funding in session.exec(rows)]


def _same_brand(other: Any) -> Any:
    return col(other.brand_id) == col(Redemption.brand_id)


def list_unbooked_ids(session: ScopedSession) -> Sequence[UUID]:
    """Redemptions that lack lines of their use or of their reversal. It reads them all, so it belongs to the night."""
    return session.connection().execute(_UNBOOKED, {"brand_id": session.scope.brand_id}).scalars().all()


_UNBOOKED = text(
    """
    SELECT id FROM redemption
    WHERE brand_id = :brand_id AND (
        NOT EXISTS (
            SELECT FROM settlement_line AS line WHERE line.brand_id = :brand_id AND line.redemption_id = redemption.id
              AND line.store_no = redemption.store_no AND NOT line.is_reversal
        ) OR redemption.reversed_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM settlement_line AS line WHERE line.brand_id = :brand_id AND line.redemption_id = redemption.id
              AND line.store_no = redemption.store_no AND line.is_reversal
        )
    )
    ORDER BY id
    """
)


@dataclass(frozen=True, slots=True)
class PartySum:
    """What a month's lines of one party add up to; its fields are in the order of the statement's columns."""

    store_no: int
    redemptions: int
    reversals: int
    given_yen: int
    own_yen: int
    brand_yen: int
    stores_yen: int
    owes_yen: int


def sum_parties(session: ScopedSession, month_on: date) -> list[PartySum]:
    """The sums of every party of a month that the scope sees, head office's first, then by store number.

    From the index alone: it holds all that is added up.
    """
    # The wall narrows a store's caller too; said here as well, it lets the index do it.
    of_stores = "" if session.scope.store_nos is None else "AND store_no = ANY(CAST(:stores AS int[]))"
    values = {
        "brand_id": session.scope.brand_id,
        "month_on": month_on,
        "stores": sorted(session.scope.store_nos or ()),
    }
    return [PartySum(*row) for row in session.connection().execute(text(SUMS.format(of_stores)), values)]


SUMS: Final = """
SELECT store_no, count(*) FILTER (WHERE NOT is_reversal AND store_no = redeeming_store_no),
       count(*) FILTER (WHERE is_reversal AND store_no = redeeming_store_no),
       CAST(sum(given_yen) AS bigint), CAST(sum(own_yen) AS bigint), CAST(sum(brand_yen) AS bigint),
       CAST(sum(stores_yen) AS bigint), CAST(sum(owes_yen) AS bigint)
FROM settlement_line WHERE brand_id = :brand_id AND month_on = :month_on {}
GROUP BY store_no ORDER BY store_no
"""


def list_lines(session: ScopedSession, month_on: date, *, store_id: UUID | None, party: str | None) -> Any:
    """The lines of a month that the scope sees, to be paged: of one store, of head office (`brand`), or of stores."""
    rows: Any = select(SettlementLine).where(col(SettlementLine.month_on) == month_on)
    if session.scope.store_nos is not None:
        rows = rows.where(col(SettlementLine.store_no).in_(session.scope.store_nos))
    if store_id is not None:
        number = select(Store.no).where(col(Store.id) == store_id).scalar_subquery()
        rows = rows.where(col(SettlementLine.store_no) == number)
    if party is not None:
        is_brand = col(SettlementLine.store_no) == HEAD_OFFICE
        rows = rows.where(is_brand if party == "brand" else ~is_brand)
    return rows


def map_stores(session: ScopedSession, numbers: Collection[int]) -> dict[int, Store]:
    """The stores with these numbers, as far as the scope sees them, archived ones too."""
    return {store.no: store for store in session.exec(select(Store).where(col(Store.no).in_(numbers))).all()}


def map_coupon_names(session: ScopedSession, coupon_ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of these coupons, as far as the scope sees them, archived ones too."""
    return dict(session.exec(select(Coupon.id, Coupon.name).where(col(Coupon.id).in_(coupon_ids))).all())

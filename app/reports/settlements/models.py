"""The lines of statements."""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import BrandTable, Instant, refer

HEAD_OFFICE: Final = 0
"""Stands for head office where a party is named by its store's number."""


class SettlementLine(BrandTable, table=True):
    """What one use of a coupon, or its reversal, means to one party. Lines are added and never changed.

    Everything of a reversal is negative. A party's claim is what it gave less what it bears; over all parties of one
    use, and so over all lines of a month, claims add up to 0.
    """

    __table_args__ = refer(
        UniqueConstraint("brand_id", "redemption_id", "store_no", "is_reversal"),
        Index(
            "ix_settlement_line_brand_id_month_on_store_no",
            "brand_id",
            "month_on",
            "store_no",
            "id",
            postgresql_include=[
                "is_reversal", "redeeming_store_no", "given_yen", "own_yen", "brand_yen", "stores_yen", "owes_yen",
            ],
        ),
        redemption_id="redemption",
        coupon_id="coupon",
    )  # fmt: skip

    month_on: date
    """The first day of the month whose statement it stands in."""
    store_no: int
    """The party: a store, or `HEAD_OFFICE`, whose lines no store sees."""
    redemption_id: UUID
    is_reversal: bool
    coupon_id: UUID
    issuing_store_no: int | None = None
    redeeming_store_no: int
    redeemed_at: datetime = Field(sa_type=Instant)
    shares: dict[str, int] = Field(sa_type=JSONB)
    """Who bears how many yen of it, all parties."""
    given_yen: int = Field(sa_type=BigInteger)
    """What this party gave at its counter: `own_yen`, `brand_yen` and `stores_yen` together."""
    own_yen: int = Field(sa_type=BigInteger)
    """Of that, what it bears itself."""
    brand_yen: int = Field(sa_type=BigInteger)
    """Of that, what head office owes it."""
    stores_yen: int = Field(sa_type=BigInteger)
    """Of that, what other stores owe it."""
    owes_yen: int = Field(sa_type=BigInteger)
    """What it owes for what another store gave."""

"""What went wrong at tills, kept for head office to look into: wrong guesses, and uses that came too late to count."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import MASKED, SHOWN, BrandTable, Instant, refer


class CodeGuess(BrandTable, table=True):
    """How many codes that nobody has one credential or device asked for at a store within a minute."""

    __table_args__ = (
        UniqueConstraint("brand_id", "guesser_id", "store_no", "minute_at", postgresql_nulls_not_distinct=True),
        Index("ix_code_guess_brand_id_minute_at", "brand_id", "minute_at"),
    )

    guesser_id: UUID
    store_no: int | None = None
    """The store where; null for a call that named none."""
    minute_at: datetime = Field(sa_type=Instant)
    guesses: int


class SettlementConflict(BrandTable, table=True):
    """A use that a till granted while offline, and that could not be counted once it was told. It is told once."""

    __table_args__ = refer(
        UniqueConstraint("brand_id", "store_no", "ref"),
        Index("ix_settlement_conflict_brand_id_created_at", "brand_id", "created_at"),
        Index("ix_settlement_conflict_brand_id_issued_coupon_id", "brand_id", "issued_coupon_id"),
        store_id="store",
        issued_coupon_id="issued_coupon",
    )

    store_id: UUID
    store_no: int
    ref: str = Field(sa_column_kwargs=SHOWN)
    """The till's own id of that use."""
    issued_coupon_id: UUID | None = None
    """The copy, unless nobody has such a code."""
    redeemed_at: datetime = Field(sa_type=Instant)
    amount_yen: int | None = Field(default=None, sa_type=BigInteger)
    problem: dict[str, Any] = Field(sa_type=JSONB, sa_column_kwargs=MASKED)
    """Why, as it was told to the till and is told again."""

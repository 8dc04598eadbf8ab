"""What keeps invitations to a store back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.ids import uuid7
from tenants.tables import BrandTable, Instant, refer


class SafetyStop(BrandTable, table=True):
    """Nobody is invited to a store while a warning lies over it, or while nobody knows whether one does.

    A store has one at a time. `signal_id` becomes a later one whenever workers have to look anew at what they hold.
    """

    __table_args__ = refer(
        Index("uq_safety_stop_standing", "brand_id", "store_no", unique=True, postgresql_where="ended_at IS NULL"),
        Index("ix_safety_stop_signal", "brand_id", "signal_id", postgresql_where="ended_at IS NULL"),
        Index(
            "ix_safety_stop_overridden",
            "brand_id",
            "store_no",
            postgresql_where="ended_by = 'person' AND lapsed_at IS NULL",
        ),
        store_id="store",
    )

    store_id: UUID
    store_no: int
    kind: str
    """`stop`: what waits is cancelled; `hold`: it waits until it is known; `weather`: only weather rules are held."""
    area_code: str | None = None
    """JMA's area that was looked at: a class20, or the class10 where that is not known."""
    cause: str
    """Why, in a sentence."""
    warnings: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
    """What is in force, as last looked: `{"code", "phenomenon", "tier", "issued_at"}` each."""
    source: str | None = None
    checked_at: datetime | None = Field(default=None, sa_type=Instant)
    """As of when that is known, by the feed's own clock."""
    clean_at: datetime | None = Field(default=None, sa_type=Instant)
    """The first of the checks, by the feed's own clock, from which on nothing was in force any more."""
    signal_id: UUID = Field(default_factory=uuid7)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_by: str | None = None
    """`rule` or `person`."""
    ended_reason: str | None = None
    lapsed_at: datetime | None = Field(default=None, sa_type=Instant)
    """Of one that a person ended: when its cause was over. Until then the same warnings stop nothing again."""

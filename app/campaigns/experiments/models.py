"""Experiments of runs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import BrandRow, Instant, refer


class Experiment(BrandRow, table=True):
    """Which variant of a run is best: what counts, when it is decided, and how it was."""

    __table_args__ = refer(
        Index("ix_experiment_undecided", "brand_id", "decide_at", postgresql_where=text("decided_at IS NULL")),
        run_id="run",
    )

    run_id: UUID = Field(primary_key=True)
    metric: str
    """`clicks` or `redemptions`."""
    decide_at: datetime = Field(sa_type=Instant)
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    decided_by: str | None = None
    """`metric`, `no_difference` or `hand`."""
    winner: int | None = Field(default=None, sa_type=SmallInteger)
    """The place of the variant that the rest gets."""
    measured: list[dict[str, Any]] | None = Field(default=None, sa_type=JSONB)
    """What the decision went by: people and events of each variant."""
    store_no: int | None = None
    """The store whose run it is; null for head office's."""

"""What LINE told us, raw, and once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import MASKED, SHOWN, BrandRow, Instant


class LineEvent(BrandRow, table=True):
    """One webhook event of one account, stored before it is acknowledged and worked off afterwards."""

    __table_args__ = (
        Index(
            "ix_line_event_waiting",
            "brand_id",
            "line_account_id",
            "occurred_at",
            postgresql_where=text("worked_at IS NULL"),
        ),
        # Found again when she asks to be erased.
        Index(
            "ix_line_event_brand_id_line_user_id",
            "brand_id",
            "line_user_id",
            postgresql_where=text("line_user_id IS NOT NULL"),
        ),
    )

    line_account_id: UUID = Field(primary_key=True)
    webhook_event_id: str = Field(primary_key=True, sa_column_kwargs=SHOWN)
    type: str = Field(sa_column_kwargs=SHOWN)
    line_user_id: str | None = Field(default=None, sa_column_kwargs=MASKED)
    occurred_at: datetime = Field(sa_type=Instant)
    received_at: datetime = Field(sa_type=Instant)
    worked_at: datetime | None = Field(default=None, sa_type=Instant)
    body: dict[str, Any] | None = Field(default=None, sa_type=JSONB, sa_column_kwargs=MASKED)
    """The event as LINE sent it; null, as is `line_user_id`, once the person is erased."""
    trouble: str | None = Field(default=None, sa_column_kwargs=MASKED)
    """Why it could not be worked off, where it could not."""

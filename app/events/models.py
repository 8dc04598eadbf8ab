"""The spine: what happened, once, in the order in which it became known."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import MASKED, SHOWN, BrandTable, Instant


class Event(BrandTable, table=True):
    """A fact. The projector gives each one its `feed_no` (1, 2, 3… per brand) once it is committed."""

    __table_args__ = (
        UniqueConstraint("brand_id", "dedupe_key"),
        UniqueConstraint("brand_id", "feed_no"),
        Index("ix_event_unprojected", "brand_id", "created_at", "id", postgresql_where="feed_no IS NULL"),
        # The feed by type and by store; only the projector pays for them, since they hold what has a feed_no.
        Index("ix_event_brand_id_type", "brand_id", "type", "feed_no", postgresql_where="feed_no IS NOT NULL"),
        Index("ix_event_brand_id_store_no", "brand_id", "store_no", "feed_no", postgresql_where="feed_no IS NOT NULL"),
        Index("ix_event_brand_id_customer_id", "brand_id", "customer_id", "id"),
        Index("ix_event_brand_id_type_occurred_at", "brand_id", "type", "occurred_at"),
    )

    type: str = Field(sa_column_kwargs=SHOWN)
    customer_id: UUID | None = None
    store_no: int | None = None
    account_no: int | None = None
    occurred_at: datetime = Field(sa_type=Instant)
    data: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, sa_column_kwargs=MASKED)
    dedupe_key: str = Field(sa_column_kwargs=MASKED)
    feed_no: int | None = Field(default=None, sa_type=BigInteger)

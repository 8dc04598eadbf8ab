"""An address that is told what happens, and each telling."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from tenants.tables import MASKED, SHOWN, BrandTable, Instant, refer


class WebhookEndpoint(BrandTable, table=True):
    """Where events go, which of them, and how far it has come in the feed."""

    url: str
    description: str | None = None
    event_types: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    """Which types go there; none named means all."""
    enabled: bool = True
    disabled_reason: str | None = None
    """`by_hand`, `gone` (it answered 410) or `failing` (it took nothing for days); null while it is enabled."""
    position: int = Field(default=0, sa_type=BigInteger)
    """The `feed_no` up to which its events stand among the deliveries."""
    sealed_secret: bytes
    sealed_previous_secret: bytes | None = None
    previous_secret_until: datetime | None = Field(default=None, sa_type=Instant)
    failures: int = 0
    """Attempts in a row that failed, of whatever events."""
    failing_since: datetime | None = Field(default=None, sa_type=Instant)
    next_try_at: datetime | None = Field(default=None, sa_type=Instant)
    """While it fails: when one delivery is tried again. Null while all that is due may go."""
    delivered_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it last took an event."""
    archived_at: datetime | None = Field(default=None, sa_type=Instant)


class WebhookDelivery(BrandTable, table=True):
    """One event on its way to one address. What is told of it is written when it is sent, from the event itself."""

    __table_args__ = refer(
        Index("ix_webhook_delivery_endpoint", "brand_id", "webhook_endpoint_id", "id"),
        Index("ix_webhook_delivery_event", "brand_id", "event_id"),
        Index(
            "ix_webhook_delivery_waiting",
            "brand_id",
            "webhook_endpoint_id",
            "feed_no",
            "id",
            postgresql_where=text("status = 'waiting'"),
        ),
        Index(
            "ix_webhook_delivery_order",
            "brand_id",
            "webhook_endpoint_id",
            "order_key",
            "feed_no",
            "id",
            postgresql_where=text("status = 'waiting'"),
        ),
        Index("ix_webhook_delivery_settled_at", "brand_id", "settled_at"),
        webhook_endpoint_id="webhook_endpoint",
    )

    webhook_endpoint_id: UUID
    event_id: UUID | None = None
    """Null for a test, which tells of nothing that happened."""
    type: str = Field(sa_column_kwargs=SHOWN)
    feed_no: int = Field(default=0, sa_type=BigInteger)
    order_key: int | None = Field(default=None, sa_type=BigInteger)
    """The same for all events of one customer, who is not named here: they go one after the other."""
    status: str = Field(default="waiting", sa_column_kwargs=SHOWN)
    """`waiting`, `delivered` or `failed`."""
    attempts: int = 0
    due_at: datetime = Field(sa_type=Instant)
    give_up_at: datetime = Field(sa_type=Instant)
    """From then on a failure is the last one."""
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    tried_at: datetime | None = Field(default=None, sa_type=Instant)
    took_ms: int | None = None
    last_status: int | None = None
    last_error: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    reply: str | None = Field(default=None, sa_column_kwargs=MASKED)
    """The beginning of the last answer that was no success."""

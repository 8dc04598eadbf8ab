"""One message, perhaps a coupon, to one audience."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from app.messaging.policies import ALL
from tenants.tables import BrandTable, Instant, refer


class Campaign(BrandTable, table=True):
    """The intent to send; a run is one sending of it. `store_no` is null for head office's."""

    __table_args__ = refer(
        Index("ix_campaign_scheduled", "brand_id", "scheduled_at", postgresql_where=text("status = 'scheduled'")),
        store_id="store",
        coupon_id="coupon",
    )

    name: str
    status: str = "draft"
    audience: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    messages: list[dict[str, Any]] = Field(sa_type=JSONB)
    template_id: UUID | None = None
    """From which template its messages come, and whose blocks stand in them as its stores word them."""
    line_validation: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """What LINE said of the messages: `{"status", "asked_at", "line_account_id", "detail"}`."""
    coupon_id: UUID | None = None
    fallback_messages: list[dict[str, Any]] | None = Field(default=None, sa_type=JSONB)
    """What those get for whom no copy of the coupon is left; None: they get nothing."""
    sender_policy: str | None = None
    holdout_ratio: float = 0.0
    quota_policy: str = "trim"
    trim_by: str | None = None
    """Who goes first where the quota does not suffice; null: who has been known longest."""
    valid_until: datetime | None = Field(default=None, sa_type=Instant)
    variants: list[dict[str, Any]] | None = Field(default=None, sa_type=JSONB)
    experiment: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    schedule: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    scheduled_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the clock launches it, while it is `scheduled`."""
    approved_at: datetime | None = Field(default=None, sa_type=Instant)
    """When head office approved it as it stands; null again once it is changed."""
    approved_blocks: dict[str, dict[str, str]] | None = Field(default=None, sa_type=JSONB)
    """What its template's blocks said then, of a store's campaign: nothing else goes out while that stands."""
    goal: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    tracking: str = Field(default="campaign", sa_column_kwargs={"server_default": "campaign"})
    """Whether addresses in its messages lead by way of ours: `campaign`, `person` or `none`."""
    copied_from_id: UUID | None = None
    store_id: UUID | None = None
    store_no: int | None = None
    launched_at: datetime | None = Field(default=None, sa_type=Instant)
    archived_at: datetime | None = Field(default=None, sa_type=Instant)

    @property
    def one_per_person(self) -> bool:
        """Whether a person gets one message, and not one from each account that reaches her."""
        return self.sender_policy != ALL


class CampaignStep(BrandTable, table=True):
    """Who did what to a campaign, and when: `created_at`."""

    __table_args__ = refer(
        Index("ix_campaign_step_brand_id_campaign_id", "brand_id", "campaign_id"), campaign_id="campaign"
    )

    campaign_id: UUID
    kind: str
    """`drafted`, `changed`, `submitted`, `approved`, `returned`, `scheduled`, `launched`, `paused`, `resumed`,
    `cancelled`, `expired` …"""
    taken_by: str | None = None
    """The caller's id; None: the clock."""
    note: str | None = None
    store_no: int | None = None
    """The campaign's store."""

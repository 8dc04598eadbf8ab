"""Tracked links, and how often they were followed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, SmallInteger, UniqueConstraint
from sqlmodel import Field

from tenants.tables import BrandRow, BrandTable, Instant, refer


class Link(BrandTable, table=True):
    """One address in the content of one run, and the code that stands for it. Made by the launch, never changed."""

    __table_args__ = refer(
        UniqueConstraint("brand_id", "code"),
        Index("ix_link_brand_id_run_id", "brand_id", "run_id"),
        run_id="run",
    )

    code: str
    """What stands behind `/r/`, before what names the reader."""
    url: str
    """Where it leads, as the message had it."""
    run_id: UUID
    campaign_id: UUID | None = None
    weather_rule_id: UUID | None = None
    variant: int | None = Field(default=None, sa_type=SmallInteger)
    """In which of the run's variants it stands; None: in the run's own messages; -1: in its `fallback_messages`."""
    store_no: int | None = None
    """The store whose run it is; null for head office's."""
    expires_at: datetime = Field(sa_type=Instant)


class LinkHour(BrandRow, table=True):
    """How often a link was followed in one hour, by account and store; moved forward by the projector.

    0 stands where the account or the store is not known.
    """

    __table_args__ = refer(link_id="link")

    link_id: UUID = Field(primary_key=True)
    hour_at: datetime = Field(sa_type=Instant, primary_key=True)
    """When the hour began."""
    account_no: int = Field(default=0, primary_key=True)
    store_no: int = Field(default=0, primary_key=True)
    clicks: int = 0
    unique_clicks: int = 0
    """Of people whom we know, who had not followed this link before."""
    people: int = 0
    """Of people whom we know, who had followed no link of the run before."""
    previews: int = 0
    """Visits of programs that look ahead, which are no clicks."""

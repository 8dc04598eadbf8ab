"""LINE official accounts, with their sealed credentials."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from tenants.tables import BrandRow, BrandTable, Instant, refer


class LineAccount(BrandTable, table=True):
    """A LINE official account of stores or of an area's stores. `store_nos` repeats its ties for the stores' wall."""

    __table_args__ = refer(
        UniqueConstraint("brand_id", "no"),
        Index(
            "uq_line_account_brand_id_channel_id",
            "brand_id",
            "channel_id",
            unique=True,
            postgresql_where=text("archived_at IS NULL"),
        ),
        area_id="area",
    )

    no: int
    name: str
    channel_id: str
    sealed_secret: bytes
    provider_id: str
    """LINE's owner of user ids. LINE has no API for it, so the operator states it."""
    login_channel_id: str | None = None
    """A LINE Login channel of the same provider, by which people sign in on our pages."""
    sealed_login_secret: bytes | None = None
    mode: str = "live"
    """`live`, or `test`: then every call goes to the installation's test host in place of LINE."""
    sealed_previous_secret: bytes | None = None
    """The channel secret before the present one; webhooks that it signed are taken until `previous_secret_until`."""
    previous_secret_until: datetime | None = Field(default=None, sa_type=Instant)
    area_id: UUID | None = None
    plan: str | None = None
    bot_user_id: str | None = None
    basic_id: str | None = None
    premium_id: str | None = None
    display_name: str | None = None
    picture_url: str | None = None
    chat_mode: str | None = None
    """LINE's `chat` or `bot`, as the last check found."""
    is_verified: bool | None = None
    """Whether the account may list its followers, which only verified and premium accounts may; null until known."""
    status: str = "unchecked"
    """`unchecked`, `ok` or `trouble`, as the last check at LINE found; `status_detail` says what is wrong."""
    status_detail: str | None = None
    findings: list[dict[str, Any]] | None = Field(default=None, sa_type=JSONB)
    """What the last check at LINE found, one entry a check; made `checked_at`."""
    checked_at: datetime | None = Field(default=None, sa_type=Instant)
    heard_at: datetime | None = Field(default=None, sa_type=Instant)
    """When its webhook last brought something, to the minute."""
    other_destination: str | None = None
    """The bot that a call signed with this channel's secret was for, where it was not ours; null if that never was."""
    other_destination_at: datetime | None = Field(default=None, sa_type=Instant)
    """When such a call last came."""
    greeting: list[dict[str, Any]] | None = Field(default=None, sa_type=JSONB)
    """LINE message objects that answer whoever adds the account; null for none."""
    backfill: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """How far the list of those who followed before Noren has been read; null until that was asked for."""
    sending_stopped_at: datetime | None = Field(default=None, sa_type=Instant)
    """Since when nothing is sent from it, by an emergency stop; null: sending."""
    sending_stopped_reason: str | None = None
    sending_stopped_by: str | None = None
    """`head_office`, or `store`: then a store may let it go on."""
    store_nos: list[int] = Field(default_factory=list, sa_type=ARRAY(Integer))
    archived_at: datetime | None = Field(default=None, sa_type=Instant)


class LineAccountStore(BrandRow, table=True):
    """A store that an account speaks for."""

    __table_args__ = refer(line_account_id="line_account", store_id="store")

    line_account_id: UUID = Field(primary_key=True)
    store_id: UUID = Field(primary_key=True)
    store_no: int

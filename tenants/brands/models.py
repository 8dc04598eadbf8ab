"""The tenant."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.ids import uuid7
from tenants.tables import BrandRow, Instant, Table, utc_now


class Brand(Table, table=True):
    """A franchise brand: owns the customers, and pays. Its data key is stored wrapped by a master key."""

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    created_at: datetime = Field(default_factory=utc_now, sa_type=Instant)
    name: str
    timezone: str = "Asia/Tokyo"
    caps: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    quiet_hours: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    sender_policy: str = "home_store"
    campaign_approval: str = Field(default="none", sa_column_kwargs={"server_default": "none"})
    """`none`; or `stores`: what stores draft is launched after head office has approved it."""
    joining_basis: str | None = None
    """Why people may be joined over several LINE accounts: `provider_page` or `consent`; null means they are not."""
    retention: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, sa_column_kwargs={"server_default": "{}"})
    """How many days each kind of data is kept, where the brand says other than the service."""
    status: str = "active"
    """`active`; `suspended`: it still receives webhooks and redeems, and sends nothing; or `deleting`: all of its
    credentials are dead and its rows go."""
    sending_stopped_at: datetime | None = Field(default=None, sa_type=Instant)
    """Since when nothing is sent at any account, by an emergency stop; null: sending."""
    sending_stopped_reason: str | None = None
    holidays: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """Days on which nothing is sent."""
    location_reply: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    """Whether who sends her place is answered with the nearest stores."""
    suspended_at: datetime | None = Field(default=None, sa_type=Instant)
    suspended_reason: str | None = None
    master_key_id: str
    wrapped_key: bytes


class Counter(BrandRow, table=True):
    """The last small integer given out in a brand, by kind: `store`, `tag`, `line_account`, `feed`."""

    kind: str = Field(primary_key=True)
    value: int = Field(sa_type=BigInteger)

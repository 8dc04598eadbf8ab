"""LINE official accounts, with their sealed credentials."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
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
    area_id: UUID | None = None
    plan: str | None = None
    bot_user_id: str | None = None
    basic_id: str | None = None
    status: str = "unchecked"
    """`unchecked`, `ok` or `trouble`, as the last check at LINE found; `status_detail` says what is wrong."""
    status_detail: str | None = None
    store_nos: list[int] = Field(default_factory=list, sa_type=ARRAY(Integer))
    archived_at: datetime | None = Field(default=None, sa_type=Instant)


class LineAccountStore(BrandRow, table=True):
    """A store that an account speaks for."""

    __table_args__ = refer(line_account_id="line_account", store_id="store")

    line_account_id: UUID = Field(primary_key=True)
    store_id: UUID = Field(primary_key=True)
    store_no: int

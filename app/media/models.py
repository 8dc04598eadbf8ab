"""Images, and the files made of each."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from tenants.tables import BrandRow, BrandTable, Instant, refer


class Media(BrandTable, table=True):
    """An image. `store_no` is null for head office's; `code` is its address, which nobody can guess."""

    __table_args__ = refer(UniqueConstraint("brand_id", "code"), Index("ix_media_code", "code"), store_id="store")

    code: str
    name: str
    media_type: str
    width: int
    height: int
    size_bytes: int
    """Of all its files."""
    store_id: UUID | None = None
    store_no: int | None = None
    archived_at: datetime | None = Field(default=None, sa_type=Instant)


class MediaFile(BrandRow, table=True):
    """One size of an image: `original`, `preview`, or the width of an imagemap's."""

    __table_args__ = refer(media_id="media")

    media_id: UUID = Field(primary_key=True)
    size: str = Field(primary_key=True)
    media_type: str
    content: bytes
    store_no: int | None = None

"""Templates of messages, and how stores word their blocks."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import BrandRow, BrandTable, Instant, refer, utc_now


class MessageTemplate(BrandTable, table=True):
    """Messages to start from. `store_no` is null for head office's."""

    __table_args__ = refer(store_id="store")

    name: str
    use: str
    """`campaign`, `weather`, `greeting` or `other`: what it is meant for."""
    messages: list[dict[str, Any]] = Field(sa_type=JSONB)
    blocks: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
    """`{"name", "kind", "default", "may_override"}` each."""
    store_id: UUID | None = None
    store_no: int | None = None
    archived_at: datetime | None = Field(default=None, sa_type=Instant)


class TemplateBlock(BrandRow, table=True):
    """How one store words a block of a template."""

    __table_args__ = refer(template_id="message_template", store_id="store")

    template_id: UUID = Field(primary_key=True)
    store_id: UUID = Field(primary_key=True)
    name: str = Field(primary_key=True)
    store_no: int
    value: str
    updated_at: datetime = Field(default_factory=utc_now, sa_type=Instant)

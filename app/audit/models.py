"""The audit log: entries, and the chain of seals over them. The app's role can add to both and change neither."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from tenants.ids import uuid7
from tenants.tables import BrandRow, Instant, utc_now


class AuditEntry(BrandRow, table=True):
    """Who did what to what, or who read whose data, in one request."""

    __table_args__ = (
        Index("ix_audit_entry_brand_id_caller_id_at", "brand_id", "caller_id", "at"),
        Index("ix_audit_entry_brand_id_object_id", "brand_id", "object_id", postgresql_where="object_id IS NOT NULL"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    at: datetime = Field(default_factory=utc_now, sa_type=Instant)
    kind: str
    """`change` (written with its effect), `read` (gathered, and written in batches) or `refused`."""
    caller_kind: str
    """As `CallerInfo.kind`, or `operator`: who runs the service."""
    caller_id: UUID | None = None
    caller_name: str
    request_id: str | None = None
    address: str | None = None
    """The caller's network address."""
    action: str
    """The operation's name, as the OpenAPI document has it: `rotate_store_key`."""
    status: int | None = None
    object_type: str | None = None
    object_id: UUID | None = None
    changes: list[Any] | None = Field(default=None, sa_type=JSONB)
    """Rows changed: `{"table", "key", "before", "after"}` with what changed, secrets and personal data masked; last
    `{"more": n}` where there were more."""
    customer_ids: list[UUID] = Field(default_factory=list, sa_type=ARRAY(Uuid))
    """The persons whom the answer named."""
    times: int = 1
    """How often it was refused within the minute; 1 for everything else."""


class AuditPending(BrandRow, table=True):
    """An entry that is not sealed yet: ids only, taken away as the seal is made."""

    entry_id: UUID = Field(primary_key=True)


class AuditSeal(BrandRow, table=True):
    """A link of the brand's chain: `hash` is over the seal before it and every entry that it seals."""

    no: int = Field(primary_key=True, sa_type=BigInteger)
    sealed_at: datetime = Field(sa_type=Instant)
    entry_ids: list[UUID] = Field(sa_type=ARRAY(Uuid))
    hash: bytes = Field(sa_type=LargeBinary)

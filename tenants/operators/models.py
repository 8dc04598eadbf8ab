"""Who runs the service: her credentials, what she may look at for a while, and the receipts of deleted brands."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from tenants.ids import uuid7
from tenants.tables import BrandTable, Instant, Table, utc_now


class OperatorKey(Table, table=True):
    """A credential of the service's operator: it sees brands' names and states, and nothing of their customers."""

    __table_args__ = (Index("uq_operator_key_digest", "digest", unique=True),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    created_at: datetime = Field(default_factory=utc_now, sa_type=Instant)
    name: str
    prefix: str
    digest: bytes = Field(sa_type=LargeBinary)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)
    last_used_at: datetime | None = Field(default=None, sa_type=Instant)


class SupportGrant(BrandTable, table=True):
    """Leave for the operator to see into one brand for a while; the brand reads it in its audit log and may end it."""

    operator: str
    """The name of the operator's key, or of who ran the command."""
    reason: str
    permissions: list[str] = Field(sa_type=ARRAY(String))
    expires_at: datetime = Field(sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)


class OperatorRequest(Table, table=True):
    """An Idempotency-Key with which an operator asked for a new brand, which has no table of keys of its own yet."""

    operator_key_id: UUID = Field(primary_key=True, foreign_key="operator_key.id")
    key: str = Field(primary_key=True)
    request_digest: bytes = Field(sa_type=LargeBinary)
    kept_until: datetime = Field(sa_type=Instant)


class DeletionReceipt(Table, table=True):
    """What is left of a deleted brand: that it was, when it went, and how many rows of what went with it.

    It is made when deletion is asked for; the app adds it, and only the owner role, which deletes, may change it.
    """

    __table_args__ = (Index("uq_deletion_receipt_deleted_brand_id", "deleted_brand_id", unique=True),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    requested_at: datetime = Field(sa_type=Instant)
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)
    """Null while rows are left."""
    deleted_brand_id: UUID
    brand_name: str
    operator: str
    rows: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    """Rows deleted so far, by table."""
    audit_hash: bytes | None = Field(default=None, sa_type=LargeBinary)
    """The end of the brand's audit chain."""
    digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    """SHA-256 over the receipt's other fields, once it is finished."""

"""Long work and its files."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import MASKED, SHOWN, BrandRow, BrandTable, Instant, refer, utc_now


class Operation(BrandTable, table=True):
    """Long work: how far it is, and what came of it. `store_no` is null for head office's."""

    kind: str = Field(sa_column_kwargs=SHOWN)
    status: str = Field(default="running", sa_column_kwargs=SHOWN)
    """`running`, `done` or `failed`."""
    done: int = Field(default=0, sa_type=BigInteger)
    total: int | None = Field(default=None, sa_type=BigInteger)
    arguments: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, sa_column_kwargs=MASKED)
    checkpoint: dict[str, Any] | None = Field(default=None, sa_type=JSONB, sa_column_kwargs=MASKED)
    """Where to go on after a crash; written with the work itself."""
    result: dict[str, Any] | None = Field(default=None, sa_type=JSONB, sa_column_kwargs=MASKED)
    problem: dict[str, Any] | None = Field(default=None, sa_type=JSONB, sa_column_kwargs=MASKED)
    store_no: int | None = None
    started_by: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    updated_at: datetime = Field(default_factory=utc_now, sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    files_until: datetime | None = Field(default=None, sa_type=Instant)
    """When its files go."""


class OperationFile(BrandRow, table=True):
    """A piece of a file that came with long work or came of it: `input`, `result` or `errors`, in the order of `no`."""

    __table_args__ = refer(operation_id="operation")

    operation_id: UUID = Field(primary_key=True)
    name: str = Field(primary_key=True, sa_column_kwargs=SHOWN)
    no: int = Field(primary_key=True)
    store_no: int | None = None
    content: bytes
    """Compressed with zlib."""

"""Those who sign in, and their sessions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from tenants.tables import MASKED, SHOWN, BrandRow, BrandTable, Instant, refer


class Staff(BrandTable, table=True):
    """A person who signs in for a brand, with one role over all of its stores or some."""

    __table_args__ = (
        Index("uq_staff_brand_id_email", "brand_id", "email", unique=True, postgresql_where="disabled_at IS NULL"),
        Index("uq_staff_brand_id_issuer_subject", "brand_id", "issuer", "subject", unique=True),
    )

    name: str = Field(sa_column_kwargs=MASKED)
    email: str = Field(sa_column_kwargs=MASKED)
    """In small letters; the invitation is for who proves to own it."""
    role: str = Field(sa_column_kwargs=SHOWN)
    """A name in `tenants.permissions.ROLES`."""
    all_stores: bool = False
    issuer: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    subject: str | None = Field(default=None, sa_column_kwargs=MASKED)
    """Who she is to the identity provider, from the first sign-in on."""
    last_signed_in_at: datetime | None = Field(default=None, sa_type=Instant)
    disabled_at: datetime | None = Field(default=None, sa_type=Instant)


class StaffStore(BrandRow, table=True):
    """A store that a member of staff works for."""

    __table_args__ = refer(staff_id="staff", store_id="store")

    staff_id: UUID = Field(primary_key=True)
    store_id: UUID = Field(primary_key=True)
    store_no: int


class StaffSession(BrandTable, table=True):
    """One browser that is signed in. Its secrets, the present and those replaced, are in `CredentialHash`."""

    __table_args__ = refer(Index("ix_staff_session_brand_id_staff_id", "brand_id", "staff_id"), staff_id="staff")

    staff_id: UUID
    rotated_at: datetime = Field(sa_type=Instant)
    last_seen_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    """When the person must sign in again, however busy she was."""
    secret_id: UUID | None = None
    """Which of its secrets in `CredentialHash` is the present one."""
    previous_secret_id: UUID | None = None
    """The one that it replaced, which is good for a moment more."""
    ended_at: datetime | None = Field(default=None, sa_type=Instant)

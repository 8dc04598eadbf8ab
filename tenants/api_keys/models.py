"""Keys of stores and of partners, and the hashes under which every kind of secret is found."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from tenants.tables import BrandRow, BrandTable, Instant, refer

KeyKind = Literal["store", "partner"]


class ApiKey(BrandTable, table=True):
    """A credential of stores or of a partner; only the SHA-256 of its secret is kept, in `CredentialHash`."""

    kind: str = "store"
    """A KeyKind."""
    name: str
    prefix: str
    """The first letters of the key, so that a person can tell which one it is."""
    permissions: list[str] = Field(sa_type=ARRAY(String))
    all_stores: bool = False
    """A partner's key may speak for the whole brand; a store's key never does."""
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)


class ApiKeyStore(BrandRow, table=True):
    """A store that a key speaks for."""

    __table_args__ = refer(api_key_id="api_key", store_id="store")

    api_key_id: UUID = Field(primary_key=True)
    store_id: UUID = Field(primary_key=True)
    store_no: int


class CredentialHash(BrandTable, table=True):
    """The hash by which a presented secret is found before its brand is known."""

    __table_args__ = (
        UniqueConstraint("brand_id", "digest"),
        Index("ix_credential_hash_brand_id_credential_id", "brand_id", "credential_id"),
    )

    digest: bytes = Field(sa_type=LargeBinary)
    kind: str
    """`store_key`, `partner_key`, `access_token`, `staff_session`, `staff_invitation`, `support_grant`, `till_link` or
    `till_device`."""
    credential_id: UUID
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    """When this secret ends, though its credential may live on: the old secret of a key that was rotated."""


class CredentialUse(BrandRow, table=True):
    """When, and from where, a credential was last used; gathered in each process and written in batches."""

    credential_id: UUID = Field(primary_key=True)
    last_used_at: datetime = Field(sa_type=Instant)
    last_used_from: str | None = None
    """The caller's network address."""


class RateWindow(BrandRow, table=True):
    """How many requests of a credential were let through in its present window; processes take shares of it ahead."""

    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    credential_id: UUID = Field(primary_key=True)
    window_at: datetime = Field(sa_type=Instant)
    taken: int

"""Keys of stores."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from tenants.tables import BrandRow, BrandTable, Instant, refer


class StoreKey(BrandTable, table=True):
    """A credential of one or more stores; only the SHA-256 of its secret is kept, in `CredentialHash`."""

    name: str
    prefix: str
    """The first letters of the key, so that a person can tell which one it is."""
    permissions: list[str] = Field(sa_type=ARRAY(String))
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)


class StoreKeyStore(BrandRow, table=True):
    """A store that a key speaks for."""

    __table_args__ = refer(store_key_id="store_key", store_id="store")

    store_key_id: UUID = Field(primary_key=True)
    store_id: UUID = Field(primary_key=True)
    store_no: int


class CredentialHash(BrandTable, table=True):
    """The hash by which a presented secret is found before its brand is known: a store key's or an access token's."""

    __table_args__ = (
        UniqueConstraint("brand_id", "digest"),
        Index("ix_credential_hash_brand_id_credential_id", "brand_id", "credential_id"),
    )

    digest: bytes = Field(sa_type=LargeBinary)
    kind: str
    """`store_key` or `access_token`."""
    credential_id: UUID
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    """When this secret ends, though its credential may live on: the old secret of a key that was rotated."""

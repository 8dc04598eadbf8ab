"""Head office's OAuth clients and their tokens."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from tenants.tables import BrandTable, Instant, refer


class ApiClient(BrandTable, table=True):
    """An OAuth client of head office; its id outside is `client_…`, and only the SHA-256 of its secret is kept."""

    name: str
    secret_digest: bytes = Field(sa_type=LargeBinary)
    previous_digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    """The secret before the last rotation, which is accepted until `previous_until`."""
    previous_until: datetime | None = Field(default=None, sa_type=Instant)
    permissions: list[str] = Field(sa_type=ARRAY(String))
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)


class AccessToken(BrandTable, table=True):
    """A bearer token of a client, valid for an hour; found by its hash in `CredentialHash`."""

    __table_args__ = refer(
        Index("ix_access_token_brand_id_api_client_id", "brand_id", "api_client_id"), api_client_id="api_client"
    )

    api_client_id: UUID
    permissions: list[str] = Field(sa_type=ARRAY(String))
    expires_at: datetime = Field(sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)

"""What crosses the wire about head office's API clients."""

from pydantic import Field

from app.admin.api_keys.schemas import ClientPermissions, LastUsedAt, LastUsedFrom
from app.admin.patches import absent
from app.schemas import ApiClientId, Body, Instant, Name, Read, example
from tenants.permissions import PERMISSIONS


class ApiClientCreate(Body):
    """A new client of head office; with every permission unless it names some."""

    model_config = example(name="会員アプリ", permissions=["customers:read", "customers:write"])

    name: Name
    permissions: ClientPermissions = Field(default_factory=lambda: sorted(PERMISSIONS))
    expires_at: Instant | None = None


class ApiClientPatch(Body):
    """Changes to a client. Tokens that it has lose what it loses, and end when it ends."""

    model_config = example(name="会員アプリ")

    name: Name = Field(default_factory=absent)
    permissions: ClientPermissions = Field(default_factory=absent)
    expires_at: Instant | None = None


class ApiClientRead(Read):
    """A client of head office. Its id is OAuth's `client_id`."""

    id: ApiClientId
    name: str
    permissions: list[str]
    expires_at: Instant | None
    created_at: Instant
    last_used_at: LastUsedAt
    last_used_from: LastUsedFrom


class ApiClientSecret(ApiClientRead):
    """A client with its secret, which is shown this once."""

    client_id: ApiClientId
    client_secret: str

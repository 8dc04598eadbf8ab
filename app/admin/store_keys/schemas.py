"""What crosses the wire about store keys."""

from pydantic import Field

from app.admin.api_keys.schemas import KeyRead, KeyStoreIds, StorePermissions
from app.admin.patches import absent
from app.schemas import Body, Instant, Name, StoreId, example
from tenants.permissions import STORE_PERMISSIONS


class StoreKeyCreate(Body):
    """A new key for one or more stores; with what a store needs unless it names permissions."""

    name: Name
    store_ids: KeyStoreIds
    permissions: StorePermissions = Field(default_factory=lambda: sorted(STORE_PERMISSIONS))
    expires_at: Instant | None = None


class StoreKeyPatch(Body):
    """Changes to a key. Lists replace what stands."""

    model_config = example(name="渋谷店 レジ2")

    name: Name = Field(default_factory=absent)
    store_ids: KeyStoreIds = Field(default_factory=absent)
    permissions: StorePermissions = Field(default_factory=absent)
    expires_at: Instant | None = None


class StoreKeyRead(KeyRead):
    """A key of stores. `prefix` is how its secret begins."""

    store_ids: list[StoreId]


class StoreKeySecret(StoreKeyRead):
    """A key with its secret, which is shown this once."""

    key: str

"""What crosses the wire about store keys."""

from collections.abc import Collection
from typing import Annotated

from pydantic import AfterValidator, Field

from app.admin.areas.schemas import StoreIds
from app.admin.patches import absent
from app.schemas import Body, Instant, Name, Read, StoreId, StoreKeyId
from tenants.permissions import GRANTABLE_TO_STORES, PERMISSIONS, STORE_PERMISSIONS


def _each_in(allowed: Collection[str]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in allowed:
            raise ValueError("is not a permission" if name not in PERMISSIONS else "is head office's alone")
        return name

    return AfterValidator(check)


StorePermission = Annotated[str, Field(max_length=60), _each_in(GRANTABLE_TO_STORES)]
StorePermissions = Annotated[list[StorePermission], Field(min_length=1, max_length=100, examples=[["coupons:redeem"]])]
ClientPermission = Annotated[str, Field(max_length=60), _each_in(PERMISSIONS)]
ClientPermissions = Annotated[list[ClientPermission], Field(min_length=1, max_length=100)]
KeyStoreIds = Annotated[StoreIds, Field(min_length=1)]


class StoreKeyCreate(Body):
    """A new key for one or more stores."""

    name: Name
    store_ids: KeyStoreIds
    permissions: StorePermissions = Field(default_factory=lambda: sorted(STORE_PERMISSIONS))
    expires_at: Instant | None = None


class StoreKeyPatch(Body):
    """Changes to a key. Lists replace what stands."""

    name: Name = Field(default_factory=absent)
    store_ids: KeyStoreIds = Field(default_factory=absent)
    permissions: StorePermissions = Field(default_factory=absent)
    expires_at: Instant | None = None


class Rotation(Body):
    """How long the old secret works beside the new one."""

    overlap_seconds: Annotated[int, Field(strict=True, ge=0, le=7 * 24 * 3600)] = 0


class StoreKeyRead(Read):
    """A key of stores. `prefix` is how its secret begins."""

    id: StoreKeyId
    name: str
    prefix: str
    store_ids: list[StoreId]
    permissions: list[str]
    expires_at: Instant | None
    created_at: Instant


class StoreKeySecret(StoreKeyRead):
    """A key with its secret, which is shown this once."""

    key: str

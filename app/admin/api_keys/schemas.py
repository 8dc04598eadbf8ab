"""What keys of stores and of partners, and API clients, have in common on the wire."""

from collections.abc import Collection
from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue

from app.admin.areas.schemas import StoreIds
from app.schemas import ApiKeyId, Body, Instant, Read
from tenants.permissions import GRANTABLE_TO_PARTNERS, GRANTABLE_TO_STORES, PERMISSIONS


def _each_in(allowed: Collection[str]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in allowed:
            raise ValueError("is not a permission" if name not in PERMISSIONS else "is head office's alone")
        return name

    return AfterValidator(check)


def _named(allowed: Collection[str]) -> Any:
    return Field(max_length=60, json_schema_extra={"enum": list[JsonValue](sorted(allowed))})


StorePermission = Annotated[str, _named(GRANTABLE_TO_STORES), _each_in(GRANTABLE_TO_STORES)]
StorePermissions = Annotated[list[StorePermission], Field(min_length=1, max_length=100, examples=[["coupons:redeem"]])]
PartnerPermission = Annotated[str, _named(GRANTABLE_TO_PARTNERS), _each_in(GRANTABLE_TO_PARTNERS)]
PartnerPermissions = Annotated[
    list[PartnerPermission], Field(min_length=1, max_length=100, examples=[["orders:write"]])
]
ClientPermission = Annotated[str, _named(PERMISSIONS), _each_in(PERMISSIONS)]
ClientPermissions = Annotated[list[ClientPermission], Field(min_length=1, max_length=100)]
KeyStoreIds = Annotated[StoreIds, Field(min_length=1)]


class Rotation(Body):
    """How long the old secret works beside the new one; a rotation without a body ends it at once."""

    overlap_seconds: Annotated[int, Field(strict=True, ge=0, le=7 * 24 * 3600)] = 0


LastUsedAt = Annotated[Instant | None, Field(description="Null until it is used; written down every few seconds.")]
LastUsedFrom = Annotated[str | None, Field(description="The network address that it was last used from.")]


class KeyRead(Read):
    """What is told of every key. `prefix` is how its secret begins."""

    id: ApiKeyId
    name: str
    prefix: str
    permissions: list[str]
    expires_at: Instant | None
    created_at: Instant
    last_used_at: LastUsedAt
    last_used_from: LastUsedFrom

"""What head office does with a key, of a store or of a partner: one way for both."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from app.admin.api_keys.schemas import Rotation
from app.admin.grants import check_grant
from app.callers import CallerInfo
from app.keys import digest_of, new_secret
from tenants.api_keys import queries, service
from tenants.api_keys.models import ApiKey, CredentialUse, KeyKind
from tenants.problems import Invalid
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.stores.queries import get_stores

StoresNamed = Sequence[UUID] | Literal["all"]


def create_key(
    session: ScopedSession, caller: CallerInfo, kind: KeyKind, values: Mapping[str, Any], now: datetime
) -> tuple[ApiKey, str]:
    """A new key and its secret. `values` are the fields of the body that made it.

    Raises PermissionMissing where it would be allowed more than the caller, NotFound for a store, Invalid.
    """
    check_grant(caller, values["permissions"])
    check_expiry(values["expires_at"], now)
    secret = new_secret(kind)
    columns = {"name": values["name"], "expires_at": values["expires_at"]}
    key = service.create_key(
        session,
        columns | {"permissions": sorted(set(values["permissions"]))},
        kind=kind,
        stores=_stores(session, values["store_ids"]),
        prefix=_prefix(kind, secret),
        digest=digest_of(secret),
    )
    return key, secret


def change_key(
    session: ScopedSession, caller: CallerInfo, key: ApiKey, changes: Mapping[str, Any], now: datetime
) -> None:
    """Change the fields of a key that `changes` names. Raises as `create_key` does.

    Other stores or a later end hand on what the key may do, just as its permissions do.
    """
    columns = dict(changes)
    store_ids = columns.pop("store_ids", None)
    if "permissions" in columns or store_ids is not None or is_prolonged(key.expires_at, columns):
        check_grant(caller, columns.get("permissions", key.permissions))
    if "permissions" in columns:
        columns["permissions"] = sorted(set(columns["permissions"]))
    check_expiry(columns.get("expires_at"), now)
    key.sqlmodel_update(columns)
    if store_ids is not None:
        service.set_stores(session, key, _stores(session, store_ids))


def rotate_key(session: ScopedSession, caller: CallerInfo, key: ApiKey, rotation: Rotation, now: datetime) -> str:
    """The new secret of a key; the old one works on for the overlap. Raises PermissionMissing as `create_key` does."""
    check_grant(caller, key.permissions)
    kind: KeyKind = "partner" if key.kind == "partner" else "store"
    secret = new_secret(kind)
    overlap = timedelta(seconds=rotation.overlap_seconds)
    service.rotate_key(session, key, prefix=_prefix(kind, secret), digest=digest_of(secret), overlap=overlap, now=now)
    return secret


def describe_keys(session: ScopedSession, keys: Sequence[ApiKey]) -> list[dict[str, Any]]:
    """What is told of these keys, by field."""
    ids = [key.id for key in keys]
    stores, uses = queries.list_store_ids(session, ids), queries.list_uses(session, ids)
    return [
        {
            **key.model_dump(),
            "store_ids": "all" if key.all_stores else stores[key.id],
            **describe_use(uses.get(key.id)),
        }
        for key in keys
    ]


def describe_use(use: CredentialUse | None) -> dict[str, Any]:
    """The fields that tell of the last use of any credential."""
    return {
        "last_used_at": use.last_used_at if use else None,
        "last_used_from": use.last_used_from if use else None,
    }


def check_expiry(expires_at: datetime | None, now: datetime) -> None:
    """Raises Invalid for an end that has passed: to end a credential now, revoke it."""
    if expires_at is not None and expires_at <= now:
        raise Invalid.at("/expires_at", "Must lie in the future.")


def is_prolonged(expires_at: datetime | None, changes: Mapping[str, Any]) -> bool:
    """Whether changes let a credential live on after the end that it has now."""
    if expires_at is None or "expires_at" not in changes:
        return False
    wanted: datetime | None = changes["expires_at"]
    return wanted is None or wanted > expires_at


def _stores(session: ScopedSession, named: StoresNamed) -> Sequence[Store] | None:
    return None if isinstance(named, str) else get_stores(session, named)


def _prefix(kind: KeyKind, secret: str) -> str:
    return secret[: len(f"nrn_{kind}_") + 6]

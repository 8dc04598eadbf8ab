"""The audit log as it is shown outside: ids as TypeIDs."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from app.audit.models import AuditEntry
from tenants.ids import decode_id, encode_id

PREFIX_OF: Final = {
    "area": "area", "store": "store", "line_account": "acc", "api_key": "key", "api_client": "client",
    "staff": "staff", "support_grant": "grant", "customer": "cus", "friend": "frd", "tag": "tag", "segment": "seg",
    "campaign": "cmp", "run": "run", "coupon": "cpn", "issued_coupon": "icpn", "redemption": "red",
    "weather_rule": "rule", "weather_decision": "dec", "order": "ord", "event": "evt", "brand": "brand",
    "customer_list": "list", "till_device": "till", "device": "till",
    "home_store": "store", "parent": "area",
}  # fmt: skip
"""By table, and by what a column refers to: `store_id` holds a store's."""

CALLER_PREFIX_OF: Final = {
    "api_client": "client", "store_key": "key", "partner_key": "key", "staff": "staff", "support": "grant",
    "operator": "opkey", "customer": "cus", "till": "till",
}  # fmt: skip


def read_any_id(text: str) -> tuple[str, UUID]:
    """The prefix and the UUID of any TypeID. Raises ValueError."""
    prefix = text.rpartition("_")[0]
    return prefix, decode_id(prefix, text)


def show(entry: AuditEntry) -> dict[str, Any]:
    """An entry as `AuditEntryRead` takes it."""
    changes = entry.changes or []
    told = [_show_change(change) for change in changes if "table" in change]
    return {
        **{name: getattr(entry, name) for name in _AS_THEY_ARE},
        "caller_id": _show_id(CALLER_PREFIX_OF.get(entry.caller_kind), entry.caller_id),
        "object_id": _show_id(entry.object_type, entry.object_id),
        "changes": told,
        "changes_left_out": sum(int(change["more"]) for change in changes if "more" in change),
    }


_AS_THEY_ARE = (
    "id", "at", "kind", "action", "status", "caller_kind", "caller_name", "address", "request_id", "customer_ids",
    "times",
)  # fmt: skip


def _show_id(prefix: str | None, value: UUID | None) -> str | None:
    return encode_id(prefix, value) if prefix and value else None


def _show_change(change: Mapping[str, Any]) -> dict[str, Any]:
    table = str(change["table"])
    return {
        "table": table,
        **{name: _show_values(table, change[name]) for name in ("key", "before", "after")},
    }


def _show_values(table: str, values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if values is None:
        return None
    return {name: _show_value(table if name == "id" else name.removesuffix("_id"), v) for name, v in values.items()}


def _show_value(of: str, value: Any) -> Any:
    """A UUID in a column that refers to something we have ids for; anything else as it is."""
    if of not in PREFIX_OF or not isinstance(value, str):
        return value
    try:
        return encode_id(PREFIX_OF[of], UUID(value))
    except ValueError:
        return value

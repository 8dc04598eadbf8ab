"""The one statement that adds an entry to the log, together with its place among those to be sealed."""

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import text
from sqlmodel import Session

from app.audit.models import AuditEntry

_COLUMNS = tuple(AuditEntry.__table__.columns.keys())  # type: ignore[attr-defined]
_CASTS = {"changes": "CAST(:changes AS jsonb)", "customer_ids": "CAST(:customer_ids AS uuid[])"}

_ADD = text(
    f"WITH entry AS (INSERT INTO audit_entry ({', '.join(_COLUMNS)})"
    f" VALUES ({', '.join(_CASTS.get(name, f':{name}') for name in _COLUMNS)}) RETURNING brand_id, id)"
    " INSERT INTO audit_pending (brand_id, entry_id) SELECT brand_id, id FROM entry"
)


def add_entries(session: Session, entries: Iterable[AuditEntry]) -> None:
    """Append entries of the session's brand; `brand_id` is set on each."""
    rows = [_row(entry) for entry in entries]
    if rows:
        session.connection().execute(_ADD, rows)


def _row(entry: AuditEntry) -> dict[str, Any]:
    row = {name: getattr(entry, name) for name in _COLUMNS}
    if entry.changes is not None:
        row["changes"] = orjson.dumps(entry.changes).decode()
    return row

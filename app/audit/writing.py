"""The one statement that adds an entry to the log, together with its place among those to be sealed."""

from collections.abc import Sequence
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


def add_rows(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Append entries to the log of the session's brand; every column of each."""
    if rows:
        session.connection().execute(_ADD, rows)


def row_of(entry: AuditEntry) -> dict[str, Any]:
    """The columns of an entry."""
    row = {name: getattr(entry, name) for name in _COLUMNS}
    if entry.changes is not None:
        row["changes"] = orjson.dumps(entry.changes).decode()
    return row

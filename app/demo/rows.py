"""Rows in bulk."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from tenants.session import ScopedSession


def add_rows(session: ScopedSession, model: Any, rows: list[dict[str, Any]]) -> None:
    """Insert many rows at once; they carry their brand already."""
    for start in range(0, len(rows), 5000):
        session.connection().execute(insert(model), rows[start : start + 5000])


def event_row(
    session: ScopedSession,
    kind: str,
    at: datetime,
    once: str,
    *,
    customer_id: UUID | None = None,
    store_no: int | None = None,
    account_no: int | None = None,
    data: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A past event as `events.record` would have written it; its id is given once all are in order."""
    return {
        "brand_id": session.scope.brand_id,
        "created_at": at,
        "type": kind,
        "customer_id": customer_id,
        "store_no": store_no,
        "account_no": account_no,
        "occurred_at": at,
        "data": data or {},
        "dedupe_key": f"{kind}:{once}",
    }

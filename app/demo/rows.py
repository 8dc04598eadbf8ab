"""Rows in bulk."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert

from app.events.facts import Fact
from tenants.session import ScopedSession


def add_rows(session: ScopedSession, model: Any, rows: list[dict[str, Any]]) -> None:
    """Insert many rows at once; they carry their brand already."""
    for start in range(0, len(rows), 5000):
        session.connection().execute(insert(model), rows[start : start + 5000])


def id_at(at: datetime, number: int = 0) -> UUID:
    """An id as it would have been made at this instant; those of one millisecond by their numbers, up to 4,095."""
    return UUID(
        int=int(at.timestamp() * 1000) << 80 | 7 << 76 | number << 64 | uuid4().int & ~(3 << 62) & 2**64 - 1 | 2 << 62
    )


def event_row(session: ScopedSession, fact: Fact) -> dict[str, Any]:
    """A past event as `events.record` would have written it then; its id is given once all are in order."""
    return {
        "brand_id": session.scope.brand_id,
        "created_at": fact.occurred_at,
        "type": fact.type,
        "customer_id": fact.customer_id,
        "store_no": fact.store_no,
        "account_no": fact.account_no,
        "occurred_at": fact.occurred_at,
        "data": fact.data(),
        "dedupe_key": fact.dedupe_key(),
    }

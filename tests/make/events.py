"""What happened, as services record it."""

from datetime import UTC, datetime
from typing import Any

from app.events.models import Event
from tenants.ids import uuid7
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession
from tenants.stores.models import Store

NOON = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)
"""Twelve o'clock in Japan on the first of June."""


def event(
    session: ScopedSession,
    type: str = "friend.followed",
    *,
    store: Store | None = None,
    account: LineAccount | None = None,
    data: dict[str, Any] | None = None,
    **changes: Any,
) -> Event:
    """An event that waits for the projector, at noon of the first of June."""
    values = {
        "store_no": store.no if store else None,
        "account_no": account.no if account else None,
        "occurred_at": NOON,
        "data": data or {},
        "dedupe_key": f"{type}:{uuid7()}",
    }
    row = Event(type=type, **{**values, **changes})
    session.add(row)
    session.flush()
    return row

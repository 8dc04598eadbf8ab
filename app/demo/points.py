"""The demo's programme, and what its customers earned by what they bought, as if it had been there all along."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from app.commerce.models import Order
from app.demo.rows import add_rows
from app.loyalty import ledger
from app.loyalty.models import PointEntry, PointProgramme
from app.loyalty.rules import expiry_of, points_for
from tenants.ids import encode_id, uuid7
from tenants.session import ScopedSession

JAPAN: Final = ZoneInfo("Asia/Tokyo")
AT_ONCE: Final = 1000
SPENT: Final = 50
"""Whoever has so many points used them once, if she is one in three."""
RULES: Final[dict[str, Any]] = {
    "orders": {"yen_per_point": 100, "stores": []},
    "visits": None,
    "actions": [],
    "expires_after_months": 12,
    "payer": "brand",
    "ranks": {
        "by": "spend",
        "window_months": 12,
        "levels": [
            {"key": "regular", "name_ja": "レギュラー", "name_en": "Regular", "at_least": 0},
            {"key": "silver", "name_ja": "シルバー", "name_en": "Silver", "at_least": 5_000},
            {"key": "gold", "name_ja": "ゴールド", "name_en": "Gold", "at_least": 15_000},
        ],
    },
    "stamps": None,
    "referral": {"referrer_points": 300, "newcomer_points": 300, "within_days": 30},
}


def add_points(session: ScopedSession, now: datetime) -> None:
    """The programme, an entry for each order of somebody known, and some that were spent."""
    session.flush()
    bought = select(Order).where(col(Order.customer_id).is_not(None))
    orders = session.exec(bought.order_by(col(Order.ordered_at), col(Order.id))).all()
    starts_at = min((order.ordered_at for order in orders), default=now) - timedelta(days=1)
    session.add(PointProgramme(created_at=starts_at, starts_at=starts_at, rules=RULES))
    session.flush()
    entries = [row for order in orders if (row := _earned(session, order)) is not None]
    points: Counter[UUID] = Counter()
    for row in entries:
        points[row["customer_id"]] += row["delta"]
    spenders = [customer_id for customer_id, had in sorted(points.items()) if had >= SPENT][::3]
    entries += [_spent(session, customer_id, now) for customer_id in spenders]
    add_rows(session, PointEntry, entries)
    people = list(points)
    for start in range(0, len(people), AT_ONCE):
        ledger.add_up(session, people[start : start + AT_ONCE], now)


def _earned(session: ScopedSession, order: Order) -> dict[str, Any] | None:
    points = points_for(RULES, order.amount_yen, order.store_id)
    if points == 0 or order.customer_id is None:
        return None
    entry_id = uuid7()
    return {
        **_blank(session, entry_id, order.customer_id, order.ordered_at),
        "kind": "earn",
        "origin": "order",
        "delta": points,
        "source_ref": f"{encode_id('ord', order.id)}:1",
        "store_id": order.store_id,
        "store_no": order.store_no,
        "payer": "brand",
        "lot_id": entry_id,
        "order_id": order.id,
        "expires_at": expiry_of(RULES, order.ordered_at, JAPAN),
    }


def _spent(session: ScopedSession, customer_id: UUID, now: datetime) -> dict[str, Any]:
    entry_id = uuid7()
    return {
        **_blank(session, entry_id, customer_id, now - timedelta(hours=1)),
        "kind": "spend",
        "origin": "api",
        "delta": -SPENT,
        "source_ref": f"demo-{entry_id}",
    }


def _blank(session: ScopedSession, entry_id: UUID, customer_id: UUID, at: datetime) -> dict[str, Any]:
    empty = dict.fromkeys(
        ("reason", "store_id", "store_no", "payer", "lot_id", "order_id", "visit_id", "undoes_id", "expires_at")
    )
    whose = {"brand_id": session.scope.brand_id, "id": entry_id, "customer_id": customer_id}
    return {**empty, **whose, "created_at": at, "occurred_at": at}

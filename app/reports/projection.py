"""Rollups: what each event adds to the figures of its day. The projector calls `move_daily_metrics`."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from app.events.models import Event
from app.reports.models import NOBODY
from tenants.brands.queries import get_brand
from tenants.session import ScopedSession

KEYS: Final = ("day_on", "store_no", "account_no", "campaign_id", "weather_rule_id", "coupon_id")
"""What a row of figures is about."""

FIGURES: Final = (
    "friends", "blocked", "sent", "clicked", "issued", "redeemed", "discount_yen", "orders", "sales_yen",
)  # fmt: skip
"""What is counted, as published; `docs/metrics.md` defines each."""


@dataclass(frozen=True, slots=True)
class Key:
    """A local day and everything that reports group by; 0 and NOBODY stand for none."""

    day_on: date
    store_no: int
    account_no: int
    campaign_id: UUID
    weather_rule_id: UUID
    coupon_id: UUID


def move_daily_metrics(session: ScopedSession, events: Sequence[Event]) -> None:
    """Add these events to the rollups, in one statement. Types that no figure counts are passed over."""
    zone = ZoneInfo(get_brand(session, session.scope.brand_id).timezone)
    moved: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    for event in events:
        for key, figures in count_event(event, zone):
            moved[key].update(figures)
    if moved:
        rows = [{**asdict(key), **dict.fromkeys(FIGURES, 0), **figures} for key, figures in moved.items()]
        session.execute(_MOVE, {"brand_id": session.scope.brand_id, "rows": json.dumps(rows, default=str)})


_MOVE = text(
    f"""
    INSERT INTO daily_metric AS kept (brand_id, {", ".join(KEYS)}, {", ".join(FIGURES)})
    SELECT :brand_id, {", ".join(KEYS)}, {", ".join(FIGURES)}
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS moved (
        day_on date, store_no int, account_no int, campaign_id uuid, weather_rule_id uuid, coupon_id uuid,
        {", ".join(f"{figure} bigint" for figure in FIGURES)}
    )
    ON CONFLICT (brand_id, {", ".join(KEYS)})
    DO UPDATE SET {", ".join(f"{figure} = kept.{figure} + excluded.{figure}" for figure in FIGURES)}
    """
)


def count_event(event: Event, zone: ZoneInfo) -> Iterator[tuple[Key, Mapping[str, int]]]:
    """What one event adds, and to which rows. Days are local to `zone`."""
    data = event.data
    key = Key(
        day_on=event.occurred_at.astimezone(zone).date(),
        store_no=event.store_no or 0,
        account_no=event.account_no or 0,
        campaign_id=_read_id(data, "campaign_id"),
        weather_rule_id=_read_id(data, "weather_rule_id"),
        coupon_id=_read_id(data, "coupon_id"),
    )
    match event.type:
        case "friend.followed":
            yield key, {"friends": 1}
        case "friend.blocked":
            yield key, {"blocked": 1}
        case "link.clicked":
            yield key, {"clicked": 1}
        case "coupon.issued":
            yield key, {"issued": 1}
        case "coupon.redeemed":
            yield key, {"redeemed": 1, "discount_yen": data.get("discount_yen") or 0}
        case "coupon.reversed":
            # On the day of the reversal: a day that was reported stays as it was.
            yield key, {"redeemed": -1, "discount_yen": -(data.get("discount_yen") or 0)}
        case "order.paid":
            # A changed amount is told by its difference, with `orders_delta` 0.
            yield key, {"orders": data.get("orders_delta", 1), "sales_yen": data.get("amount_yen") or 0}
        case "order.refunded":
            # On the day of the refund, as a reversal is.
            yield key, {"sales_yen": -(data.get("amount_yen") or 0)}
        case "run.finished":
            for part in data.get("sent") or []:
                place = replace(key, store_no=part.get("store_no") or 0, account_no=part.get("account_no") or 0)
                yield place, {"sent": part["count"]}


def _read_id(data: Mapping[str, Any], name: str) -> UUID:
    value = data.get(name)
    return UUID(value) if value else NOBODY

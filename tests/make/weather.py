"""Weather rules, and forecasts as if they had been fetched."""

from datetime import UTC, datetime
from typing import Any

import orjson
from sqlmodel import Session

from app.weather import forecasts
from app.weather.models import WeatherRule
from app.weather.sources import Fetched, Known
from tenants.session import ScopedSession

RAIN_AT_LUNCH = {
    "reading": "precipitation_probability",
    "in": {"from": "11:00", "to": "17:00"},
    "op": ">=",
    "value": 60,
}


def weather_rule(session: ScopedSession, **changes: Any) -> WeatherRule:
    """A live rule of head office: rain at lunch, all stores."""
    values = {
        "name": "雨の日のランチ",
        "status": "live",
        "condition": RAIN_AT_LUNCH,
        "decide_times": ["11:15"],
        "all_stores": True,
        "messages": [{"type": "text", "text": "雨の予報です。温かい一杯をどうぞ。"}],
        "decided_until": datetime(2020, 1, 1, tzinfo=UTC),
    }
    row = WeatherRule(**{**values, **changes})
    session.add(row)
    session.flush()
    return row


def forecast(session: Session, office: str, document: Any, fetched_at: datetime) -> None:
    """An office's newest file; bytes are taken as they are."""
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    forecasts.keep(session, office, Fetched(body, Known()), fetched_at)

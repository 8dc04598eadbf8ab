"""Weather rules, and forecasts as if they had been fetched."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlmodel import Session

from app.weather import forecasts
from app.weather.feeds import state
from app.weather.feeds import warnings as feed
from app.weather.feeds.state import Name
from app.weather.feeds.warning_reports import Report
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


def warnings(session: Session, in_force: Mapping[str, Sequence[str]], now: datetime, status: str = "発表") -> None:
    """The state of warnings as just fetched: by class20, the codes in force over it; none for an empty list.

    JMA's tables have to hold these areas. Of others nothing is known.
    """
    kinds = {
        class20: [{"code": code, "status": status} for code in codes] or [{"status": "発表警報・注意報はなし"}]
        for class20, codes in in_force.items()
    }
    feed.keep(session, [Report("VPWW55", now, {"class10": {}, "class20": kinds})], now)
    feed.keep_floods(session, [], now)
    for name in (Name.WARNINGS, Name.FLOODS):
        state.note_success(session, name, now, own_clock_at=now)

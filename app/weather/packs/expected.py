"""How often a draft would fire: played over the last year of forecasts that are kept, as a back-test would."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select

from app.weather.archive.models import ArchivedForecast
from app.weather.backtests.playing import play, prepare
from app.weather.decisions import stores_of_rules
from app.weather.models import WeatherRule
from app.weather.places import Spot, find_spots
from app.weather.readings import JAPAN
from app.weather.rules import Reason
from tenants.session import ScopedSession

MOST_STORES: Final = 6
YEAR: Final = timedelta(days=365)
FEWEST_DAYS: Final = 28
"""Of one store, on which it could be told."""
_UNKNOWN: Final = frozenset({Reason.UNKNOWN_DATA, Reason.STALE})


@dataclass(frozen=True, slots=True)
class Expected:
    """How many days a year it would fire at a store, and what that was told from."""

    per_store_year: float | None
    first_on: date | None = None
    last_on: date | None = None
    stores: int = 0
    detail: str | None = None


def expect_fires(session: ScopedSession, rule: WeatherRule, now: datetime) -> Expected:
    """How often a rule would have fired at its stores. It is played for one store of each district, for six at most:
    neighbours share the forecast, and whoever imports is waiting."""
    sample = _sample(session, rule)
    if not sample:
        return Expected(None, detail="No store of the rule has a forecast district yet.")
    districts = sorted({spot.class10 for _, spot in sample})
    kept = select(func.min(ArchivedForecast.issued_at), func.max(ArchivedForecast.issued_at))
    found: tuple[datetime | None, datetime | None] = session.exec(
        kept.where(col(ArchivedForecast.district).in_(districts))
    ).one()
    first_at, last_at = found
    if first_at is None or last_at is None:
        return Expected(None, detail="No past forecasts of these districts are kept yet.")
    last_on = last_at.astimezone(JAPAN).date() - timedelta(days=1)
    first_on = max(first_at.astimezone(JAPAN).date() + timedelta(days=1), last_on - YEAR + timedelta(days=1))
    if first_on > last_on:
        return Expected(None, detail="Past forecasts of these districts are kept for less than a day.")
    playback = prepare(session, rule, first_on, last_on, now, only=[one for one, _ in sample], counts_people=False)
    reasons = [
        day.reason
        for played in play(session, playback)
        for (_, on), day in played.days.items()
        if first_on <= on <= last_on
    ]
    told = [reason for reason in reasons if reason not in _UNKNOWN]
    if len(told) < FEWEST_DAYS * len(sample):
        detail = f"It could be told of {len(told)} of {len(reasons)} days only: what it reads is not kept, or not yet."
        return Expected(None, first_on, last_on, len(sample), detail)
    per_year = told.count(Reason.FIRED) / len(told) * YEAR.days
    return Expected(round(per_year, 1), first_on, last_on, len(sample))


def _sample(session: ScopedSession, rule: WeatherRule) -> Sequence[tuple[UUID, Spot]]:
    """One store of each of its districts."""
    (stores,) = stores_of_rules(session, [rule], None)
    spots = find_spots(session, stores)
    by_district: dict[str, tuple[UUID, Spot]] = {}
    for store in stores:
        spot = spots[store.id]
        if isinstance(spot, Spot):
            by_district.setdefault(spot.class10, (store.id, spot))
    return list(by_district.values())[:MOST_STORES]

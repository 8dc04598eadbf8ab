"""Our own bodies taken into the archive, each once, as they were read when they came."""

import gzip
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from app.weather.archive.models import (
    ArchivedForecast,
    ArchivedIssue,
    ArchivedMap,
    ArchivedTemperature,
)
from app.weather.feeds.models import FeedBody
from app.weather.feeds.observations import parse_map
from app.weather.feeds.state import Name
from app.weather.jma import DayTemperatures, DayWeather, JmaForecast, parse_forecast
from app.weather.models import ForecastIssue
from app.weather.outlook import Gap
from app.weather.readings import JAPAN

ISSUES_AT_ONCE: Final = 50
MAPS_AT_ONCE: Final = 24


def take_in_forecasts(session: Session) -> int:
    """Take the next bodies of forecasts into the archive; how many there were, 0 once all are in."""
    waiting = (
        select(ForecastIssue)
        .join(ArchivedIssue, col(ArchivedIssue.forecast_issue_id) == col(ForecastIssue.id), isouter=True)
        .where(col(ForecastIssue.parse_status) == "ok", col(ArchivedIssue.forecast_issue_id).is_(None))
        .order_by(col(ForecastIssue.id))
        .limit(ISSUES_AT_ONCE)
    )
    issues = session.exec(waiting).all()
    for issue in issues:
        _add_forecast(session, parse_forecast(gzip.decompress(issue.raw)), issue.fetched_at)
        session.add(ArchivedIssue(forecast_issue_id=issue.id))
    session.flush()
    return len(issues)


def take_in_observations(session: Session) -> int:
    """Take the next maps of a full hour into the archive; how many there were, 0 once all are in."""
    waiting = (
        select(FeedBody)
        .join(ArchivedMap, col(ArchivedMap.body_id) == col(FeedBody.id), isouter=True)
        .where(
            col(FeedBody.feed) == Name.OBSERVATIONS.value,
            col(FeedBody.parse_status) == "ok",
            text("extract(minute FROM weather_feed_body.issued_at) = 0"),
            col(ArchivedMap.body_id).is_(None),
        )
        .order_by(col(FeedBody.id))
        .limit(MAPS_AT_ONCE)
    )
    bodies = session.exec(waiting).all()
    for body in bodies:
        if body.issued_at is not None:
            _add_hour(session, parse_map(gzip.decompress(body.raw)), body.issued_at)
        session.add(ArchivedMap(body_id=body.id))
    session.flush()
    return len(bodies)


def _add_forecast(session: Session, forecast: JmaForecast, known_at: datetime) -> None:
    shared = {"issued_at": forecast.issued_at, "known_at": known_at}
    districts = [
        {
            "district": district,
            **shared,
            "first_block_at": min(rain),
            "rain": [_number(rain[at]) for at in sorted(rain)],
            "first_on": min(weather),
            "codes": [day.code if isinstance(day, DayWeather) else None for day in _row_of(weather)],
            "texts": [day.text if isinstance(day, DayWeather) else None for day in _row_of(weather)],
        }
        for district, rain in forecast.rain.items()
        if (weather := forecast.weather.get(district))
    ]
    stations = [
        {
            "station": station,
            **shared,
            "first_on": min(days),
            "highs": [_number(day.high) if isinstance(day, DayTemperatures) else None for day in _row_of(days)],
            "lows": [_number(day.low) if isinstance(day, DayTemperatures) else None for day in _row_of(days)],
            "day_high": _number(days[min(days)].day_high),
        }
        for station, days in forecast.temperatures.items()
    ]
    connection = session.connection()
    if districts:
        connection.execute(insert(ArchivedForecast).on_conflict_do_nothing(), districts)
    if stations:
        connection.execute(insert(ArchivedTemperature).on_conflict_do_nothing(), stations)


def _row_of(days: Mapping[date, Any]) -> list[Any]:
    """The days from the first to the last, None where one is missing between them."""
    first, last = min(days), max(days)
    return [days.get(first + timedelta(days=no)) for no in range((last - first).days + 1)]


def _number(value: int | Gap | None) -> int | None:
    return value if isinstance(value, int) else None


def _add_hour(session: Session, stations: Mapping[str, Mapping[str, float]], moment: datetime) -> None:
    """Write what stations measured at a full hour to its place in their days; midnight is a day's 24th hour."""
    local = (moment - timedelta(hours=1)).astimezone(JAPAN)
    measured = [
        (code, values.get("precipitation1h"), values.get("temp"))
        for code, values in sorted(stations.items())
        if "precipitation1h" in values or "temp" in values
    ]
    if not measured:
        return
    session.connection().execute(
        _PUT_HOUR,
        {
            "stations": [code for code, _, _ in measured],
            "rain": [rain for _, rain, _ in measured],
            "temperatures": [temperature for _, _, temperature in measured],
            "observed_on": local.date(),
            "hour": local.hour + 1,
        },
    )


_PUT_HOUR: Final = text("""
INSERT INTO archived_observation AS old (station, observed_on, rain_mm, temperatures_c)
SELECT station, :observed_on,
       (SELECT array_agg(CASE WHEN no = :hour THEN rain END ORDER BY no) FROM generate_series(1, 24) AS no),
       (SELECT array_agg(CASE WHEN no = :hour THEN temperature END ORDER BY no) FROM generate_series(1, 24) AS no)
FROM unnest(CAST(:stations AS text[]), CAST(:rain AS real[]), CAST(:temperatures AS real[]))
     AS given (station, rain, temperature)
ON CONFLICT (station, observed_on) DO UPDATE
SET rain_mm[:hour] = coalesce(excluded.rain_mm[:hour], old.rain_mm[:hour]),
    temperatures_c[:hour] = coalesce(excluded.temperatures_c[:hour], old.temperatures_c[:hour])
""")

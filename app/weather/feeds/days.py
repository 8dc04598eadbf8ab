"""What a station observed on one date, gathered from the maps of its hours."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from app.weather.feeds.models import StationDay
from app.weather.outlook import DayFact, Gap
from app.weather.places import Spot
from app.weather.readings import JAPAN
from app.weather.stations import read_stations

DAYS = 10
"""How many days back facts are read."""

SNOW_CODES = frozenset({9, 10, 12, 14})
"""Present weather that JMA counts as snow: sleet, snow, freezing drizzle of snow, snow showers."""

_NOTHING = Gap("Nothing was observed.")


def add(session: Session, stations: Mapping[str, Mapping[str, float]], moment: datetime) -> None:
    """Take a map of observations into the day that it belongs to; one that was taken in already adds nothing.

    An amount of rain stamped on the full hour is that of the hour before: midnight's belongs to the day that ends.
    """
    local = moment.astimezone(JAPAN)
    is_full = local.minute == 0
    before = local - timedelta(hours=1)
    rows: list[dict[str, Any]] = []
    for code, values in stations.items():
        temperature = values.get("temp")
        snow = _snowed(values)
        if temperature is not None or snow is not None:
            rows.append(_row(code, local.date(), high=temperature, snowed=snow, hour=local.hour))
        rain = values.get("precipitation1h")
        if is_full and rain is not None:
            rows.append(_row(code, before.date(), rain=rain, rain_hour=before.hour))
    # One statement may touch a row only once: of one date at a time, temperatures apart from rain.
    for wet in (False, True):
        chosen = [row for row in rows if (row["rain_mm"] is not None) is wet]
        if chosen:
            _put(session, chosen)


def read_past(session: Session, spots: Collection[Spot], now: datetime) -> dict[Spot, dict[date, DayFact]]:
    """The days before today that were observed at each spot's stations, at most ten."""
    stations = read_stations(session)

    def codes_of(code: str | None) -> tuple[str, ...]:
        known = stations.by_code.get(code or "")
        before = known.predecessor if known else None
        return tuple(one for one in (code, before) if one)

    wanted = {code for spot in spots for name in (spot.station, spot.rain_station) for code in codes_of(name)}
    today = now.astimezone(JAPAN).date()
    rows = session.exec(
        select(StationDay).where(
            col(StationDay.station).in_(sorted(wanted)),
            col(StationDay.day_on) >= today - timedelta(days=DAYS),
            col(StationDay.day_on) < today,
        )
    ).all()
    by_key = {(row.station, row.day_on): row for row in rows}

    def find(codes: tuple[str, ...], on: date) -> StationDay | None:
        return next((by_key[code, on] for code in codes if (code, on) in by_key), None)

    found: dict[Spot, dict[date, DayFact]] = {}
    for spot in spots:
        main, rain = codes_of(spot.station), codes_of(spot.rain_station)
        facts = {
            on: _fact(find(main, on), find(rain, on))
            for on in (today - timedelta(days=count) for count in range(1, DAYS + 1))
            if find(main, on) or find(rain, on)
        }
        found[spot] = facts
    return found


def forget(session: Session, before: date) -> None:
    """Drop the facts of days before a date."""
    session.connection().execute(delete(StationDay).where(col(StationDay.day_on) < before))


def _fact(main: StationDay | None, rain: StationDay | None) -> DayFact:
    shares = []
    if main is not None:
        shares.append(main.hours.bit_count() / 24)
    if rain is not None:
        shares.append(rain.rain_hours.bit_count() / 24)
    snowed = main.snowed if main is not None else None
    return DayFact(
        high_c=_NOTHING if main is None or main.high_c is None else main.high_c,
        low_c=_NOTHING if main is None or main.low_c is None else main.low_c,
        rain_mm=_NOTHING if rain is None or rain.rain_mm is None else round(rain.rain_mm, 1),
        snowed=Gap("No station there looks for snow.") if snowed is None else snowed,
        complete_ratio=min(shares, default=0.0),
    )


def _snowed(values: Mapping[str, float]) -> bool | None:
    """Whether it snowed by one map; None where the station does not tell."""
    weather, fallen = values.get("weather"), values.get("snow1h")
    if (weather is not None and int(weather) in SNOW_CODES) or (fallen is not None and fallen > 0):
        return True
    return False if weather is not None or values.get("snow") is not None else None


def _row(
    code: str,
    on: date,
    *,
    high: float | None = None,
    rain: float | None = None,
    snowed: bool | None = None,
    hour: int | None = None,
    rain_hour: int | None = None,
) -> dict[str, Any]:
    return {
        "station": code,
        "day_on": on,
        "high_c": high,
        "low_c": high,
        "rain_mm": rain,
        "snowed": snowed,
        "hours": 1 << hour if hour is not None and high is not None else 0,
        "rain_hours": 1 << rain_hour if rain_hour is not None else 0,
    }


def _put(session: Session, rows: list[dict[str, Any]]) -> None:
    put = insert(StationDay)
    new = put.excluded
    have = StationDay
    is_new_hour = col(have.rain_hours).op("&")(new.rain_hours) == 0
    either_rain = func.coalesce(col(have.rain_mm), 0.0) + new.rain_mm
    changed = {
        # greatest() and least() pass over nulls.
        "high_c": func.greatest(col(have.high_c), new.high_c),
        "low_c": func.least(col(have.low_c), new.low_c),
        "rain_mm": case(
            (new.rain_mm.is_(None), col(have.rain_mm)),
            (is_new_hour, either_rain),
            else_=col(have.rain_mm),
        ),
        "snowed": func.coalesce(col(have.snowed).op("OR")(new.snowed), col(have.snowed), new.snowed),
        "hours": col(have.hours).op("|")(new.hours),
        "rain_hours": col(have.rain_hours).op("|")(new.rain_hours),
    }
    statement = put.on_conflict_do_update(index_elements=["station", "day_on"], set_=changed)
    session.connection().execute(statement, rows)
    session.expire_all()

"""What a stretch of days is played on, read from the archive at once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final

from sqlmodel import Session

from app.weather.archive.reading import (
    Place,
    StationDay,
    fact_of,
    list_measuring,
    read_forecasts,
    read_station_days,
)
from app.weather.backtests.replay import Records
from app.weather.places import Spot
from app.weather.stations import read_stations

LOOKED_BACK: Final = timedelta(days=366)
"""As far back as a rule looks: to the beginning of a season."""

NOTHING: Final = (None,) * 24


def find_gauges(session: Session, spots: Iterable[Spot]) -> dict[Spot, str | None]:
    """By spot, the station by whose gauge it is told whether it rained there: its rain station, else the one of its
    forecast temperatures; None where the archive holds neither."""
    listed = set(spots)
    wanted = {station for spot in listed for station in (spot.rain_station, spot.station) if station is not None}
    formers = map_formers(session)
    known = list_measuring(session, {*wanted, *(formers[one] for one in wanted if one in formers)})
    measuring = {one for one in wanted if one in known or formers.get(one) in known}
    return {spot: next((one for one in (spot.rain_station, spot.station) if one in measuring), None) for spot in listed}


def map_formers(session: Session) -> dict[str, str]:
    """By station, the one whose place it has taken."""
    stations = read_stations(session).by_code.values()
    return {one.code: one.predecessor for one in stations if one.predecessor is not None}


def read_records(
    session: Session,
    gauges: Mapping[Spot, str | None],
    moments: Sequence[datetime],
    *,
    needs: frozenset[str],
    first_on: date,
    last_on: date,
) -> Records:
    """What was known of these spots at these moments, and what was measured there from `first_on` to `last_on`."""
    places = sorted({Place(spot.class10, spot.station) for spot in gauges}, key=str)
    formers = map_formers(session)
    forecasts = read_forecasts(session, places, moments, formers)
    stations = {one for spot, gauge in gauges.items() for one in (gauge, spot.station) if one is not None}
    since = first_on - (LOOKED_BACK if "past" in needs else timedelta(days=1))
    measured = read_station_days(session, stations, since, last_on + timedelta(days=2), formers)
    days = {spot: _merge(measured, gauge, spot.station) for spot, gauge in gauges.items()}
    return Records(
        forecasts={place: dict(zip(moments, found, strict=True)) for place, found in forecasts.items()},
        days=days,
        facts={spot: {on: fact_of(day) for on, day in found.items()} for spot, found in days.items()}
        if "past" in needs
        else {},
    )


def _merge(
    measured: Mapping[str, Mapping[date, StationDay]], gauge: str | None, station: str | None
) -> Mapping[date, StationDay]:
    """A spot's days: the rain of its gauge, the temperatures of its station."""
    rain, warmth = measured.get(gauge or "", {}), measured.get(station or "", {})
    if gauge == station:
        return rain
    return {
        on: StationDay(
            rain[on].rain_mm if on in rain else NOTHING, warmth[on].temperatures_c if on in warmth else NOTHING
        )
        for on in rain.keys() | warmth.keys()
    }


def stretches(first_on: date, last_on: date, days: int) -> list[tuple[date, date]]:
    """The dates of a period in stretches of so many days, each by its first and last."""
    begins = [first_on + timedelta(days=no) for no in range(0, (last_on - first_on).days + 1, days)]
    return [(begin, end - timedelta(days=1)) for begin, end in pairwise([*begins, last_on + timedelta(days=1)])]

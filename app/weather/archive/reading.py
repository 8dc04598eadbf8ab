"""Read the archive as it was known at a moment: the newest issue that was out and had by then, and nothing after it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Row, text
from sqlmodel import Session

from app.weather.freshness import GRACE
from app.weather.jma import SOURCE
from app.weather.jma_values import NOT_STATED
from app.weather.outlook import DayFact, Gap, Observed, PlaceForecast
from app.weather.readings import BLOCK, JAPAN
from app.weather.weather_codes import kinds_of, sky_of

OLDEST: Final = timedelta(days=2)
"""An issue from before that is nobody's forecast any more; that a later one is missing is said of it all the same."""

NO_FORMERS: Final[Mapping[str, str]] = MappingProxyType({})

NO_SNOW: Final = Gap("the archive does not tell of snow")


@dataclass(frozen=True, slots=True)
class Place:
    """Whose words speak for a store: a district's, and for temperatures a station's."""

    district: str
    station: str | None


@dataclass(frozen=True, slots=True)
class StationDay:
    """What a station measured on a Japanese date: by the hour's end, 1 to 24, at index 0 to 23; None is missing."""

    rain_mm: Sequence[float | None]
    temperatures_c: Sequence[float | None]


class Before(Mapping[date, DayFact]):
    """What was observed on the dates before one; of that date and those after nothing can be read."""

    def __init__(self, facts: Mapping[date, DayFact], day_on: date) -> None:
        self._facts = facts
        self._day_on = day_on

    def __getitem__(self, on: date) -> DayFact:
        if on >= self._day_on:
            raise KeyError(on)
        return self._facts[on]

    def __iter__(self) -> Iterator[date]:
        return (on for on in self._facts if on < self._day_on)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def read_forecasts(
    session: Session, places: Sequence[Place], moments: Sequence[datetime], formers: Mapping[str, str] = NO_FORMERS
) -> dict[Place, list[PlaceForecast | Gap]]:
    """By place, what was forecast for it at each of these moments, in their order.

    `formers` names the stations that others have taken the place of, by the newer one.
    """
    found: dict[Place, list[PlaceForecast | Gap]] = {
        place: [Gap(f"The archive holds no forecast for district {place.district} from then.")] * len(moments)
        for place in places
    }
    made: dict[tuple[int, datetime, datetime], PlaceForecast] = {}
    values = {
        "districts": [place.district for place in places],
        "stations": [place.station for place in places],
        "formers": [formers.get(place.station or "") for place in places],
        "moments": list(moments),
        "oldest": OLDEST,
        "ahead": GRACE,
    }
    for row in session.execute(_AS_OF, values):
        key = (row.place_no, row.issued_at, row.known_at)
        if key not in made:
            made[key] = _forecast(row)
        found[places[row.place_no - 1]][row.moment_no - 1] = made[key]
    return found


def list_arrivals(
    session: Session, districts: Collection[str], begins_at: datetime, ends_at: datetime
) -> list[datetime]:
    """The moments from the first up to the second at which an issue for one of these districts came, in order."""
    values = {"districts": sorted(districts), "begins_at": begins_at, "ends_at": ends_at}
    return list(session.execute(_ARRIVALS, values).scalars())


def read_station_days(
    session: Session,
    stations: Collection[str],
    first_on: date,
    last_on: date,
    formers: Mapping[str, str] = NO_FORMERS,
) -> dict[str, dict[date, StationDay]]:
    """By station and Japanese date, what was measured there; a station or a date that is not there is left out.

    What a former station measured counts for the one that took its place, where that has nothing of its own.
    """
    asked = {*stations, *(formers[one] for one in stations if one in formers)}
    rows = session.execute(_DAYS, {"stations": sorted(asked), "first_on": first_on, "last_on": last_on})
    found: dict[str, dict[date, StationDay]] = {}
    for station, observed_on, rain, temperatures in rows:
        found.setdefault(station, {})[observed_on] = StationDay(rain, temperatures)
    return {one: {**found.get(formers.get(one, ""), {}), **found.get(one, {})} for one in stations}


def list_measuring(session: Session, stations: Collection[str]) -> set[str]:
    """Those of these stations of which there is any observation."""
    return set(session.execute(_MEASURING, {"stations": sorted(stations)}).scalars())


def fact_of(day: StationDay) -> DayFact:
    """A day as rules look back on it."""
    temperatures = [one for one in day.temperatures_c if one is not None]
    rain = [one for one in day.rain_mm if one is not None]
    missing = Gap("nothing was measured")
    return DayFact(
        high_c=max(temperatures, default=missing),
        low_c=min(temperatures, default=missing),
        rain_mm=sum(rain) if rain else missing,
        snowed=NO_SNOW,
        complete_ratio=min(len(temperatures), len(rain)) / 24,
    )


def observed_at(days: Mapping[date, StationDay], moment: datetime) -> Observed | Gap:
    """What a station had measured at a moment: the last full hour."""
    hour_at = moment.replace(minute=0, second=0, microsecond=0)
    local = (hour_at - timedelta(hours=1)).astimezone(JAPAN)
    day = days.get(local.date())
    rain = day.rain_mm[local.hour] if day else None
    temperature = day.temperatures_c[local.hour] if day else None
    if rain is None and temperature is None:
        return Gap("The archive holds no observation from then.")
    absent = Gap("the archive holds full hours of rain and temperature only")
    return Observed(
        source=SOURCE,
        observed_at=hour_at,
        # Where an hour brought nothing, its last ten minutes brought nothing either.
        rain_10_minutes_mm=0.0 if rain == 0 else absent,
        rain_hour_mm=absent if rain is None else rain,
        temperature_c=absent if temperature is None else temperature,
        wind_speed_ms=absent,
        snow_depth_cm=absent,
    )


_kinds_of = lru_cache(maxsize=4_096)(kinds_of)
"""A year of forecasts says the same few things over and over."""


def _forecast(row: Row[Any]) -> PlaceForecast:
    issued_on = row.issued_at.astimezone(JAPAN).date()
    lows = _dated(row.temperatures_on, row.lows or ())
    if lows.get(issued_on) is NOT_STATED:
        del lows[issued_on]  # of its own date no issue states one
    codes = _dated(row.first_on, row.codes)
    texts = row.texts or [None] * len(row.codes)
    return PlaceForecast(
        source=SOURCE,
        issued_at=row.issued_at,
        rain={row.first_block_at + BLOCK * no: _stated(value) for no, value in enumerate(row.rain)},
        highs=_dated(row.temperatures_on, row.highs or ()),
        skies={on: code if isinstance(code, Gap) else sky_of(code) for on, code in codes.items()},
        lows=lows,
        kinds={
            on: code if isinstance(code, Gap) else _kinds_of(code, texts[no])
            for no, (on, code) in enumerate(codes.items())
        },
    )


def _dated(first_on: date | None, values: Sequence[Any]) -> dict[date, Any]:
    if first_on is None:
        return {}
    return {first_on + timedelta(days=no): _stated(value) for no, value in enumerate(values)}


def _stated(value: Any) -> Any:
    return NOT_STATED if value is None else value


_AS_OF: Final = text("""
SELECT place.no AS place_no, moment.no AS moment_no, issue.issued_at, issue.known_at, issue.first_block_at, issue.rain,
       issue.first_on, issue.codes, issue.texts, warmth.first_on AS temperatures_on, warmth.highs, warmth.lows
FROM unnest(CAST(:districts AS text[]), CAST(:stations AS text[]), CAST(:formers AS text[]))
     WITH ORDINALITY AS place (district, station, former, no)
CROSS JOIN unnest(CAST(:moments AS timestamptz[])) WITH ORDINALITY AS moment (at, no)
CROSS JOIN LATERAL (
    SELECT * FROM archived_forecast forecast
    WHERE forecast.district = place.district AND forecast.known_at <= moment.at
      AND forecast.issued_at > moment.at - CAST(:oldest AS interval)
      AND forecast.issued_at <= moment.at + CAST(:ahead AS interval)
    ORDER BY issued_at DESC, known_at DESC LIMIT 1
) AS issue
LEFT JOIN archived_temperature warmth ON warmth.station IN (place.station, place.former)
     AND warmth.issued_at = issue.issued_at AND warmth.known_at = issue.known_at
""")
_ARRIVALS: Final = text("""
SELECT DISTINCT known_at FROM archived_forecast
WHERE district = ANY(CAST(:districts AS text[])) AND known_at >= :begins_at AND known_at < :ends_at
  AND issued_at BETWEEN CAST(:begins_at AS timestamptz) - interval '2 days' AND :ends_at
ORDER BY known_at
""")
_DAYS: Final = text("""
SELECT station, observed_on, rain_mm, temperatures_c FROM archived_observation
WHERE station = ANY(CAST(:stations AS text[])) AND observed_on BETWEEN :first_on AND :last_on
""")
_MEASURING: Final = text("""
SELECT station FROM unnest(CAST(:stations AS text[])) AS station
WHERE EXISTS (SELECT FROM archived_observation WHERE archived_observation.station = station.station)
""")

"""The observing stations: which is nearest, and which measures what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import asin, cos, floor, radians, sin, sqrt

from sqlmodel import Session

from app.weather import queries

Place = tuple[float, float]
"""Latitude and longitude in degrees."""

RAIN_REACH_KM = 20.0
"""How far a rain gauge may be to speak for a place: of two 15 to 30 km apart, one is often wet and the other dry."""

_BUCKET = 0.25
"""Degrees; in Japan more than 20 km either way."""

TEMPERATURE, RAIN, WIND, SNOW = 0, 1, 3, 5
"""Positions of the elements in a station's flags."""


@dataclass(frozen=True, slots=True)
class Observer:
    """A station as it stands and what it measures."""

    code: str
    place: Place
    elements: str
    predecessor: str | None

    def measures(self, element: int) -> bool:
        """Whether it measures an element; where its flags are not known, that is left for its values to show."""
        return not self.elements or self.elements[element] != "0"


class Stations:
    """All stations, with what lies near a place."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self.by_code = {one.code: one for one in observers}
        self._buckets: dict[tuple[int, int], list[Observer]] = {}
        for one in self.by_code.values():
            self._buckets.setdefault(_bucket(one.place), []).append(one)

    def pick_forecast(self, codes: Sequence[str], here: Place | None) -> str | None:
        """The nearest of a district's forecast stations; without a place its main one."""
        known = [self.by_code[code] for code in codes if code in self.by_code]
        if here is not None and known:
            return min(known, key=lambda one: (distance_km(here, one.place), one.code)).code
        return codes[0] if codes else None

    def nearest_rain(self, here: Place) -> str | None:
        """The nearest station within 20 km that measures rain."""
        row, column = _bucket(here)
        near = [
            (distance_km(here, one.place), one.code)
            for north in (-1, 0, 1)
            for east in (-1, 0, 1)
            for one in self._buckets.get((row + north, column + east), ())
            if one.elements and one.measures(RAIN)
        ]
        within = [found for found in near if found[0] <= RAIN_REACH_KM]
        return min(within)[1] if within else None

    def first_rain(self, codes: Sequence[str]) -> str | None:
        """The first of these stations that measures rain."""
        known = (self.by_code[code] for code in codes if code in self.by_code)
        return next((one.code for one in known if one.elements and one.measures(RAIN)), None)


def read_stations(session: Session) -> Stations:
    """The synchronised stations, read once per session."""
    stations = session.info.get("stations")
    if stations is None:
        rows = queries.list_stations(session)
        stations = Stations(
            Observer(row.code, (row.latitude, row.longitude), row.elements, row.predecessor) for row in rows
        )
        session.info["stations"] = stations
    assert isinstance(stations, Stations)
    return stations


def distance_km(one: Place, other: Place) -> float:
    """Great-circle distance of two places."""
    (lat1, lon1), (lat2, lon2) = ((radians(lat), radians(lon)) for lat, lon in (one, other))
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 12_742 * asin(min(1.0, sqrt(half)))


def _bucket(place: Place) -> tuple[int, int]:
    return floor(place[0] / _BUCKET), floor(place[1] / _BUCKET)

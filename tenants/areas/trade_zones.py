"""Which points lie in a trade zone: pure geometry on the forms that areas keep."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt
from typing import Any, Final

EARTH_RADIUS_M: Final = 6_371_000


def list_municipalities(zone: Mapping[str, Any]) -> Sequence[str]:
    """The municipality codes of a zone that is drawn by these; of a circle or a polygon none."""
    codes: Sequence[str] = zone.get("municipality_codes") or ()
    return codes


def holds_point(zone: Mapping[str, Any], latitude: float, longitude: float) -> bool:
    """Whether a point lies in a zone that is a circle or a polygon; one drawn by municipalities holds no points."""
    if circle := zone.get("radius"):
        here, there = (circle["latitude"], circle["longitude"]), (latitude, longitude)
        return distance_m(here, there) <= float(circle["radius_m"])
    if polygon := zone.get("polygon"):
        outline, *holes = polygon["coordinates"]
        return _is_inside(outline, latitude, longitude) and not any(
            _is_inside(hole, latitude, longitude) for hole in holes
        )
    return False


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The way between two points, (latitude, longitude) in degrees each, over a round earth: metres."""
    (lat_a, lng_a), (lat_b, lng_b) = ((radians(lat), radians(lng)) for lat, lng in (one, other))
    chord = sin((lat_b - lat_a) / 2) ** 2 + cos(lat_a) * cos(lat_b) * sin((lng_b - lng_a) / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(chord)))


def _is_inside(ring: Sequence[Sequence[float]], latitude: float, longitude: float) -> bool:
    """Whether a ray to the east crosses the ring an odd number of times. Positions are [longitude, latitude]."""
    inside = False
    for (lng_a, lat_a), (lng_b, lat_b) in pairwise(ring):
        if (lat_a > latitude) != (lat_b > latitude):
            crossing = lng_a + (latitude - lat_a) / (lat_b - lat_a) * (lng_b - lng_a)
            inside ^= longitude < crossing
    return inside

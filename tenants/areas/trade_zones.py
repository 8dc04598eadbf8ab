"""Which points lie in a trade zone: pure geometry on the forms that areas keep."""

from collections.abc import Iterable, Mapping, Sequence
from math import asin, cos, radians, sin, sqrt
from typing import Any, Final, TypeAlias

from tenants.areas.polygons import is_inside

EARTH_RADIUS_M: Final = 6_371_000
JAPAN: Final = ((20.0, 46.0), (122.0, 154.5))
"""Between these latitudes and longitudes lies all of it, and some of its neighbours."""

Point: TypeAlias = tuple[float, float]
"""Latitude and longitude in degrees."""


def is_in_japan(latitude: float, longitude: float) -> bool:
    """Whether a point lies in the rectangle around Japan."""
    return all(low <= value <= high for value, (low, high) in zip((latitude, longitude), JAPAN, strict=True))


def list_municipalities(zone: Mapping[str, Any]) -> Sequence[str]:
    """The municipality codes of a zone that is drawn by these; of a circle or a polygon none."""
    codes: Sequence[str] = zone.get("municipality_codes") or ()
    return codes


def is_around_stores(zone: Mapping[str, Any]) -> bool:
    """Whether a zone is a circle around each store of its area, so that it moves with them."""
    circle = zone.get("radius")
    return circle is not None and circle.get("latitude") is None


def holds_point(zone: Mapping[str, Any], latitude: float, longitude: float, around: Iterable[Point] = ()) -> bool:
    """Whether a point lies in a zone that is a circle or a polygon; one drawn by municipalities holds no points.

    `around` are the stores of the area, for a zone that lies around these.
    """
    if circle := zone.get("radius"):
        centres = around if is_around_stores(zone) else [(circle["latitude"], circle["longitude"])]
        return any(distance_m(centre, (latitude, longitude)) <= float(circle["radius_m"]) for centre in centres)
    if polygon := zone.get("polygon"):
        outline, *holes = polygon["coordinates"]
        return is_inside(outline, latitude, longitude) and not any(
            is_inside(hole, latitude, longitude) for hole in holes
        )
    return False


def distance_m(one: Point, other: Point) -> float:
    """The way between two points, (latitude, longitude) in degrees each, over a round earth: metres."""
    (lat_a, lng_a), (lat_b, lng_b) = ((radians(lat), radians(lng)) for lat, lng in (one, other))
    chord = sin((lat_b - lat_a) / 2) ** 2 + cos(lat_a) * cos(lat_b) * sin((lng_b - lng_a) / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(chord)))

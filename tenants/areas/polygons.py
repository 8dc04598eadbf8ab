"""Whether the rings of a polygon are drawn properly: none crosses or touches itself or another, holes lie inside."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

MOST_POSITIONS: Final = 500
"""In all rings of a polygon; the time of the comparison may grow with the square of it."""

Ring: TypeAlias = Sequence[Sequence[float]]
Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Edge:
    """One side of a ring, with the numbers by which its neighbours are known."""

    ring: int
    number: int
    of: int
    """How many sides the ring has."""
    start: Point
    end: Point
    west: float
    east: float
    south: float
    north: float

    @classmethod
    def between(cls, ring: int, number: int, of: int, start: Point, end: Point) -> "_Edge":
        """The side from one position to the next."""
        (west, east), (south, north) = sorted((start[0], end[0])), sorted((start[1], end[1]))
        return cls(ring, number, of, start, end, west, east, south, north)

    def follows(self, other: "_Edge") -> bool:
        """Whether this side begins where the other ends, by its place in the ring."""
        return self.ring == other.ring and self.number == (other.number + 1) % self.of


def find_fault(rings: Sequence[Ring]) -> str | None:
    """What is wrong with a polygon's rings, outline first, positions as [longitude, latitude]; None when nothing is."""
    if sum(len(ring) for ring in rings) > MOST_POSITIONS:
        return f"must not have more than {MOST_POSITIONS:,} positions in all"
    edges = []
    for number, ring in enumerate(rings):
        sides = _list_sides(number, ring)
        if len(sides) < 3:
            return f"ring {number} has no inside"
        edges += sides
    if _has_crossing(edges):
        return "has sides that cross or touch one another"
    outline, *holes = rings
    for number, hole in enumerate(holes, 1):
        if not is_inside(outline, hole[0][1], hole[0][0]):
            return f"ring {number}, a hole, lies outside the outline"
    return None


def is_inside(ring: Ring, latitude: float, longitude: float) -> bool:
    """Whether a ray to the east crosses the ring an odd number of times. Positions are [longitude, latitude]."""
    inside = False
    for (lng_a, lat_a), (lng_b, lat_b) in pairwise(ring):
        if (lat_a > latitude) != (lat_b > latitude):
            crossing = lng_a + (latitude - lat_a) / (lat_b - lat_a) * (lng_b - lng_a)
            inside ^= longitude < crossing
    return inside


def _list_sides(ring_no: int, ring: Ring) -> list[_Edge]:
    """The sides of a ring; a position that stands twice in a row makes none."""
    points = [(one[0], one[1]) for one in ring]
    pairs = [(start, end) for start, end in pairwise(points) if start != end]
    return [_Edge.between(ring_no, number, len(pairs), start, end) for number, (start, end) in enumerate(pairs)]


def _has_crossing(edges: Sequence[_Edge]) -> bool:
    """Whether two sides meet anywhere but at the corner between them; from west to east, with those still going on."""
    going_on: list[_Edge] = []
    for edge in sorted(edges, key=lambda one: one.west):
        going_on = [other for other in going_on if other.east >= edge.west]
        beside = (other for other in going_on if other.south <= edge.north and edge.south <= other.north)
        if any(_clash(edge, other) for other in beside):
            return True
        going_on.append(edge)
    return False


def _clash(one: _Edge, other: _Edge) -> bool:
    if one.follows(other):
        return _turns_back(other.start, other.end, one.end)
    if other.follows(one):
        return _turns_back(one.start, one.end, other.end)
    return _meet(one.start, one.end, other.start, other.end)


def _turns_back(before: Point, corner: Point, after: Point) -> bool:
    """Whether the next side runs back along the one before it."""
    if _side(before, corner, after) != 0:
        return False
    along = (corner[0] - before[0]) * (after[0] - corner[0]) + (corner[1] - before[1]) * (after[1] - corner[1])
    return along < 0


def _meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the side from a to b and the one from c to d have a point in common."""
    sides = _side(a, b, c), _side(a, b, d), _side(c, d, a), _side(c, d, b)
    if sides[0] * sides[1] < 0 and sides[2] * sides[3] < 0:
        return True
    touching = ((sides[0], a, b, c), (sides[1], a, b, d), (sides[2], c, d, a), (sides[3], c, d, b))
    return any(side == 0 and _is_between(start, end, point) for side, start, end, point in touching)


def _side(a: Point, b: Point, point: Point) -> int:
    """On which side of the line through a and b a point lies: 1, -1, or 0 on it."""
    area = (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])
    return (area > 0) - (area < 0)


def _is_between(a: Point, b: Point, point: Point) -> bool:
    return min(a[0], b[0]) <= point[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= point[1] <= max(a[1], b[1])

"""Whether the rings of a polygon are drawn properly."""

from math import cos, pi, sin

import pytest

from tenants.areas.polygons import MOST_POSITIONS, find_fault

SQUARE = [[139.0, 35.0], [140.0, 35.0], [140.0, 36.0], [139.0, 36.0], [139.0, 35.0]]
HOLE = [[139.4, 35.4], [139.6, 35.4], [139.6, 35.6], [139.4, 35.6], [139.4, 35.4]]


def shift(ring: list[list[float]], degrees: float) -> list[list[float]]:
    return [[longitude + degrees, latitude] for longitude, latitude in ring]


def circle(corners: int) -> list[list[float]]:
    points = [[139 + cos(2 * pi * n / corners) / 2, 35 + sin(2 * pi * n / corners) / 2] for n in range(corners)]
    return [*points, points[0]]


@pytest.mark.parametrize(
    "rings",
    [
        [SQUARE],
        [SQUARE, HOLE],
        [SQUARE[::-1], HOLE],
        [SQUARE, shift(HOLE, -0.25), shift(HOLE, 0.25)],
        [[SQUARE[0], *SQUARE]],
        [[[139, 35], [139.5, 35], [140, 35], [140, 36], [139, 35]]],
        [circle(MOST_POSITIONS - 1)],
    ],
    ids=["square", "hole", "clockwise", "two holes", "a corner twice", "a corner on a side", "many corners"],
)
def test_a_proper_polygon_has_no_fault(rings: list[list[list[float]]]) -> None:
    assert find_fault(rings) is None


@pytest.mark.parametrize(
    ("rings", "fault"),
    [
        ([[[139, 35], [140, 36], [140, 35], [139, 36], [139, 35]]], "cross or touch"),
        ([[[139, 35], [140, 35], [139.5, 35], [139.5, 36], [139, 35]]], "cross or touch"),
        ([[[139, 35], [140, 35], [140, 36], [139.5, 35], [139, 36], [139, 35]]], "cross or touch"),
        ([SQUARE, shift(HOLE, 0.5)], "cross or touch"),
        ([SQUARE, SQUARE], "cross or touch"),
        ([SQUARE, shift(HOLE, 2)], "outside the outline"),
        ([[[139, 35], [140, 35], [139, 35], [139, 35]]], "no inside"),
        ([[[139, 35], [139, 35], [139, 35], [139, 35]]], "no inside"),
        ([circle(MOST_POSITIONS)], "500 positions"),
    ],
)
def test_what_is_wrong_is_said(rings: list[list[list[float]]], fault: str) -> None:
    assert fault in (find_fault(rings) or "")

"""The estimate of lift: within stores and days, with intervals by days and people."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest

from app.reports.lift.statistics import METRICS, Arm, Cell, Estimate, Squares, Ties, estimate, find_t
from tests.app.reports.lift.simulated import VISITS, Brand, Row, gather, simulate

ON = date(2026, 6, 1)
NO_TIES = Ties(Squares(0, 0, 0), Squares(0, 0, 0))


def arm(people: int, visits: float) -> Arm:
    return Arm(people, tuple(visits if place == VISITS else 0.0 for place in range(len(METRICS))))


def cell(day: int, offered: tuple[int, float], held_out: tuple[int, float]) -> Cell:
    return Cell(ON + timedelta(days=day), arm(*offered), arm(*held_out))


def told(cells: Sequence[Cell], ties: Ties = NO_TIES) -> Estimate:
    found = estimate(cells, ties, VISITS)
    assert found is not None
    return found


def width(rows: Sequence[Row]) -> float:
    found = told(*gather(rows))
    return found.high - found.low


@pytest.mark.parametrize(
    ("probability", "degrees", "value"),
    [(0.975, 1, 12.7062), (0.975, 2, 4.3027), (0.975, 5, 2.5706), (0.975, 23, 2.0687), (0.8, 10, 0.8791)],
)
def test_students_t_is_that_of_the_tables(probability: float, degrees: int, value: float) -> None:
    assert find_t(probability, degrees) == pytest.approx(value, abs=1e-4)


def test_a_rainy_day_on_which_nobody_comes_is_no_loss() -> None:
    dry = cell(0, (80, 40), (20, 10))
    wet = cell(1, (800, 80), (200, 20))
    assert told([dry, wet]).effect == 0


def test_the_difference_is_that_within_the_cells_weighted_by_what_they_tell() -> None:
    small, large = cell(0, (10, 5), (10, 2)), cell(1, (30, 9), (30, 6))
    assert told([small, large]).effect == pytest.approx((5 * 0.3 + 15 * 0.1) / 20)


def test_a_cell_with_nobody_held_out_tells_nothing() -> None:
    pair = [cell(0, (50, 10), (50, 5)), cell(1, (50, 12), (50, 5))]
    assert told([*pair, cell(2, (50, 50), (0, 0))]) == told(pair)


def test_nobody_on_one_side_gives_no_estimate() -> None:
    assert estimate([cell(0, (50, 10), (0, 0))], NO_TIES, VISITS) is None


def test_stores_of_one_day_count_as_one_observation() -> None:
    days = [cell(day, (100, 20 + day % 3), (100, 15)) for day in range(8)]
    by_store = [cell(day, (20, (20 + day % 3) / 5), (20, 3)) for day in range(8) for _ in range(5)]
    one, five = told(days), told(by_store)
    assert (five.low, five.high) == pytest.approx((one.low, one.high))
    assert five.days == 8


def test_the_same_people_held_out_again_and_again_make_it_less_sure() -> None:
    random = Random(3)
    regulars = [random.random() < 0.5 for _ in range(60)]
    rows: list[Row] = [
        (ON + timedelta(days=day), 0, person, person % 5 > 0, float(comes and random.random() < 0.9))
        for day in range(12)
        for person, comes in enumerate(regulars)
    ]
    strangers = [(on, store, number, offered, done) for number, (on, store, _, offered, done) in enumerate(rows)]
    assert width(rows) > 1.5 * width(strangers)


def test_days_that_count_little_are_no_full_days() -> None:
    even = [cell(day, (100, 20 + day % 2), (100, 15)) for day in range(10)]
    lopsided = [cell(0, (1000, 205), (1000, 150)), *even[1:]]
    assert (told(even).degrees, told(lopsided).degrees) == (9, 2)


def test_a_single_day_goes_by_its_people() -> None:
    rows = [(ON, 0, person, person % 2 == 0, float(person % 5 == 0)) for person in range(400)]
    found = told(*gather(rows))
    assert found.days == 1
    assert 0 < found.high - found.low < 0.2


@pytest.mark.parametrize(("lift", "verdict"), [(0.3, "more"), (-0.08, "less")])
def test_a_clear_lift_is_told_from_none(lift: float, verdict: str) -> None:
    found = told(*simulate(Brand(lift, people=500), seed=1))
    assert found.verdict(is_enough=True) == verdict


def test_without_a_lift_there_is_no_clear_difference() -> None:
    assert told(*simulate(Brand(0.0, people=800), seed=2)).verdict(is_enough=True) == "no_clear_difference"


def test_what_could_not_be_told_from_none_is_not_enough_yet_whatever_it_looks_like() -> None:
    found = told(*simulate(Brand(0.3, people=500), seed=1))
    assert replace(found, detectable=found.offered_mean).verdict(is_enough=True) == "not_enough_yet"
    assert found.verdict(is_enough=False) == "not_enough_yet"

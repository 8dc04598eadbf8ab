"""The intervals hold the truth as often as they say, on brands of which we know it."""

import math

import pytest

from tests.app.reports.lift.coverage import LIFTS, cover

RUNS = 100
BAND = 3 * math.sqrt(0.95 * 0.05 / RUNS)
"""Three standard deviations of the binomial around 95 %: what a hundred runs of a true interval stay within."""


@pytest.mark.parametrize("lift", LIFTS)
def test_an_interval_holds_the_truth_in_95_of_100_seasons(lift: float) -> None:
    found = cover("24 days", lift, RUNS)
    assert abs(found.ratio - 0.95) <= BAND
    assert abs(found.mean_effect - lift) < 0.006


def test_so_few_days_as_ten_do_not_make_it_too_sure() -> None:
    assert cover("10 days", 0.02, RUNS // 2).ratio >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / (RUNS // 2))

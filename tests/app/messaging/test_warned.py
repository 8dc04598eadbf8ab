"""A warning in the middle of a rain campaign: for its store only calls in flight end, all others go on."""

import pytest

from tests.app.messaging import warned


@pytest.mark.slow(seconds=75)
def test_under_a_warning_only_calls_in_flight_still_reach_people_and_others_go_on() -> None:
    report = warned.measure(people=2400, accounts=4, delay_ms=800, workers=1)
    assert report.holds, report

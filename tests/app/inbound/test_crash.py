"""Nothing that was acknowledged is lost, whatever is killed."""

import pytest

from tests.app.inbound import crash


@pytest.mark.slow(seconds=40)
def test_an_acknowledged_event_outlives_every_kill() -> None:
    figures = crash.run(kills=3, with_worker=False)
    assert (figures.lost, figures.strange) == (0, 0)
    assert figures.acknowledged > 3 * crash.BETWEEN_KILLS / 3
    assert figures.not_acknowledged > 0, "no kill hit anything"
    assert figures.kills.keys() == {"postgres", "serve"}

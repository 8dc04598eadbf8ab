"""A third of the partners never answers, some refuse, workers die: the others have every event, in order."""

from pathlib import Path

import pytest

from tests.app.webhooks import farm
from tests.conftest import MASTER_KEYS
from tests.serving import open_installation


@pytest.mark.slow(seconds=40)
def test_dead_endpoints_delay_nobody_and_nothing_is_lost(tmp_path: Path, worker_id: str) -> None:
    plan = farm.Plan(receivers=12, customers=20, events=10, kills=2, seconds=6.0)
    with open_installation(f"noren_farm_{worker_id}", tmp_path, NOREN_MASTER_KEYS=MASTER_KEYS) as place:
        figures = farm.run(plan, place)
    assert (figures.well, figures.expected, figures.kills) == (4, 200, 2)
    assert figures.holds, figures

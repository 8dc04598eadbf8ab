"""The sandbox with a fiftieth of the people that it has to hold; `scale.py` is run by hand with all of them."""

from pathlib import Path

from tests.app.sandbox.scale import Size, measure


def test_twenty_thousand_people_take_their_share_of_memory_and_outlive_a_kill(tmp_path: Path) -> None:
    figures = measure(Size(people=20_000, channels=100, send_seconds=0.2, settles=False), tmp_path)
    assert figures.people == 20_000
    assert figures.people_after_kill == 20_001
    assert figures.calls_after_kill == figures.calls > 0
    # A program without people has some 70 MB; 1.5 GB for a million leave each 1,400 bytes.
    assert figures.filled_mb < 100 + 20_000 * 1_400 / 1e6
    assert figures.started_mb < 100 + 20_000 * 1_400 / 1e6
    assert figures.longest_slice_ms < 50

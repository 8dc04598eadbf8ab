"""The demo's processes: what does not start is named, and two demos never share a folder."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.demo.processes import AlreadyRuns, DidNotStart, Processes, hold_folder

NOBODY = "http://127.0.0.1:9/"


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    started = Processes(tmp_path, {})
    yield started
    started.stop()


def test_a_child_that_ends_is_named_while_another_is_waited_for(processes: Processes) -> None:
    processes.start("serve", ["60"], module="tests.app.demo.sleeper")
    processes.start("worker", ["0", "one", "two", "three", "four", "five", "six"], module="tests.app.demo.sleeper")
    with pytest.raises(DidNotStart) as error:
        processes.wait_for("serve", NOBODY, 30)
    first, *lines = str(error.value).splitlines()
    assert first.startswith("worker ended")
    assert str(processes.folder / "worker.log") in first
    assert [line.strip() for line in lines] == ["two", "three", "four", "five", "six"]


def test_a_child_that_is_not_ready_in_time_is_named(processes: Processes) -> None:
    processes.start("serve", ["60"], module="tests.app.demo.sleeper")
    with pytest.raises(DidNotStart, match=r"^serve was not ready after 0\.2 s"):
        processes.wait_for("serve", NOBODY, 0.2)


def test_a_folder_is_one_demos_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with hold_folder(folder):
        with pytest.raises(AlreadyRuns, match="choose another with --data-dir"), hold_folder(folder):
            pass
        with hold_folder(tmp_path / "another"):
            pass
    with hold_folder(folder):
        pass


def test_a_second_demo_leaves_the_first_ones_data_alone(tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text("{}")
    command = [sys.executable, "-m", "app", "demo", "--data-dir", str(tmp_path), "--fresh", "--no-browser"]
    with hold_folder(tmp_path):
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own
    assert ran.returncode == 1
    assert ran.stdout.strip() == (
        f"A demo already runs in this folder ({tmp_path}); stop it, or choose another with --data-dir."
    )
    assert ran.stderr == ""
    assert (tmp_path / "demo.json").exists()

"""The tour is true: its commands run, and answer what the page says they answer."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from app.database import stop_embedded
from tests.app.sandbox.process import free_port

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "tour.md"
READY_SECONDS = 150
TOUR_SECONDS = 150


class Block(NamedTuple):
    """Commands of the page, and what it says they print."""

    commands: str
    documented: str


def read_blocks(page: str) -> list[Block]:
    """Each block of commands with the block of output that follows it; "" where none does."""
    found = re.findall(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", page, re.DOTALL | re.MULTILINE)
    return [Block(commands, documented) for commands, documented in found]


_VARYING = (
    (r"\b(acc|area|brand|cpn|cus|dec|icpn|red|rule|run|store)_[0-9a-z]{26}\b", r"\1_ID"),
    (r"\breq_[0-9a-f]{32}\b", "req_ID"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "INSTANT"),
    (r"\d{4}-\d\d-\d\d", "DATE"),
    (r"(?<=クーポンコード: )[0-9A-Z]{12}$", "CODE"),
    (r"127\.0\.0\.1:\d+", "ADDRESS"),
    (r"issued \d+ (s|min|h) ago", "issued SOME TIME ago"),
    (r"revision \d{4},", "revision NUMBER,"),
    (
        r'"(accepted|calls|chosen|consent|customers|distinct|holdout|issued|reachable|recipients|sent)": [1-9]\d*',
        r'"\1": COUNT',
    ),
    (r"^messages: [01]$", "messages: COUNT"),
    (r"(?<=precipitation_probability )(0 |10)(?=  The condition does not hold)", "LOW"),
    (r"^(store_ID|)(,\d+)+$", r"\1,COUNTS"),
)
"""What differs from one demo to the next: ids, times, codes, how many people the demo has, and a dry day's weather."""


def normalise(output: str) -> str:
    """Output without what differs from one demo to the next."""
    for pattern, name in _VARYING:
        output = re.sub(pattern, name, output, flags=re.MULTILINE)
    return output.strip("\n")


def agrees(documented: str, output: str) -> bool:
    """Whether output is as documented; `…` stands for any text on its line, and alone on a line for any lines."""
    pattern = ""
    for line in normalise(documented).splitlines():
        pattern += r"(.*\n)*?" if line.strip() == "…" else re.escape(line).replace("…", ".*") + r"\n"
    return re.fullmatch(pattern, normalise(output) + "\n") is not None if pattern else not output.strip()


@contextmanager
def running_demo() -> Iterator[Path]:
    """A fresh demo on ports of its own; answers the folder from which the tour's commands run."""
    home = Path(tempfile.mkdtemp(prefix="noren-tour-"))
    port, sandbox_port = free_port(), free_port()
    options = ["--port", str(port), "--sandbox-port", str(sandbox_port), "--customers", "200", "--no-browser"]
    (home / ".venv").symlink_to(sys.prefix)
    with (home / "demo.log").open("wb") as log:
        demo = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "app", "demo", "--data-dir", ".noren", *options],
            cwd=home,
            env=environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            wait_until_ready(demo, f"http://127.0.0.1:{port}/readyz", home)
            yield home
        finally:
            demo.send_signal(signal.SIGTERM)
            try:
                demo.wait(30)
            except subprocess.TimeoutExpired:
                demo.kill()  # its processes end with it
                demo.wait()
            stop_embedded(home / ".noren")
            shutil.rmtree(home, ignore_errors=True)


def environment() -> dict[str, str]:
    """This process's environment without our settings, and with no proxy between programs of one machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NOREN_")}
    return kept | {"NO_PROXY": "*", "no_proxy": "*", "LC_ALL": "C.UTF-8"}


def wait_until_ready(demo: "subprocess.Popen[bytes]", url: str, home: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    with httpx.Client(trust_env=False, timeout=5) as client:
        while time.monotonic() < deadline:
            assert demo.poll() is None, f"the demo ended:\n{(home / 'demo.log').read_text()}"
            try:
                if client.get(url).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
    logs = "\n".join(f"{path.name}: {path.read_text()[-2000:]}" for path in home.glob("**/*.log"))
    raise AssertionError(f"the demo was not ready after {READY_SECONDS} s\n{logs}")


def run_all(blocks: list[Block], home: Path) -> list[str]:
    """What each block printed, all in one shell; fails at the first command that fails."""
    mark = "end-of-a-block-of-the-tour"
    script = "set -eo pipefail\n" + "".join(f"{block.commands}echo; echo {mark}\n" for block in blocks)
    ran = subprocess.run(  # noqa: S603 - the commands of our own page
        ["bash", "-c", script],  # noqa: S607 - the bash that the reader has
        cwd=home,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=TOUR_SECONDS,
        check=False,
    )
    *outputs, rest = ran.stdout.split(f"\n{mark}\n")
    if ran.returncode != 0:
        failed = blocks[len(outputs)].commands
        raise AssertionError(f"exit code {ran.returncode} of\n{failed}\nafter it printed\n{rest}\n{ran.stderr[-4000:]}")
    return outputs


@pytest.mark.slow(seconds=75)
@pytest.mark.timeout(360)
@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="the tour is told in bash and curl")
def test_every_command_of_the_tour_answers_what_the_page_says() -> None:
    blocks = read_blocks(PAGE.read_text())
    with running_demo() as home:
        outputs = run_all(blocks, home)
    for block, output in zip(blocks, outputs, strict=True):
        shown = f"{block.commands}\nprinted\n{normalise(output)}\nbut the page says\n{normalise(block.documented)}"
        assert agrees(block.documented, output), shown


def test_the_page_has_no_output_that_belongs_to_no_commands() -> None:
    page = PAGE.read_text()
    assert page.count("\n```text\n") == sum(bool(block.documented) for block in read_blocks(page))


@pytest.mark.parametrize(
    ("documented", "output", "same"),
    [
        ("HTTP 201", "HTTP 201", True),
        ("HTTP 201", "HTTP 409", False),
        ('{"id": "cus_01m808s02fedvrff0hm3vd0xmw"}', '{"id": "cus_01m808arhxepgshpkad32pj61n"}', True),
        ('{"id": "cus_01m808s02fedvrff0hm3vd0xmw"}', '{"id": "red_01m808arhxepgshpkad32pj61n"}', False),
        ('"sent": 768,', '"sent": 74,', True),
        ('"sent": 768,', '"sent": 0,', False),
        ('"redeemed": 1,', '"redeemed": 2,', False),
        ("one\n…\nfour", "one\ntwo\nthree\nfour", True),
        ("one\n…\nfour", "one\ntwo\nthree", False),
        ("token_…", "token_x", True),
        ("", "unexpected", False),
        ("one", "one\ntwo", False),
    ],
)
def test_output_agrees_but_for_what_differs_between_demos(documented: str, output: str, same: bool) -> None:
    assert agrees(documented, output) is same

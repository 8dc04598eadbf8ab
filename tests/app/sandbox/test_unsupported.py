"""What is not simulated says so, to those who could call it, and the page says the same."""

import re
from pathlib import Path

import pytest

from app.sandbox.settings import Settings
from app.sandbox.unsupported import UNSUPPORTED, UNSUPPORTED_WITHOUT_TOKEN
from tests.app.sandbox.stage import RETRY_KEY, TOKEN, Stage

PAGE = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text()


def path_of(call: str) -> tuple[str, str]:
    method, path = call.split(" ")
    return method, re.sub(r"\{\w+\}", "1234567890123", path)


@pytest.mark.parametrize("call", UNSUPPORTED)
def test_a_call_is_refused_by_name_after_its_token(stage: Stage, call: str) -> None:
    method, path = path_of(call)
    assert stage.client.request(method, path).status_code == 401
    headers = {"authorization": f"Bearer {TOKEN}", "x-line-retry-key": RETRY_KEY}
    answer = stage.client.request(method, path, headers=headers)
    assert answer.status_code == 501
    assert answer.json() == {"message": f"{UNSUPPORTED[call]} is not simulated by this sandbox"}
    assert answer.headers["x-line-request-id"]


@pytest.mark.parametrize("call", UNSUPPORTED_WITHOUT_TOKEN)
def test_what_needs_no_token_is_refused_to_anybody(stage: Stage, call: str) -> None:
    method, path = path_of(call)
    assert stage.client.request(method, path).status_code == 501


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its first row."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_the_page_lists_what_answers_501() -> None:
    listed = {call: name for calls, name in rows("What answers 501") for call in re.findall(r"`([^`]+)`", calls)}
    assert listed == {**UNSUPPORTED, **UNSUPPORTED_WITHOUT_TOKEN}


def test_the_page_lists_every_switch_with_what_it_is_at_first() -> None:
    listed = {cells[0].strip("`"): cells[1].strip("`") for cells in rows("Switches")}
    first = Settings()
    assert listed == {name: str(getattr(first, name)).replace("True", "true") for name in Settings.__dataclass_fields__}

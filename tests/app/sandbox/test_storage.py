"""A second run knows the people of the first."""

import socket
from pathlib import Path

import pytest

from app.sandbox.main import create_app, run
from app.sandbox.storage import BrokenStateFile
from tests.app.sandbox.process import Shop, running_sandbox, wait_for
from tests.app.sandbox.stage import CHANNEL, RETRY_KEY, Stage

pytestmark = pytest.mark.slow


def test_people_ties_inboxes_quota_and_retry_keys_survive_a_restart(tmp_path: Path, shop: Shop) -> None:
    state_file = tmp_path / "folder" / "sandbox.json"
    with running_sandbox(state_file=state_file) as client:
        before = Stage.build(client, shop)
        before.act("taro", "follow")
        before.push("残る", x_line_retry_key=RETRY_KEY)
    with running_sandbox(state_file=state_file) as client:
        after = Stage(client, shop, before.hanako, before.taro)
        assert client.get("/_sandbox/people/taro").json()["follows"] == [CHANNEL]
        assert [item["messages"][0]["text"] for item in after.inbox()] == ["残る"]
        assert after.push("残る", x_line_retry_key=RETRY_KEY).status_code == 409
        assert client.get(f"/_sandbox/channels/{CHANNEL}").json()["used"] == 1
        assert after.push("続き").json()["sentMessages"][0]["id"] > "642012345678000000"


def test_state_is_saved_while_running_and_a_torn_line_is_dropped(tmp_path: Path, shop: Shop) -> None:
    state_file = tmp_path / "sandbox.json"
    calls_file = tmp_path / "sandbox.json.calls"
    with running_sandbox(state_file=state_file) as client:
        stage = Stage.build(client, shop)
        stage.push("一")
        wait_for(calls_file.exists)
        saved = calls_file.read_bytes()
    calls_file.write_bytes(saved + b'{"at": 12')
    with running_sandbox(state_file=state_file) as client:
        again = Stage(client, shop, stage.hanako, stage.taro)
        assert len(again.inbox()) == 1
        again.push("二")
    assert calls_file.read_bytes().startswith(saved)
    assert calls_file.read_bytes().count(b"\n") == 2


def test_a_reset_empties_what_was_saved_of_the_deliveries(tmp_path: Path, shop: Shop) -> None:
    state_file = tmp_path / "sandbox.json"
    with running_sandbox(state_file=state_file) as client:
        stage = Stage.build(client, shop)
        stage.push("一")
        wait_for((tmp_path / "sandbox.json.calls").exists)
        client.post("/_sandbox/reset")
    with running_sandbox(state_file=state_file) as client:
        assert Stage(client, shop, stage.hanako, stage.taro).inbox() == []
        assert len(client.get("/_sandbox/people").json()["items"]) == 2


@pytest.mark.parametrize("content", [b"", b"{}", b'{"version": 99}', b"[1"])
def test_a_file_that_is_no_saved_world_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    state_file = tmp_path / "sandbox.json"
    state_file.write_bytes(content)
    with pytest.raises(BrokenStateFile, match=r"sandbox\.json"):
        create_app(state_file)


def test_a_taken_port_is_an_error_that_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        run(port=taken.getsockname()[1])

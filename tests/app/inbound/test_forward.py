"""Calls on their way to another tool: byte for byte, in order, and none is lost while the tool is away."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.customers.erasing.service import erase
from app.inbound.forward.deliver import Forwarder
from app.inbound.forward.service import WAITS_SECONDS
from app.inbound.tasks import forget_old_calls
from app.jobs.queue import Clockwork
from app.line.signature import is_signed, sign
from app.settings import Settings
from tenants.ids import encode_id
from tenants.sealing import Keyring
from tests import make
from tests.app.inbound.calls import Channel, commit_channel, told, work_off_all, write_call
from tests.app.inbound.tool import Tool
from tests.conftest import BrandHome

pytestmark = pytest.mark.every_brand

LINES_HEADERS = {"content-type": "application/json; charset=utf-8", "user-agent": "LineBotWebhook/2.0"}


@dataclass
class Move:
    """A brand that moves: its calls come here, and go on to the tool that it had before."""

    api: TestClient
    home: BrandHome
    engine: Engine
    settings: Settings
    channel: Channel
    ahead: timedelta = field(default_factory=timedelta)
    """How far the test's clock is ahead of the true one."""

    @property
    def path(self) -> str:
        return f"/v1/line-accounts/{encode_id('acc', self.channel.id)}/forward"

    def put(self, url: str, *, active: bool = True) -> dict[str, Any]:
        answer = self.api.put(self.path, json={"url": url, "active": active}, headers=self.home.headers)
        assert answer.status_code == 200, answer.text
        read: dict[str, Any] = answer.json()
        return read

    def call(self, *events: Any, body: bytes | None = None, **headers: str) -> bytes:
        """One call of LINE's; its bytes."""
        content = body if body is not None else write_call(self.channel, *events)
        signed = {"x-line-signature": sign(self.channel.secret, content).decode(), **LINES_HEADERS, **headers}
        answer = self.api.post(self.channel.path, content=content, headers=signed)
        assert answer.status_code == 200, answer.text
        return content

    def talk(self, count: int = 1) -> list[bytes]:
        """So many calls with a message each."""
        return [self.call(told("message", make.line_user_id())) for _ in range(count)]

    def turn(self) -> float | None:
        """One turn of the worker; in how many seconds it wants another."""

        async def work() -> float | None:
            forwarder = Forwarder(self.engine, self.settings, lambda: datetime.now(UTC) + self.ahead)
            try:
                return await forwarder.work_lane(self.channel.brand_id, self.channel.id)
            finally:
                await forwarder.close()

        return asyncio.run(work())

    def wait_out(self, seconds: float) -> None:
        """Let the worker work while this time passes on the test's clock."""
        until = self.ahead + timedelta(seconds=seconds)
        while (wait := self.turn()) is not None and self.ahead + timedelta(seconds=wait) <= until:
            self.ahead += timedelta(seconds=wait + 0.001)
        self.ahead = until

    def states(self) -> list[tuple[str, int]]:
        """State and attempts of each call, in the order in which they came."""
        with self.home.open() as session:
            rows = session.execute(text("SELECT state, attempts FROM line_forward_call ORDER BY id")).all()
        return [(row.state, row.attempts) for row in rows]

    def read(self) -> dict[str, Any]:
        read: dict[str, Any] = self.api.get(self.path, headers=self.home.headers).json()
        return read

    def post(self, path: str) -> Any:
        return self.api.post(f"{self.path}{path}", headers=self.home.headers)


@pytest.fixture
def move(api: TestClient, home: BrandHome, engine: Engine, settings: Settings, keyring: Keyring) -> Move:
    return Move(api, home, engine, settings, commit_channel(home, keyring))


@contextmanager
def refusing(tool: Tool, *, only: bytes | None = None) -> Iterator[None]:
    """Let the tool answer 503, to calls that hold these bytes or to all."""
    tool.refuses = lambda body: only is None or only in body
    try:
        yield
    finally:
        tool.refuses = lambda body: False


def test_the_other_tool_gets_lines_own_bytes_and_signature(move: Move, tool: Tool) -> None:
    move.put(tool.url)
    odd = f'{{ "destination":"{move.channel.bot_user_id}",\n\t"events" : [], "ü":"\\u00fc" }}\n'.encode()
    sent = [*move.talk(2), move.call(body=odd)]
    assert move.turn() is None
    assert tool.taken == sent
    for call in tool.calls:
        assert is_signed(move.channel.secret, call.body, call.headers["x-line-signature"])
        assert {name: call.headers[name] for name in LINES_HEADERS} == LINES_HEADERS
        assert set(call.headers) == {*LINES_HEADERS, "x-line-signature", "host", "content-length", "via"}


def test_here_the_events_are_worked_off_all_the_same(move: Move, tool: Tool, keyring: Keyring) -> None:
    move.put(tool.url)
    move.call(told("follow", make.line_user_id()))
    work_off_all(move.engine, keyring, move.settings, move.channel)
    with move.home.open() as session:
        assert session.execute(text("SELECT count(*) FROM friend")).scalar_one() == 1


def test_a_tool_that_is_away_for_an_hour_gets_all_in_order(move: Move, tool: Tool) -> None:
    move.put(tool.url)
    tool.is_away = True
    sent = move.talk(3)
    move.wait_out(1200)
    sent += move.talk(3)
    move.wait_out(1200)
    sent += move.talk(3)
    move.wait_out(1200)
    assert tool.calls == []
    assert move.read()["waiting"] == 9
    assert move.read()["failing_since"] is not None
    tool.is_away = False
    move.wait_out(WAITS_SECONDS[-1])
    assert tool.taken == sent
    assert all(is_signed(move.channel.secret, call.body, call.headers["x-line-signature"]) for call in tool.calls)
    assert {state for state, _ in move.states()} == {"sent"}
    after = move.read()
    assert (after["waiting"], after["dead"], after["failing_since"]) == (0, 0, None)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 410, 429, 500, 503])
def test_any_other_answer_than_success_is_a_failure(move: Move, tool: Tool, status: int) -> None:
    move.put(tool.url)
    sent = move.talk()
    tool.statuses = [status]
    assert move.turn() == pytest.approx(WAITS_SECONDS[0], abs=1)
    (call,) = move.api.get(f"{move.path}/calls", headers=move.home.headers).json()["items"]
    assert (call["state"], call["attempts"], call["last_status"]) == ("waiting", 1, status)
    assert str(status) in call["last_error"]
    move.wait_out(10)
    assert [call.body for call in tool.calls] == sent * 2
    assert move.states() == [("sent", 2)]


def test_the_waits_grow(move: Move, tool: Tool) -> None:
    move.put(tool.url)
    move.talk()
    tool.is_away = True
    waits = []
    for _ in range(10):
        wait = move.turn()
        assert wait is not None
        waits.append(round(wait))
        move.ahead += timedelta(seconds=wait + 0.001)
    assert waits == [*WAITS_SECONDS, WAITS_SECONDS[-1], WAITS_SECONDS[-1]]


def test_a_call_that_is_never_taken_does_not_hold_the_others_for_ever(move: Move, tool: Tool) -> None:
    move.put(tool.url)
    poisoned = move.call(told("message", make.line_user_id(), note="POISON"))
    others = move.talk(4)
    with refusing(tool, only=b"POISON"):
        move.wait_out(sum(WAITS_SECONDS[:5]))
        assert tool.taken == others
        assert [state for state, _ in move.states()] == ["waiting", *["sent"] * 4]
        assert move.read()["failing_since"] is None
        fresh = move.talk(2)
        move.turn()
        assert tool.taken == others + fresh
    move.wait_out(WAITS_SECONDS[-1])
    assert tool.taken[-1] == poisoned
    assert {state for state, _ in move.states()} == {"sent"}


def test_two_bad_calls_in_a_row_do_not_hide_each_other(move: Move, tool: Tool) -> None:
    move.put(tool.url)
    for _ in range(2):
        move.call(told("message", make.line_user_id(), note="POISON"))
    others = move.talk(3)
    with refusing(tool, only=b"POISON"):
        move.wait_out(1800)
        assert sorted(tool.taken) == sorted(others)
    assert [state for state, _ in move.states()] == ["waiting", "waiting", "sent", "sent", "sent"]


def test_after_three_days_calls_are_given_up_until_somebody_asks_for_them(move: Move, tool: Tool) -> None:
    move.put(tool.url)
    sent = move.talk(3)
    tool.is_away = True
    move.turn()
    assert [state for state, _ in move.states()] == ["waiting"] * 3
    move.ahead += timedelta(days=3, hours=1)
    assert move.turn() is None
    assert {state for state, _ in move.states()} == {"dead"}
    assert move.read()["dead"] == 3
    fresh = move.talk()
    tool.is_away = False
    dead = move.api.get(f"{move.path}/calls?state=dead", headers=move.home.headers).json()["items"]
    answer = move.post(f"/calls/{dead[-1]['id']}/retry")
    assert (answer.status_code, answer.json()["state"]) == (200, "waiting")
    move.wait_out(WAITS_SECONDS[-1])
    assert tool.taken == [sent[0], *fresh]
    assert move.post("/retry").json()["dead"] == 0
    move.wait_out(WAITS_SECONDS[-1])
    assert tool.taken == [sent[0], *fresh, *sent[1:]]


def test_only_what_was_given_up_is_tried_again(move: Move, tool: Tool) -> None:
    move.put(tool.url)
    move.talk()
    (call,) = move.api.get(f"{move.path}/calls", headers=move.home.headers).json()["items"]
    assert move.post(f"/calls/{call['id']}/retry").status_code == 409


def test_what_was_sent_is_kept_nowhere(move: Move, tool: Tool) -> None:
    move.put(tool.url)
    move.talk()
    move.turn()
    with move.home.open() as session:
        row = session.execute(text("SELECT * FROM line_forward_call")).one()
    assert (row.state, row.body, row.signature) == ("sent", None, None)


def test_calls_that_name_an_erased_person_are_not_kept_and_not_sent(move: Move, tool: Tool, keyring: Keyring) -> None:
    move.put(tool.url)
    user = make.line_user_id()
    named = [
        move.call(told("follow", user)),
        move.call(
            told("join", None, source={"type": "group", "groupId": "C1"}, joined={"members": [{"userId": user}]})
        ),
    ]
    others = move.talk(2)
    work_off_all(move.engine, keyring, move.settings, move.channel)
    with move.home.open() as session:
        query = "SELECT customer_id FROM identity WHERE line_user_id = :user"
        erase(session, session.execute(text(query), {"user": user}).scalar_one(), datetime.now(UTC))
        session.commit()
    move.turn()
    assert tool.taken == others
    with move.home.open() as session:
        rows = session.execute(text("SELECT state, body FROM line_forward_call ORDER BY id LIMIT 2")).all()
    assert [tuple(row) for row in rows] == [("dead", None)] * len(named)
    dead = move.api.get(f"{move.path}/calls?state=dead", headers=move.home.headers).json()["items"]
    assert move.post(f"/calls/{dead[0]['id']}/retry").status_code == 409
    assert move.post("/retry").json()["dead"] == len(named)


def test_nothing_goes_on_where_nobody_asked_for_it(move: Move, tool: Tool) -> None:
    move.talk()
    assert move.turn() is None
    assert move.states() == []


def test_it_may_be_taken_out_while_a_call_is_on_its_way(move: Move, tool: Tool) -> None:
    move.put(tool.url)
    move.talk(2)
    tool.wait = lambda: move.api.delete(move.path, headers=move.home.headers)
    with refusing(tool):
        assert move.turn() is None
    assert (len(tool.calls), move.states()) == (1, [])


def test_switched_off_it_keeps_what_waits(move: Move, tool: Tool) -> None:
    move.put(tool.url)
    sent = move.talk()
    move.put(tool.url, active=False)
    assert move.turn() is None
    assert tool.calls == []
    move.put(tool.url)
    move.turn()
    assert tool.taken == sent


def test_another_address_gets_what_waits_at_once(move: Move, tool: Tool) -> None:
    move.put("http://127.0.0.1:9/webhook")
    sent = move.talk(2)
    move.wait_out(600)
    move.put(tool.url)
    move.turn()
    assert tool.taken == sent


def test_a_call_that_came_by_way_of_a_noren_ends_here(move: Move, tool: Tool) -> None:
    move.put(tool.url)
    move.call(told("follow", make.line_user_id()), via="1.1 noren")
    move.turn()
    assert tool.calls == []


@pytest.mark.parametrize("via", ["1.1 noren.example.jp", "1.1 proxy (before noren)", "2 noren-edge, 1.1 varnish"])
def test_a_proxy_of_a_similar_name_ends_nothing(move: Move, tool: Tool, via: str) -> None:
    move.put(tool.url)
    body = move.call(told("follow", make.line_user_id()), via=via)
    move.turn()
    assert tool.taken == [body]


def test_what_is_refused_here_does_not_go_on(move: Move, tool: Tool) -> None:
    move.put(tool.url)
    body = write_call(move.channel, told("follow", make.line_user_id()))
    move.api.post(move.channel.path, content=body, headers={"x-line-signature": "x" * 44})
    assert move.states() == []


def test_a_slow_tool_delays_no_other(move: Move, tool: Tool, keyring: Keyring) -> None:
    """The slow one answers only when the other tool has its call."""
    other, quick = Move(move.api, move.home, move.engine, move.settings, commit_channel(move.home, keyring)), Tool()
    came = threading.Event()
    tool.wait, quick.wait = lambda: came.wait(8), came.set
    move.put(tool.url)
    other.put(quick.url)
    sent = move.talk(), other.talk()

    async def work() -> None:
        forwarder = Forwarder(move.engine, move.settings)
        lanes = (forwarder.work_lane(move.channel.brand_id, one.channel.id) for one in (move, other))
        await asyncio.gather(*lanes)
        await forwarder.close()

    try:
        asyncio.run(work())
    finally:
        quick.close()
    assert (tool.taken, quick.taken) == sent
    assert {state for state, _ in move.states()} == {"sent"}
    assert came.is_set()


def test_the_clock_forgets_what_is_long_over(move: Move, tool: Tool, keyring: Keyring) -> None:
    move.put(tool.url)
    move.talk(2)
    move.turn()
    tool.is_away = True
    move.talk()
    move.ahead += timedelta(days=3, hours=1)
    move.turn()
    counts = []
    for days in (6, 8, 32, 35):
        clock = Clockwork(move.engine, keyring, move.settings, datetime.now(UTC) + timedelta(days=days))
        forget_old_calls(clock)
        counts.append(len(move.states()))
    assert counts == [3, 1, 1, 0]


def test_what_waits_while_it_is_switched_off_is_given_up_by_the_clock(move: Move, tool: Tool, keyring: Keyring) -> None:
    move.put(tool.url)
    move.talk()
    move.put(tool.url, active=False)
    clock = Clockwork(move.engine, keyring, move.settings, datetime.now(UTC) + timedelta(days=4))
    forget_old_calls(clock)
    assert [state for state, _ in move.states()] == ["dead"]


def test_the_body_of_a_call_is_never_shown(move: Move, tool: Tool) -> None:
    move.put(tool.url)
    user = make.line_user_id()
    move.call(told("follow", user))
    shown = move.api.get(f"{move.path}/calls", headers=move.home.headers)
    assert user not in shown.text
    assert orjson.loads(shown.content)["items"][0]["state"] == "waiting"


def test_a_worker_sends_calls_on(move: Move, tool: Tool) -> None:
    """The lane is touched in the intake's own commit."""
    move.put(tool.url)
    with move.home.open() as session:
        session.execute(text("DELETE FROM lane WHERE kind = 'line_forward' AND key = :id"), {"id": move.channel.id})
        session.commit()
    move.talk()
    with move.home.open() as session:
        query = "SELECT count(*) FROM lane WHERE kind = 'line_forward' AND key = :id AND due_at <= now()"
        assert session.execute(text(query), {"id": move.channel.id}).scalar_one() == 1

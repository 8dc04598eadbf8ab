"""The webhook's edge: signed calls are stored once and answered 200, everything else gets its problem."""

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import psycopg
import pytest
from fastapi.testclient import TestClient
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import text

from app.database import Urls, async_conninfo
from app.inbound.append import Appender, NotStored, Refused, Told
from app.inbound.secrets import Accounts
from app.line.signature import sign
from tenants.ids import encode_id, uuid7
from tenants.sealing import Keyring
from tests import make
from tests.app.inbound.calls import Channel, call, commit_channel, seal, stored, tell, told, write_call
from tests.conftest import BrandHome


@pytest.fixture
def channel(home: BrandHome, keyring: Keyring) -> Channel:
    return commit_channel(home, keyring)


def test_a_signed_event_is_stored_as_line_sent_it(api: TestClient, home: BrandHome, channel: Channel) -> None:
    event = told("message", make.line_user_id(), futureField={"new": [1, 2]})
    tell(api, channel, event)
    (row,) = stored(home, channel)
    assert (row.body, row.type, row.line_user_id) == (event, "message", event["source"]["userId"])
    assert (row.webhook_event_id, row.worked_at) == (event["webhookEventId"], None)


def test_lines_own_example_of_a_signature_is_accepted(api: TestClient, home: BrandHome, keyring: Keyring) -> None:
    secret = "8c570fa6dd201bb328f1c1eac23a96d8"
    channel = commit_channel(home, keyring, bot_user_id="U8e742f61d673b39c7fff3cecb7536ef0")
    with home.open() as session:
        _change_secret(session, keyring, channel, secret)
    body = b'{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}'
    headers = {"X-Line-Signature": "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs="}
    assert api.post(channel.path, content=body, headers=headers).status_code == 200


def test_an_event_is_stored_once_however_often_it_is_sent(api: TestClient, home: BrandHome, channel: Channel) -> None:
    event = told("follow", make.line_user_id())
    for attempt in range(100):
        event["deliveryContext"] = {"isRedelivery": attempt > 50}
        bundled = [event] if attempt % 3 else [event, told("message", make.line_user_id()), event]
        tell(api, channel, *bundled)
    assert sum(row.webhook_event_id == event["webhookEventId"] for row in stored(home, channel)) == 1


def test_concurrent_calls_are_all_stored(api: TestClient, home: BrandHome, channel: Channel) -> None:
    events = [told("message", make.line_user_id()) for _ in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda event: tell(api, channel, event, events[0]), events))
    assert {row.webhook_event_id for row in stored(home, channel)} == {event["webhookEventId"] for event in events}


def test_the_accounts_lane_is_touched(api: TestClient, home: BrandHome, channel: Channel) -> None:
    tell(api, channel, told("follow", make.line_user_id()))
    tell(api, channel, told("unfollow", make.line_user_id()))
    with home.open() as session:
        lane = session.execute(text("SELECT * FROM lane WHERE key = :key"), {"key": channel.id}).one()
    assert (lane.kind, lane.brand_id, lane.touched) == ("line_events", home.scope.brand_id, 2)


def test_no_events_is_a_connection_check(api: TestClient, home: BrandHome, channel: Channel) -> None:
    tell(api, channel)
    assert stored(home, channel) == []


@pytest.mark.parametrize("signature", [None, "", "x", "あ".encode().decode("latin-1"), "A" * 44, "A" * 5000])
def test_a_call_without_the_right_signature_is_refused(
    api: TestClient, home: BrandHome, channel: Channel, signature: str | None
) -> None:
    headers = {} if signature is None else {b"x-line-signature": signature.encode("latin-1")}
    answer = api.post(channel.path, content=write_call(channel, told("follow", None)), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthorized")
    assert stored(home, channel) == []


def test_one_changed_byte_breaks_the_signature(api: TestClient, channel: Channel) -> None:
    body = write_call(channel, told("follow", make.line_user_id()))
    headers = {"x-line-signature": sign(channel.secret, body).decode()}
    assert api.post(channel.path, content=body + b" ", headers=headers).status_code == 401


def test_a_signature_of_another_account_is_refused(
    api: TestClient, home: BrandHome, keyring: Keyring, channel: Channel
) -> None:
    other = commit_channel(home, keyring)
    body = write_call(channel, told("follow", make.line_user_id()))
    assert call(api, channel, body, other.secret).status_code == 401


@pytest.mark.parametrize("path", ["acc_" + "0" * 26, "acc_x", "store_" + "0" * 26, "%00", "あ"])
def test_an_account_that_does_not_exist_is_not_found(api: TestClient, path: str) -> None:
    answer = api.post(f"/line/webhook/{path}", content=b"{}", headers={"x-line-signature": "x"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_an_archived_account_is_not_found(api: TestClient, home: BrandHome, keyring: Keyring) -> None:
    channel = commit_channel(home, keyring, archived_at=datetime.now(UTC))
    assert call(api, channel, write_call(channel)).status_code == 404


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"{}", b'{"events":{}}', b'{"events":null}', b"\xff\xfe", b"[" * 2000, b"<html>"],
)
def test_a_signed_body_that_is_no_call_is_a_problem(api: TestClient, channel: Channel, body: bytes) -> None:
    answer = call(api, channel, body)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-request")


def test_a_body_over_the_limit_is_refused(api: TestClient, channel: Channel) -> None:
    answer = call(api, channel, b'{"events":[], "more":"' + b"x" * 3_000_000 + b'"}')
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/body-too-large")


def test_another_method_is_not_allowed(api: TestClient, channel: Channel) -> None:
    assert api.get(channel.path).status_code == 405


def _raw(channel: Channel, *events: str) -> bytes:
    return f'{{"destination":"{channel.bot_user_id}","events":[{",".join(events)}]}}'.encode()


@pytest.mark.parametrize(
    "damaged",
    [
        '{"type":"message","timestamp":1,"webhookEventId":"a\\u0000b","message":{"text":"\\u0000"}}',
        '{"type":"message","timestamp":99999999999999999999999,"message":{"text":"\\ud83d"}}',
        '{"type":"x","timestamp":"soon","source":{"userId":{"a":1}},"webhookEventId":7}',
        '{"timestamp":-1e400,"source":[],"n":NaN}',
        '{"type":"' + "x" * 500 + '","source":{"type":"user","userId":"' + "U" * 500 + '"},"webhookEventId":""}',
        "3",
        "null",
        "[]",
        '"text"',
        "{}",
    ],
)
def test_a_damaged_event_is_kept_and_does_not_stop_the_others(
    api: TestClient, home: BrandHome, channel: Channel, damaged: str
) -> None:
    good = told("follow", make.line_user_id())
    assert call(api, channel, _raw(channel, damaged, orjson.dumps(good).decode())).status_code == 200
    rows = stored(home, channel)
    assert len(rows) == 2
    assert good["webhookEventId"] in {row.webhook_event_id for row in rows}
    now = datetime.now(UTC)
    assert all(abs(row.occurred_at - now) < timedelta(minutes=1) for row in rows)


def test_an_event_without_an_id_is_stored_once_too(api: TestClient, home: BrandHome, channel: Channel) -> None:
    event = told("message", make.line_user_id())
    del event["webhookEventId"]
    tell(api, channel, event)
    tell(api, channel, {**event, "deliveryContext": {"isRedelivery": True}})
    tell(api, channel, {**event, "timestamp": event["timestamp"] + 1})
    assert len(stored(home, channel)) == 2


def test_another_destination_is_kept(api: TestClient, home: BrandHome, channel: Channel) -> None:
    body = orjson.dumps({"destination": "U" + "0" * 32, "events": [told("follow", make.line_user_id())]})
    assert call(api, channel, body).status_code == 200
    assert len(stored(home, channel)) == 1


def test_a_changed_secret_counts_within_seconds(
    api: TestClient, home: BrandHome, keyring: Keyring, channel: Channel
) -> None:
    tell(api, channel, told("follow", make.line_user_id()))
    with home.open() as session:
        _change_secret(session, keyring, channel, "another")
    body = write_call(channel, told("follow", make.line_user_id()))
    until = time.monotonic() + 10
    while (status := call(api, channel, body, "another").status_code) == 401 and time.monotonic() < until:
        pass
    assert status == 200


def test_a_secret_that_does_not_open_is_our_trouble_and_not_lines(
    api: TestClient, home: BrandHome, keyring: Keyring
) -> None:
    with home.open() as session:
        account = make.line_account(session)
        session.commit()
    answer = api.post(f"/line/webhook/{encode_id('acc', account.id)}", content=b"{}", headers={"x-line-signature": "x"})
    assert answer.status_code == 503


def _change_secret(session: Any, keyring: Keyring, channel: Channel, secret: str) -> None:
    session.execute(
        text("UPDATE line_account SET sealed_secret = :sealed WHERE id = :id"),
        {"sealed": seal(session, keyring, channel, secret), "id": channel.id},
    )
    session.commit()


@pytest.fixture
def conninfo(urls: Urls) -> str:
    return async_conninfo(urls.app)


def _one(channel: Channel, body: str = "{}") -> Told:
    now_ms = int(time.time() * 1000)
    return Told(channel.brand_id, channel.id, uuid7().hex, "message", None, now_ms, body)


def test_one_poisoned_request_does_not_fail_those_that_share_its_commit(
    conninfo: str, home: BrandHome, channel: Channel
) -> None:
    async def append_together() -> list[Any]:
        async with _appender(conninfo) as appender:
            groups = [[_one(channel)], [_one(channel, "not json")], [_one(channel), _one(channel)]]
            return await asyncio.gather(*(appender.append(group) for group in groups), return_exceptions=True)

    first, poisoned, last = asyncio.run(append_together())
    assert (first, type(poisoned), last) == (None, Refused, None)
    assert len(stored(home, channel)) == 3


def test_intake_outlives_its_connections(conninfo: str, home: BrandHome, channel: Channel) -> None:
    async def append_around_a_cut() -> None:
        async with _appender(conninfo) as appender:
            await appender.append([_one(channel)])
            with psycopg.connect(conninfo, autocommit=True) as admin:
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", ["intake-cut"]
                )
            await appender.append([_one(channel)])

    asyncio.run(append_around_a_cut())
    assert len(stored(home, channel)) == 2


def test_what_cannot_be_stored_is_never_acknowledged(channel: Channel) -> None:
    async def append_without_a_database() -> None:
        async with _appender("postgresql://nobody@127.0.0.1:9/none", timeout=0.2) as appender:
            with pytest.raises(NotStored):
                await appender.append([_one(channel)])

    asyncio.run(append_without_a_database())


@asynccontextmanager
async def _appender(conninfo: str, timeout: float = 5) -> AsyncIterator[Appender]:
    kwargs = {"autocommit": True, "application_name": "intake-cut"}
    async with AsyncConnectionPool(conninfo, kwargs=kwargs, min_size=1, timeout=timeout, open=False) as pool:
        appender = Appender(pool)
        running = asyncio.create_task(appender.run())
        yield appender
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_accounts_that_do_not_exist_are_remembered(conninfo: str, keyring: Keyring) -> None:
    async def find_twice() -> int:
        async with AsyncConnectionPool(conninfo, min_size=1, kwargs={"autocommit": True}, open=False) as pool:
            accounts = Accounts(pool, keyring)
            unknown = uuid7()
            assert await accounts.find(unknown) is None
            asked = pool.get_stats()["requests_num"]
            assert await accounts.find(unknown) is None
            return int(pool.get_stats()["requests_num"] - asked)

    assert asyncio.run(find_twice()) == 0

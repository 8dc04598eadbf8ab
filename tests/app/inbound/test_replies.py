"""Answers by reply token: within the token's life and once, or a record of why not."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.customers.erasing.service import erase
from app.inbound.replies.deliver import Replier
from app.inbound.work import work_line_events
from app.settings import Settings
from tenants.ids import encode_id
from tenants.sealing import Keyring
from tests import make
from tests.app.inbound.calls import Channel, commit_channel, tell, told
from tests.app.inbound.stage import Chat, open_chat
from tests.app.line.answering import run_answering
from tests.app.sandbox.process import Shop
from tests.conftest import MASTER_KEYS, BrandHome
from tests.running import RunningSandbox

Work = Callable[..., float | None]


@pytest.fixture
def chat(home: BrandHome, keyring: Keyring, line_api: RunningSandbox, hands: Shop) -> Chat:
    return open_chat(home, keyring, line_api, hands)


@pytest.fixture
def work(engine: Engine, keyring: Keyring, settings: Settings, line_api: RunningSandbox) -> Work:
    """Work off an account's events, and then its answers; or only one of both."""
    reaching = Settings(database_url=settings.database_url, master_keys=MASTER_KEYS, line_api_url=line_api.url)

    def run(channel: Channel, *, events: bool = True, answers: bool = True, after_seconds: float = 0) -> float | None:
        now = datetime.now(UTC) + timedelta(seconds=after_seconds)
        if events:
            work_line_events(engine, keyring, reaching, channel.brand_id, channel.id, now)
        return asyncio.run(_answer(Replier(engine, keyring, reaching), channel)) if answers else None

    return run


async def _answer(replier: Replier, channel: Channel) -> float | None:
    again: float | None = 0.0
    while again == 0.0:
        again = await replier.work_lane(channel.brand_id, channel.id)
    replier.close()
    return again


def records(api: TestClient, home: BrandHome, channel: Channel, status: str | None = None) -> list[dict[str, Any]]:
    path = f"/v1/line-accounts/{encode_id('acc', channel.id)}/replies"
    answer = api.get(path, headers=home.headers, params={"status": status} if status else {})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def outcome(api: TestClient, home: BrandHome, channel: Channel) -> tuple[str, str | None, int]:
    (record,) = records(api, home, channel)
    return record["status"], record["reason"], record["attempts"]


def test_who_follows_is_greeted_by_her_name(api: TestClient, home: BrandHome, chat: Chat, work: Work) -> None:
    call = chat.act("follow")
    chat.pass_on(api, call)
    assert work(chat.channel) is None
    assert chat.inbox() == ["花子、ようこそ渋谷店へ"]
    (record,) = records(api, home, chat.channel, "sent")
    assert (record["webhook_event_id"], record["attempts"]) == (call.event["webhookEventId"], 1)
    assert record["settled_at"] is not None
    assert records(api, home, chat.channel, "failed") == []


def test_an_event_is_answered_once_however_often_it_comes(
    api: TestClient, home: BrandHome, chat: Chat, work: Work
) -> None:
    call = chat.act("follow")
    for _ in range(5):
        chat.pass_on(api, call)
        work(chat.channel)
    assert len(chat.inbox()) == 1
    assert outcome(api, home, chat.channel) == ("sent", None, 1)


def test_each_follow_is_answered(api: TestClient, home: BrandHome, chat: Chat, work: Work) -> None:
    for act in ("follow", "block", "unblock"):
        chat.pass_on(api, chat.act(act))
    work(chat.channel)
    assert len(chat.inbox()) == 2


def test_who_came_too_long_ago_is_not_greeted_but_noted(
    api: TestClient, home: BrandHome, chat: Chat, work: Work
) -> None:
    chat.pass_on(api, chat.act("follow"))
    work(chat.channel, after_seconds=51)
    assert outcome(api, home, chat.channel) == ("dropped", "too_late", 0)
    assert chat.inbox() == []


def test_an_answer_that_waited_too_long_is_dropped(api: TestClient, home: BrandHome, chat: Chat, work: Work) -> None:
    chat.pass_on(api, chat.act("follow"))
    work(chat.channel, answers=False)
    _change(home, "UPDATE line_reply SET expires_at = now()")
    work(chat.channel)
    assert outcome(api, home, chat.channel) == ("dropped", "too_late", 0)
    assert chat.inbox() == []


def test_in_standby_another_tool_answers(api: TestClient, home: BrandHome, chat: Chat, work: Work) -> None:
    tell(api, chat.channel, told("follow", make.line_user_id(), mode="standby", replyToken="0" * 32))
    tell(api, chat.channel, told("follow", make.line_user_id(), mode="standby"))
    work(chat.channel)
    assert records(api, home, chat.channel) == []


@pytest.mark.parametrize("greeting", [None, []])
def test_without_a_greeting_nobody_is_answered(
    api: TestClient, home: BrandHome, keyring: Keyring, work: Work, greeting: Any
) -> None:
    channel = commit_channel(home, keyring, greeting=greeting)
    tell(api, channel, told("follow", make.line_user_id(), replyToken="0" * 32))
    work(channel)
    assert records(api, home, channel) == []


def test_a_token_that_line_refuses_is_not_tried_again(
    api: TestClient, home: BrandHome, chat: Chat, work: Work, line_api: RunningSandbox
) -> None:
    tell(api, chat.channel, told("follow", make.line_user_id(), replyToken="0" * 32))
    for _ in range(3):
        assert work(chat.channel) is None
    assert outcome(api, home, chat.channel) == ("failed", "refused", 1)
    (record,) = records(api, home, chat.channel, "failed")
    assert record["detail"] == "Invalid reply token"


def test_an_answer_whose_fate_is_unknown_is_tried_again_and_never_given_twice(
    api: TestClient, home: BrandHome, chat: Chat, work: Work
) -> None:
    """The first attempt reached LINE, but the process died before it could write that down."""
    chat.pass_on(api, chat.act("follow"))
    work(chat.channel)
    _change(home, "UPDATE line_reply SET status = 'waiting', settled_at = NULL, messages = NULL")
    work(chat.channel)
    assert len(chat.inbox()) == 1
    assert outcome(api, home, chat.channel) == ("failed", "unclear", 2)


@pytest.mark.parametrize(
    ("fault", "waiting", "then"),
    [
        ({"status": 500}, "unclear", ("sent", None, 2)),
        ({"status": 429}, "slowed_down", ("sent", None, 2)),
        ({"status": 500, "after_accept": True}, "unclear", ("failed", "unclear", 2)),
        ({"drop": True, "after_accept": True}, "unclear", ("failed", "unclear", 2)),
    ],
)
def test_an_answer_that_line_did_not_confirm_is_tried_again_and_never_given_twice(
    api: TestClient,
    home: BrandHome,
    chat: Chat,
    work: Work,
    line_api: RunningSandbox,
    fault: dict[str, Any],
    waiting: str,
    then: tuple[str, str | None, int],
) -> None:
    chat.pass_on(api, chat.act("follow"))
    line_api.call("PUT", "/faults", {"faults": [{"endpoint": "/v2/bot/message/reply", "ratio": 1.0, **fault}]})
    try:
        assert work(chat.channel) == 1.0
    finally:
        line_api.call("PUT", "/faults", {"faults": []})
    assert outcome(api, home, chat.channel) == ("waiting", waiting, 1)
    assert work(chat.channel) is None
    assert outcome(api, home, chat.channel) == then
    assert len(chat.inbox()) == 1


def test_a_call_that_came_too_soon_was_not_taken(
    api: TestClient, home: BrandHome, engine: Engine, keyring: Keyring, settings: Settings
) -> None:
    channel = commit_channel(home, keyring, greeting=[{"type": "text", "text": "ようこそ"}])
    tell(api, channel, told("follow", make.line_user_id(), replyToken="0" * 32))
    with run_answering() as line:
        reaching = Settings(database_url=settings.database_url, master_keys=MASTER_KEYS, line_api_url=line.url)
        work_line_events(engine, keyring, reaching, channel.brand_id, channel.id, datetime.now(UTC))
        seen = []
        for status, message in ((429, b'{"message":"too fast"}'), (400, b'{"message":"Invalid reply token"}')):
            line.answers["/v2/bot/message/reply"] = status, message
            asyncio.run(_answer(Replier(engine, keyring, reaching), channel))
            seen.append(outcome(api, home, channel))
    assert seen == [("waiting", "slowed_down", 1), ("failed", "refused", 2)]


def test_who_is_erased_meanwhile_is_not_answered(api: TestClient, home: BrandHome, chat: Chat, work: Work) -> None:
    chat.pass_on(api, chat.act("follow"))
    work(chat.channel, answers=False)
    with home.open() as session:
        customer_id = session.execute(text("SELECT id FROM customer")).scalar_one()
        erase(session, customer_id, datetime.now(UTC))
        session.commit()
    work(chat.channel)
    assert outcome(api, home, chat.channel) == ("dropped", "erased", 0)
    assert chat.inbox() == []


def test_what_was_said_to_her_is_erased_with_her(api: TestClient, home: BrandHome, chat: Chat, work: Work) -> None:
    chat.pass_on(api, chat.act("follow"))
    work(chat.channel)
    with home.open() as session:
        said = session.execute(text("SELECT messages FROM line_reply")).scalar_one()
        erase(session, session.execute(text("SELECT id FROM customer")).scalar_one(), datetime.now(UTC))
        left = session.execute(text("SELECT messages FROM line_reply")).scalar_one()
    assert "花子" in orjson.dumps(said).decode()
    assert left is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE line_account SET archived_at = now()", "archived"),
        ("UPDATE line_account SET greeting = 'null'", "no_greeting"),
        ("UPDATE line_account SET mode = 'test'", "no_test_host"),
        (r"UPDATE line_account SET sealed_secret = '\x00'", "secret_shut"),
        ("UPDATE brand SET status = 'suspended'", "suspended"),
        (
            """UPDATE line_account SET greeting = '[{"type": "text", "text": "{{ coupon.cod }}"}]'""",
            "unrenderable",
        ),
    ],
)
def test_what_ends_an_answer_is_said(
    api: TestClient,
    home: BrandHome,
    engine: Engine,
    chat: Chat,
    work: Work,
    change: str,
    reason: str,
) -> None:
    chat.pass_on(api, chat.act("follow"))
    work(chat.channel, answers=False)
    _change(home, change)
    work(chat.channel)
    with home.open() as session:
        found = session.execute(text("SELECT status, reason FROM line_reply")).one()
    assert tuple(found) == ("dropped", reason)
    assert chat.inbox() == []


def test_events_of_an_archived_account_are_worked_off_without_an_answer(
    api: TestClient, home: BrandHome, chat: Chat, work: Work
) -> None:
    chat.pass_on(api, chat.act("follow"))
    _change(home, "UPDATE line_account SET archived_at = now()")
    work(chat.channel)
    with home.open() as session:
        assert session.execute(text("SELECT count(*) FROM friend")).scalar_one() == 1
        assert session.execute(text("SELECT count(*) FROM line_reply")).scalar_one() == 0


def test_a_burst_is_answered_side_by_side(
    api: TestClient, home: BrandHome, keyring: Keyring, chat: Chat, work: Work, line_api: RunningSandbox
) -> None:
    """Forty follows at once, more than one turn takes."""
    people = [line_api.call("POST", "/people", {"name": f"客{number}"})["id"] for number in range(40)]
    for person in people:
        chat.person = person
        chat.pass_on(api, chat.act("follow"))
    work(chat.channel)
    assert len(records(api, home, chat.channel, "sent")) == 40
    assert chat.inbox() == ["客39、ようこそ渋谷店へ"]


def _change(home: BrandHome, statement: str) -> None:
    with home.open() as session:
        session.execute(text(statement))
        session.commit()


def test_who_is_erased_while_line_is_asked_leaves_no_words_behind(
    api: TestClient, home: BrandHome, engine: Engine, keyring: Keyring, settings: Settings
) -> None:
    channel = commit_channel(
        home, keyring, greeting=[{"type": "text", "text": '{{ customer.name | default: "花子" }}'}]
    )
    tell(api, channel, told("follow", make.line_user_id(), replyToken="0" * 32))

    def erase_her(path: str) -> None:
        if path == "/v2/bot/message/reply":
            with home.open() as session:
                erase(session, session.execute(text("SELECT id FROM customer")).scalar_one(), datetime.now(UTC))
                session.commit()

    with run_answering() as line:
        line.answers["/v2/bot/message/reply"] = (200, b'{"sentMessages":[{"id":"1"}]}')
        line.watch = erase_her
        reaching = Settings(database_url=settings.database_url, master_keys=MASTER_KEYS, line_api_url=line.url)
        work_line_events(engine, keyring, reaching, channel.brand_id, channel.id, datetime.now(UTC))
        asyncio.run(_answer(Replier(engine, keyring, reaching), channel))
    with home.open() as session:
        found = session.execute(text("SELECT status, messages, detail FROM line_reply")).one()
    assert tuple(found) == ("sent", None, None)

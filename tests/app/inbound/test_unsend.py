"""What somebody takes back goes from everything that we keep of it, in whatever order the news comes."""

from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from app.settings import Settings
from tenants.sealing import Keyring
from tests import make
from tests.app.inbound.calls import Channel, commit_channel, tell, told, work_off_all
from tests.conftest import BrandHome

BASE = 1_795_230_000_000
WORDS = "やっぱり言わないで"


@pytest.fixture
def channel(home: BrandHome, keyring: Keyring) -> Channel:
    return commit_channel(home, keyring)


def said(user: str | None, message_id: str = "642012345678901234", at_ms: int = BASE, **more: Any) -> dict[str, Any]:
    message = {"type": "text", "id": message_id, "text": WORDS, "quoteToken": "q", "emojis": [{"productId": "1"}]}
    return told("message", user, at_ms, message=message, **more)


def taken_back(
    user: str | None, message_id: str = "642012345678901234", at_ms: int = BASE + 1, **more: Any
) -> dict[str, Any]:
    return told("unsend", user, at_ms, unsend={"messageId": message_id}, **more)


def bodies(home: BrandHome, channel: Channel) -> dict[str, Any]:
    """What is kept of each event that brought a message."""
    with home.open() as session:
        query = "SELECT webhook_event_id, body FROM line_event WHERE line_account_id = :id AND type LIKE 'message%'"
        return {row[0]: row[1] for row in session.execute(text(query), {"id": channel.id}).all()}


def everything(home: BrandHome) -> str:
    """All that the brand's events and timelines hold."""
    with home.open() as session:
        rows = [
            session.execute(text(f"SELECT {column} FROM {table}")).scalars().all()
            for table, column in (("line_event", "body"), ("event", "data"))
        ]
    return orjson.dumps(rows).decode()


def work(engine: Engine, keyring: Keyring, settings: Settings, channel: Channel) -> None:
    work_off_all(engine, keyring, settings, channel)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("in_between", [False, True])
def test_a_message_taken_back_is_gone(
    api: TestClient,
    home: BrandHome,
    engine: Engine,
    keyring: Keyring,
    settings: Settings,
    channel: Channel,
    late: bool,
    in_between: bool,
) -> None:
    user = make.line_user_id()
    message, news = said(user), taken_back(user)
    for event in (news, message) if late else (message, news):
        tell(api, channel, event)
        if in_between:
            work(engine, keyring, settings, channel)
    work(engine, keyring, settings, channel)
    assert WORDS not in everything(home)
    kept = bodies(home, channel)[message["webhookEventId"]]
    assert kept["message"] == {"id": message["message"]["id"], "type": "text"}
    assert kept["source"] == message["source"]
    with home.open() as session:
        fact = session.execute(text("SELECT data FROM event WHERE type = 'message.received'")).scalar_one()
    assert (fact["text"], fact["message_type"]) == (None, "text")


@pytest.mark.parametrize("user", [None, "U" + "a" * 32])
def test_in_a_group_too(
    api: TestClient,
    home: BrandHome,
    engine: Engine,
    keyring: Keyring,
    settings: Settings,
    channel: Channel,
    user: str | None,
) -> None:
    source = {"type": "group", "groupId": "C1", **({"userId": user} if user else {})}
    edited = {**said(None, source=source), "type": "messageEdited", "webhookEventId": "01MEDITED"}
    tell(api, channel, said(None, source=source), edited, taken_back(None, source=source))
    work(engine, keyring, settings, channel)
    assert WORDS not in everything(home)
    assert len(bodies(home, channel)) == 2


def test_nobody_elses_words_go(
    api: TestClient, home: BrandHome, engine: Engine, keyring: Keyring, settings: Settings, channel: Channel
) -> None:
    """Another message of hers, the same number at another account, and the same number of somebody else."""
    user, other = make.line_user_id(), commit_channel(home, keyring)
    others = said(user, "642012345678901235")
    tell(api, channel, said(user), others, taken_back(user))
    tell(api, other, said(user))
    for one in (channel, other):
        work(engine, keyring, settings, one)
    assert bodies(home, channel)[others["webhookEventId"]]["message"]["text"] == WORDS
    assert [body["message"]["text"] for body in bodies(home, other).values()] == [WORDS]


@pytest.mark.parametrize("unsend", [None, {}, [], "x", {"messageId": 7}, {"messageId": None}])
def test_odd_news_changes_nothing(
    api: TestClient,
    home: BrandHome,
    engine: Engine,
    keyring: Keyring,
    settings: Settings,
    channel: Channel,
    unsend: Any,
) -> None:
    user = make.line_user_id()
    tell(api, channel, said(user), told("unsend", user, BASE + 1, unsend=unsend))
    work(engine, keyring, settings, channel)
    assert WORDS in everything(home)


@given(data=st.data(), count=st.integers(1, 6))
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_whatever_the_order_exactly_what_was_taken_back_is_gone(
    api: TestClient, home: BrandHome, engine: Engine, keyring: Keyring, data: st.DataObject, count: int
) -> None:
    channel, user = commit_channel(home, keyring), make.line_user_id()
    messages = [said(user, str(642012345678900000 + number), BASE + number) for number in range(count)]
    gone = set(data.draw(st.lists(st.integers(0, count - 1), unique=True)))
    news = [taken_back(user, messages[number]["message"]["id"], BASE + 100 + number) for number in sorted(gone)]
    for event in data.draw(st.permutations([*messages, *news, *data.draw(st.lists(st.sampled_from(messages)))])):
        tell(api, channel, event)
        if data.draw(st.booleans()):
            work(engine, keyring, Settings(), channel)
    work(engine, keyring, Settings(), channel)
    kept = bodies(home, channel)
    left = {number for number in range(count) if "text" in kept[messages[number]["webhookEventId"]]["message"]}
    assert left == set(range(count)) - gone

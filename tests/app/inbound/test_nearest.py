"""Who sends her place is told the three nearest stores, and whether they are open."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, update

from app.customers.models import Identity
from app.inbound.models import LineForward
from app.inbound.replies.deliver import Replier
from app.inbound.replies.nearest import find_point, write_nearest
from app.inbound.work import work_line_events
from app.settings import Settings
from tenants.sealing import Keyring
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.app.inbound.stage import Chat, open_chat
from tests.app.sandbox.process import Shop
from tests.conftest import MASTER_KEYS, BrandHome
from tests.running import RunningSandbox

TOKYO = ZoneInfo("Asia/Tokyo")
NAGOYA_STATION = {"latitude": 35.1709, "longitude": 136.8815}
PLACES = {
    "栄店": (35.1700, 136.9084),
    "名駅店": (35.1728, 136.8841),
    "金山店": (35.1430, 136.9010),
    "笹島店": (35.1640, 136.8840),
}
OPEN: dict[str, Any] = {"exceptions": []}
CLOSED: dict[str, Any] = {"mon": []}
Work = Callable[..., None]


@pytest.fixture
def chat(home: BrandHome, keyring: Keyring, line_api: RunningSandbox, hands: Shop) -> Chat:
    """A friend of an account, and stores whose hours are as told at any time of the day."""
    chat = open_chat(home, keyring, line_api, hands, greeting=None)
    with home.open() as session:
        for name, (latitude, longitude) in PLACES.items():
            hours = CLOSED if name == "笹島店" else OPEN
            make.store(session, name=name, latitude=latitude, longitude=longitude, opening_hours=hours)
        session.commit()
    return chat


@pytest.fixture
def work(engine: Engine, keyring: Keyring, settings: Settings, line_api: RunningSandbox, api: TestClient) -> Work:
    """She sends her place, and it is worked off and answered."""
    reaching = Settings(database_url=settings.database_url, master_keys=MASTER_KEYS, line_api_url=line_api.url)

    async def answer(chat: Chat) -> None:
        replier = Replier(engine, keyring, reaching)
        while await replier.work_lane(chat.channel.brand_id, chat.channel.id) == 0.0:
            pass
        replier.close()

    def run(chat: Chat, **place: float) -> None:
        chat.pass_on(api, chat.act("location", **(place or NAGOYA_STATION)))
        work_line_events(engine, keyring, reaching, chat.channel.brand_id, chat.channel.id, datetime.now(UTC))
        asyncio.run(answer(chat))

    return run


def befriend(api: TestClient, chat: Chat) -> None:
    chat.pass_on(api, chat.act("follow"))


def shown(message: dict[str, Any]) -> list[list[str]]:
    """The texts of each store's card."""
    return [[row["text"] for row in bubble["body"]["contents"]] for bubble in message["contents"]["contents"]]


def test_the_three_nearest_stores_are_told_in_order_and_whether_they_are_open(
    api: TestClient, chat: Chat, work: Work
) -> None:
    befriend(api, chat)
    work(chat)
    [message] = chat.messages()
    cards = shown(message)
    assert [card[:3] for card in cards] == [
        ["名駅店", "営業中（24時間営業）", "約320m"],
        ["笹島店", "本日の営業は終了、または休業日です", "約800m"],
        ["栄店", "営業中（24時間営業）", "約2.4km"],
    ]
    links = [bubble["footer"]["contents"][0]["action"]["uri"] for bubble in message["contents"]["contents"]]
    assert links[0] == "https://www.google.com/maps/search/?api=1&query=35.172800%2C136.884100"
    assert message["altText"].startswith("お近くの店舗: 1. 名駅店 約320m 営業中 / 2. 笹島店 約800m 営業時間外")


def test_she_is_answered_in_english_where_line_says_that_she_reads_it(
    api: TestClient, home: BrandHome, chat: Chat, work: Work
) -> None:
    befriend(api, chat)
    work(chat)
    with home.open() as session:
        session.exec(update(Identity).values(language="en"))
        session.commit()
    work(chat)
    assert [card[1] for card in shown(chat.messages()[-1])] == ["Open 24 hours", "Closed for today", "Open 24 hours"]


@pytest.mark.parametrize(
    ("place", "said"), [((26.2, 127.7), "50km以内に店舗がありません"), ((51.5, -0.1), "日本国内の場所")]
)
def test_far_from_all_stores_she_gets_a_sentence(chat: Chat, work: Work, place: tuple[float, float], said: str) -> None:
    work(chat, latitude=place[0], longitude=place[1])
    [text] = chat.inbox()
    assert said in text


def test_a_brand_that_does_not_want_it_says_nothing(home: BrandHome, chat: Chat, work: Work, api: TestClient) -> None:
    off = api.patch("/v1/brand", json={"location_reply": False}, headers=home.headers)
    assert off.json()["location_reply"] is False
    work(chat)
    assert chat.messages() == []


def test_while_another_tool_gets_the_calls_it_answers(home: BrandHome, chat: Chat, work: Work) -> None:
    with home.open() as session:
        url, now = "https://tool.example.jp/line", utc_now()
        session.add(LineForward(line_account_id=chat.channel.id, url=url, active=True, created_at=now, updated_at=now))
        session.commit()
    work(chat)
    assert chat.messages() == []


def test_stores_without_a_place_are_not_told_of(
    home: BrandHome, keyring: Keyring, line_api: RunningSandbox, hands: Shop, work: Work
) -> None:
    chat = open_chat(home, keyring, line_api, hands, greeting=None)
    with home.open() as session:
        session.exec(update(Store).values(latitude=None, longitude=None))
        session.commit()
    work(chat)
    assert chat.messages() == []


def at(clock: str) -> datetime:
    hour, minute = clock.split(":")
    return datetime(2026, 11, 20, tzinfo=TOKYO) + timedelta(hours=int(hour), minutes=int(minute))


@pytest.mark.parametrize(
    ("now", "status"),
    [
        ("10:00", "営業時間外（11:00から）"),
        ("11:00", "営業中（15:00まで）"),
        ("15:00", "営業時間外（17:00から）"),
        ("25:59", "営業中（翌2:00まで）"),
        ("26:00", "本日の営業は終了、または休業日です"),
    ],
)
def test_hours_may_have_a_break_and_pass_midnight(session: ScopedSession, now: str, status: str) -> None:
    hours = {"fri": [["11:00", "15:00"], ["17:00", "26:00"]]}
    make.store(session, name="夜の店", latitude=35.0, longitude=139.0, opening_hours=hours)
    [message] = write_nearest(session, (35.0, 139.0), language="ja", zone=TOKYO, now=at(now))
    [card] = shown(message)
    assert card[1] == status
    assert now == "26:00" or card[3] == "本日 11:00–15:00、17:00–翌2:00"


def test_of_a_store_that_has_stated_no_hours_it_is_not_said_that_it_is_open(session: ScopedSession) -> None:
    make.store(session, name="店", latitude=35.0, longitude=139.0, opening_hours=None)
    [message] = write_nearest(session, (35.0, 139.0), language=None, zone=TOKYO, now=at("12:00"))
    [card] = shown(message)
    assert card == ["店", "営業時間は店舗へご確認ください", "約10m"]


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"latitude": "35", "longitude": 139},
        {"latitude": 91, "longitude": 0},
        {"latitude": True, "longitude": 0},
        {"latitude": float("nan"), "longitude": 0},
    ],
)
def test_what_is_no_place_is_none(message: dict[str, Any]) -> None:
    assert find_point(message) is None

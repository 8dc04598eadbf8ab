"""The welcome: one for each person who comes to the brand, whichever store she follows first."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import col, select

from app.coupons import queries
from app.coupons.models import Coupon, IssuedCoupon
from app.inbound.replies.deliver import Replier
from app.inbound.work import work_line_events
from app.settings import Settings
from tenants.ids import encode_id
from tenants.sealing import Keyring
from tests import make
from tests.app.inbound.calls import Channel, commit_channel, tell, told
from tests.app.inbound.stage import Chat, open_chat
from tests.app.sandbox.process import Shop
from tests.conftest import MASTER_KEYS, BrandHome
from tests.running import RunningSandbox

WORDS = [{"type": "text", "text": "{{ store.name }}へようこそ {{ coupon.name }} {{ coupon.code }} {{ coupon.url }}"}]
Work = Callable[[Channel], None]


@pytest.fixture
def work(engine: Engine, keyring: Keyring, settings: Settings, line_api: RunningSandbox) -> Work:
    """Work off an account's events, and then its answers."""
    reaching = Settings(database_url=settings.database_url, master_keys=MASTER_KEYS, line_api_url=line_api.url)

    def run(channel: Channel) -> None:
        work_line_events(engine, keyring, reaching, channel.brand_id, channel.id, datetime.now(UTC))
        asyncio.run(_answer(Replier(engine, keyring, reaching), channel))

    return run


async def _answer(replier: Replier, channel: Channel) -> None:
    while await replier.work_lane(channel.brand_id, channel.id) == 0.0:
        pass
    replier.close()


def give_welcome(home: BrandHome, **changes: Any) -> Coupon:
    """A committed coupon that newcomers are given."""
    with home.open() as session:
        coupon = make.coupon(session, name="はじめての方へ", occasion="welcome", **changes)
        session.commit()
    return coupon


def copies(home: BrandHome) -> Sequence[IssuedCoupon]:
    with home.open() as session:
        return session.exec(select(IssuedCoupon).order_by(col(IssuedCoupon.id))).all()


def do(api: TestClient, work: Work, chat: Chat, *acts: str) -> None:
    """She does these things, one after the other, and each is worked off."""
    for act in acts:
        chat.pass_on(api, chat.act(act))
        work(chat.channel)


def test_who_follows_five_stores_and_blocks_and_comes_back_gets_one_welcome(
    api: TestClient, home: BrandHome, keyring: Keyring, line_api: RunningSandbox, hands: Shop, work: Work
) -> None:
    coupon = give_welcome(home, welcome_messages=WORDS)
    first = open_chat(home, keyring, line_api, hands)
    do(api, work, first, "follow")
    [copy] = copies(home)
    assert first.inbox() == [
        f"渋谷店へようこそ はじめての方へ {copy.code} http://127.0.0.1:8000/liff/coupons/{encode_id('cpn', coupon.id)}"
    ]
    assert (copy.account_no, copy.source[:8]) == (first.channel.no, "welcome:")
    assert copy.store_no is not None
    for _ in range(4):
        other = open_chat(home, keyring, line_api, hands)
        do(api, work, replace(other, person=first.person), "follow")
    do(api, work, first, "block", "unblock")
    assert [one.id for one in copies(home)] == [copy.id]
    assert first.inbox()[1:] == ["花子、ようこそ渋谷店へ"] * 5


def test_an_event_that_comes_again_gives_nothing_more(
    api: TestClient, home: BrandHome, keyring: Keyring, work: Work
) -> None:
    give_welcome(home)
    channel = commit_channel(home, keyring)
    event = told("follow", make.line_user_id())
    for _ in range(3):
        tell(api, channel, event)
        work(channel)
    assert len(copies(home)) == 1


def test_several_who_come_at_once_get_one_each(api: TestClient, home: BrandHome, keyring: Keyring, work: Work) -> None:
    coupon = give_welcome(home)
    channel = commit_channel(home, keyring)
    tell(api, channel, *(told("follow", make.line_user_id()) for _ in range(5)))
    work(channel)
    assert len({copy.customer_id for copy in copies(home)}) == 5
    with home.open() as session:
        assert queries.get_tally(session, coupon.id).issued == 5


def test_who_has_only_written_is_new_when_she_follows(
    api: TestClient, home: BrandHome, keyring: Keyring, work: Work
) -> None:
    give_welcome(home)
    channel, she = commit_channel(home, keyring), make.line_user_id()
    tell(api, channel, told("message", she))
    work(channel)
    assert not copies(home)
    tell(api, channel, told("follow", she))
    work(channel)
    assert len(copies(home)) == 1


def test_who_was_a_friend_before_us_is_not_new(api: TestClient, home: BrandHome, keyring: Keyring, work: Work) -> None:
    give_welcome(home)
    channel, she = commit_channel(home, keyring), make.line_user_id()
    tell(api, channel, told("follow", make.line_user_id(), follow={"isUnblocked": True}))
    tell(api, channel, told("unfollow", she))
    work(channel)
    tell(api, channel, told("follow", she))
    work(channel)
    assert not copies(home)


def test_the_newest_welcome_is_given_and_an_older_one_counts(
    api: TestClient, home: BrandHome, keyring: Keyring, work: Work
) -> None:
    older, channel = give_welcome(home), commit_channel(home, keyring)
    tell(api, channel, told("follow", make.line_user_id()))
    work(channel)
    newer = give_welcome(home)
    tell(api, channel, told("follow", make.line_user_id()))
    work(channel)
    assert [copy.coupon_id for copy in copies(home)] == [older.id, newer.id]


def test_once_no_more_may_be_given_she_is_greeted_without(
    api: TestClient, home: BrandHome, keyring: Keyring, line_api: RunningSandbox, hands: Shop, work: Work
) -> None:
    give_welcome(home, welcome_messages=WORDS, limits={"total": 1})
    do(api, work, open_chat(home, keyring, line_api, hands), "follow")
    late = open_chat(home, keyring, line_api, hands, name="次郎")
    do(api, work, late, "follow")
    assert late.inbox() == ["次郎、ようこそ渋谷店へ"]
    assert len(copies(home)) == 1


def test_an_account_without_a_greeting_answers_newcomers_only(
    api: TestClient, home: BrandHome, keyring: Keyring, line_api: RunningSandbox, hands: Shop, work: Work
) -> None:
    give_welcome(home, welcome_messages=WORDS)
    chat = open_chat(home, keyring, line_api, hands, greeting=None)
    do(api, work, chat, "follow", "block", "unblock")
    assert len(chat.inbox()) == 1

"""Profiles read anew: politely, and telling who is gone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from app.customers.models import Customer, Friend, Identity
from app.customers.profiles import FRESH_FOR, MISSED_AGAIN_AFTER, MOST_OF_ACCOUNT, is_any_due
from app.customers.tasks import refresh_profiles
from app.jobs.queue import Work
from app.settings import Settings
from tenants.ids import uuid7
from tenants.line_accounts.models import LineAccount
from tenants.sealing import Keyring
from tests import make
from tests.app.inbound.calls import open_channel
from tests.app.line.answering import Answering, run_answering
from tests.conftest import BrandHome

NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
LONG_AGO = NOON - FRESH_FOR - timedelta(days=1)


@pytest.fixture
def line() -> Iterator[Answering]:
    """A server in LINE's place."""
    with run_answering() as answering:
        yield answering


@dataclass
class Shop:
    """A brand whose profiles are read anew at a server of the test's own."""

    home: BrandHome
    line: Answering
    engine: Engine
    keyring: Keyring
    settings: Settings

    def account(self, friends: int, *, asked_at: datetime | None = LONG_AGO) -> list[str]:
        """The LINE user ids of an account's friends."""
        with self.home.open() as session:
            channel = open_channel(session, self.keyring, make.store(session), channel_id=f"16{uuid7().int % 10**12}")
            account = session.get_one(LineAccount, (self.home.scope.brand_id, channel.id))
            user_ids = [make.line_user_id() for _ in range(friends)]
            for user_id in user_ids:
                make.friend(session, account, line_user_id=user_id, asked_at=asked_at, changed_at=LONG_AGO)
            session.commit()
        return user_ids

    def show(self, user_id: str, name: str) -> None:
        """Have LINE show a profile."""
        profile = {"userId": user_id, "displayName": name, "pictureUrl": "https://example.jp/2"}
        self.line.answers[f"/v2/bot/profile/{user_id}"] = (200, orjson.dumps(profile))

    def refresh(self, now: datetime = NOON) -> list[str]:
        """Read profiles anew; the LINE user ids that LINE was asked for."""
        before = len(self.line.calls)
        there = self.settings.model_copy(update={"line_api_url": self.line.url})
        refresh_profiles(Work(self.engine, self.keyring, there, now, self.home.scope.brand_id))
        paths = [path for _, path, _ in self.line.calls[before:]]
        return [path.rpartition("/")[2] for path in paths if path.startswith("/v2/bot/profile/")]

    def friend(self, user_id: str) -> tuple[Friend, Identity, Customer]:
        """Everything of a friend."""
        with self.home.open() as session:
            identity = session.exec(select(Identity).where(col(Identity.line_user_id) == user_id)).one()
            friend = session.exec(select(Friend).where(col(Friend.identity_id) == identity.id)).one()
            return friend, identity, session.exec(select(Customer).where(col(Customer.id) == friend.customer_id)).one()

    def is_due(self, now: datetime = NOON) -> bool:
        with self.home.open() as session:
            return is_any_due(session, now)


@pytest.fixture
def shop(home: BrandHome, line: Answering, engine: Engine, keyring: Keyring, settings: Settings) -> Shop:
    """A brand, and LINE."""
    return Shop(home, line, engine, keyring, settings)


def test_a_profile_a_month_old_is_read_anew_and_then_left_for_a_month(shop: Shop) -> None:
    [user_id] = shop.account(1)
    shop.show(user_id, "はなこ")
    assert shop.refresh() == [user_id]
    _, identity, customer = shop.friend(user_id)
    assert (identity.display_name, identity.picture_url) == ("はなこ", "https://example.jp/2")
    assert identity.profile_at == customer.updated_at == NOON
    assert shop.refresh(NOON + FRESH_FOR) == []
    assert shop.refresh(NOON + FRESH_FOR + timedelta(seconds=1)) == [user_id]


def test_a_friend_of_whom_nobody_asked_yet_is_due_and_one_who_blocks_is_not(shop: Shop) -> None:
    assert not shop.is_due()
    shop.account(1, asked_at=None)
    assert shop.is_due()
    with shop.home.open() as session:
        session.exec(select(Friend)).one().status = "blocked"
        session.commit()
    assert not shop.is_due()
    assert shop.refresh() == []


def test_few_of_each_account_are_asked_for_at_a_time(shop: Shop) -> None:
    large, small = shop.account(MOST_OF_ACCOUNT + 5), shop.account(2)
    for user_id in large + small:
        shop.show(user_id, "客")
    first = shop.refresh()
    assert len(set(first)) == len(first) == MOST_OF_ACCOUNT + 2
    assert set(small) <= set(first[:4])
    assert len(shop.refresh()) == 5
    assert not shop.is_due()


@pytest.mark.parametrize("status", [429, 500, 403])
def test_an_account_that_line_does_not_answer_well_stops_and_others_go_on(shop: Shop, status: int) -> None:
    troubled, untroubled = shop.account(3), shop.account(3)
    for user_id in troubled:
        shop.line.answers[f"/v2/bot/profile/{user_id}"] = (status, b"{}")
    for user_id in untroubled:
        shop.show(user_id, "客")
    asked = shop.refresh()
    assert len(set(asked) & set(troubled)) == 1
    assert set(untroubled) <= set(asked)
    assert all(shop.friend(user_id)[0].asked_at == LONG_AGO for user_id in troubled)


def test_one_bad_id_holds_up_nobody(shop: Shop) -> None:
    bad, good = shop.account(2)
    shop.line.answers[f"/v2/bot/profile/{bad}"] = (400, b"{}")
    shop.show(good, "客")
    assert set(shop.refresh()) == {bad, good}
    assert shop.refresh() == []


def test_who_is_missing_twice_a_day_apart_is_reached_no_more(shop: Shop) -> None:
    [user_id] = shop.account(1)
    shop.refresh()
    friend, _, customer = shop.friend(user_id)
    assert (friend.status, friend.missing_at, customer.account_nos) == ("following", NOON, [friend.account_no])
    assert shop.refresh(NOON + MISSED_AGAIN_AFTER) == []
    later = NOON + MISSED_AGAIN_AFTER + timedelta(minutes=1)
    assert shop.refresh(later) == [user_id]
    friend, _, customer = shop.friend(user_id)
    assert (friend.status, friend.changed_at, customer.account_nos) == ("unknown", later, [])
    assert shop.refresh(later + FRESH_FOR * 2) == []


def test_who_was_missing_by_mistake_stays(shop: Shop) -> None:
    [user_id] = shop.account(1)
    shop.refresh()
    shop.show(user_id, "はなこ")
    assert shop.refresh(NOON + MISSED_AGAIN_AFTER + timedelta(minutes=1)) == [user_id]
    friend, _, customer = shop.friend(user_id)
    assert (friend.status, friend.missing_at, customer.account_nos) == ("following", None, [friend.account_no])


def test_an_account_in_test_mode_without_a_test_host_is_let_be(shop: Shop) -> None:
    shop.account(1)
    with shop.home.open() as session:
        session.exec(select(LineAccount)).one().mode = "test"
        session.commit()
    assert shop.refresh() == []

"""A friendship is tied to one code, once, in whatever order things become known."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import col, select

from app.customers.backfill import import_followers
from app.customers.models import Customer, Friend
from app.events.models import Event
from app.qr_codes import queries
from app.qr_codes.models import QrCode, QrScan
from app.qr_codes.tying import identify
from app.settings import Settings
from tenants.line_accounts.models import LineAccount
from tenants.sealing import Keyring
from tests import make
from tests.app.inbound.calls import Channel, open_channel, tell, told, work_off_all
from tests.conftest import BrandHome

NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@dataclass
class Counter:
    """An account with two codes at a store's counter, and one person; moments are minutes after noon."""

    home: BrandHome
    api: TestClient
    work: Callable[[], None]
    channel: Channel
    codes: list[QrCode]
    user_id: str = field(default_factory=make.line_user_id)

    def visit(self, minute: float, code: int = 0) -> UUID:
        """She scans a code and goes to LINE Login."""
        with self.home.open() as session:
            scan = QrScan(
                qr_code_id=self.codes[code].id,
                line_account_id=self.channel.id,
                provider_id="provider-1",
                created_at=at(minute),
            )
            session.add(scan)
            session.flush()
            scan_id = scan.id
            session.commit()
        return scan_id

    def come_back(self, scan_id: UUID, minute: float) -> None:
        """Her browser comes back from there."""
        with self.home.open() as session:
            identify(session, scan_id, self.user_id, at(minute))
            session.commit()

    def scan(self, minute: float, code: int = 0) -> None:
        """Both, within a minute."""
        self.come_back(self.visit(minute, code), minute + 1)

    def tell(self, kind: str, minute: float, **more: Any) -> None:
        """LINE tells that she follows or blocks, and it is worked off."""
        tell(self.api, self.channel, told(kind, self.user_id, int(at(minute).timestamp() * 1000), **more))
        self.work()

    def unblock(self, minute: float) -> None:
        """She unblocks the account."""
        self.tell("follow", minute, follow={"isUnblocked": True})

    def source(self) -> str | int | None:
        """The number of the code that she came by, or what else is known."""
        with self.home.open() as session:
            friend = session.exec(select(Friend).where(col(Friend.line_account_id) == self.channel.id)).one()
        numbers = {code.id: no for no, code in enumerate(self.codes)}
        return numbers[friend.qr_code_id] if friend.qr_code_id else friend.source

    def friends(self) -> list[int]:
        """How many came by each code."""
        with self.home.open() as session:
            codes = [queries.get_code(session, code.id) for code in self.codes]
            counted = queries.count_of(session, codes)
            return [counted[code.id].friends for code in codes]

    def count_facts(self) -> int:
        """How often it was told where she comes from."""
        with self.home.open() as session:
            return len(session.exec(select(Event.id).where(col(Event.type) == "friend.sourced")).all())


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


@pytest.fixture
def counter(home: BrandHome, api: TestClient, engine: Engine, keyring: Keyring, settings: Settings) -> Counter:
    with home.open() as session:
        session.expire_on_commit = False
        store = make.store(session)
        channel = open_channel(session, keyring, store)
        account = session.exec(select(LineAccount).where(col(LineAccount.id) == channel.id)).one()
        codes = [make.qr_code(session, account, store), make.qr_code(session, account)]
        session.commit()
    return Counter(home, api, lambda: work_off_all(engine, keyring, settings, channel), channel, codes)


def test_the_last_scan_before_the_follow_counts(counter: Counter) -> None:
    counter.scan(0, code=0)
    counter.scan(10, code=1)
    counter.tell("follow", 20)
    counter.scan(30, code=0)
    assert counter.source() == 1
    assert counter.friends() == [0, 1]
    assert counter.count_facts() == 1


def test_a_scan_after_the_follow_counts_for_nothing(counter: Counter) -> None:
    counter.tell("follow", 0)
    counter.scan(5)
    assert counter.source() == "follow"


def test_a_scan_of_the_day_before_yesterday_counts_for_nothing(counter: Counter) -> None:
    counter.scan(0)
    counter.tell("follow", 24 * 60 + 1)
    assert counter.source() == "follow"


def test_the_scan_of_a_day_ago_still_counts(counter: Counter) -> None:
    counter.scan(0)
    counter.tell("follow", 24 * 60)
    assert counter.source() == 0


def test_clocks_that_differ_by_seconds_untie_nobody(counter: Counter) -> None:
    counter.scan(0.4)
    counter.tell("follow", 0)
    assert counter.source() == 0


def test_unblocking_does_not_change_where_she_came_from(counter: Counter) -> None:
    counter.scan(0, code=0)
    counter.tell("follow", 1)
    counter.tell("unfollow", 5)
    counter.scan(8, code=1)
    counter.unblock(10)
    assert counter.source() == 0
    assert counter.friends() == [1, 0]


def test_unblocking_is_not_how_she_became_a_friend(counter: Counter) -> None:
    counter.tell("follow", 0)
    counter.tell("unfollow", 5)
    counter.scan(8)
    counter.unblock(10)
    assert counter.source() == "follow"


def test_a_follow_after_a_block_is_none_though_line_calls_it_one(counter: Counter) -> None:
    counter.tell("unfollow", 0)
    counter.scan(8)
    counter.tell("follow", 10)
    assert counter.source() == "unknown"


def test_who_wrote_before_she_followed_is_tied(counter: Counter) -> None:
    counter.tell("message", 0)
    counter.scan(5)
    counter.tell("follow", 6)
    assert counter.source() == 0


def test_who_was_in_lines_list_of_friends_was_a_friend_before(counter: Counter) -> None:
    with counter.home.open() as session:
        import_followers(session, counter.channel.id, [counter.user_id], at(0))
        session.commit()
    counter.scan(5)
    counter.tell("follow", 6)
    assert counter.source() == "backfill"


def test_another_persons_scan_and_another_accounts_do_not_count(counter: Counter) -> None:
    with counter.home.open() as session:
        other = make.line_account(session)
        code = make.qr_code(session, other)
        session.add(
            QrScan(
                qr_code_id=code.id,
                line_account_id=other.id,
                provider_id="provider-1",
                created_at=at(0),
                line_user_id=counter.user_id,
                identified_at=at(1),
            )
        )
        session.commit()
    mine, counter.user_id = counter.user_id, make.line_user_id()
    counter.scan(0)
    counter.user_id = mine
    counter.tell("follow", 2)
    assert counter.source() == "follow"


def test_a_scan_has_one_person_whoever_comes_back_with_it(counter: Counter) -> None:
    scan_id = counter.visit(0)
    mine, counter.user_id = counter.user_id, make.line_user_id()
    counter.come_back(scan_id, 1)
    counter.user_id = mine
    counter.come_back(scan_id, 2)
    counter.tell("follow", 3)
    assert counter.source() == "follow"


@pytest.mark.parametrize("comes_back_first", [True, False])
def test_who_may_not_be_joined_is_tied_as_the_customer_that_she_is_here(
    counter: Counter, comes_back_first: bool
) -> None:
    """She is known at another account, and the brand has stated no basis: here she is somebody of her own."""
    from tenants.brands.models import Brand

    with counter.home.open() as session:
        session.exec(select(Brand)).one().joining_basis = None
        make.friend(session, make.line_account(session), line_user_id=counter.user_id)
        session.commit()
    scan_id = counter.visit(0)
    if comes_back_first:
        counter.come_back(scan_id, 1)
    counter.tell("follow", 2)
    if not comes_back_first:
        counter.come_back(scan_id, 3)
    assert sum(counter.friends()) == 1
    with counter.home.open() as session:
        assert len(session.exec(select(Customer.id)).all()) == 2


@pytest.mark.parametrize("seed", range(12))
def test_in_whatever_order_it_becomes_known_there_is_one_tie_to_a_scan_before_the_follow(
    counter: Counter, seed: int
) -> None:
    draw = random.Random(seed)
    scans = [(minute, draw.randrange(2)) for minute in draw.sample(range(0, 40), 3)]
    followed = draw.randrange(10, 50)
    ids = [counter.visit(minute, code) for minute, code in scans]
    steps: list[Callable[[], None]] = [
        *(
            lambda one=one, minute=minute: counter.come_back(one, minute + 5)
            for one, (minute, _) in zip(ids, scans, strict=True)
        ),
        lambda: counter.tell("follow", followed),
        lambda: counter.tell("unfollow", followed + 3),
        lambda: counter.unblock(followed + 6),
    ]
    draw.shuffle(steps)
    for step in steps:
        step()
    before = [code for minute, code in scans if minute <= followed]
    assert sum(counter.friends()) == counter.count_facts() == (1 if before else 0)
    assert counter.source() in (set(before) if before else {"follow", "unknown"})


@pytest.mark.parametrize("round_", range(6))
def test_webhook_and_browser_at_the_same_moment_make_one_tie(counter: Counter, round_: int) -> None:
    ids = [counter.visit(0, code=0), counter.visit(1, code=1)]
    follow = told("follow", counter.user_id, int(at(2).timestamp() * 1000))
    tell(counter.api, counter.channel, follow)
    starts = Barrier(4)

    def together(act: Callable[[], None]) -> None:
        starts.wait(60)
        act()

    acts = [counter.work, *(lambda one=one: counter.come_back(one, 3) for one in (*ids, ids[1]))]
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(together, act) for act in acts]:
            done.result(60)
    assert sum(counter.friends()) == counter.count_facts() == 1
    assert counter.source() in (0, 1)

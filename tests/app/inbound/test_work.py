"""Working off LINE's events: people, friends and facts, whatever the order and however often."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlmodel import col, select

from app.customers.erasing.service import erase
from app.customers.models import Customer, CustomerStore, Friend, Identity
from app.events.models import Event
from app.inbound.work import work_off
from app.settings import Settings
from tenants.brands.models import Brand
from tenants.ids import encode_id
from tenants.line_accounts.models import LineAccount
from tenants.sealing import Keyring
from tenants.session import ScopedSession
from tests import make
from tests.app.inbound.calls import (
    NOW,
    Channel,
    call,
    commit_channel,
    count,
    open_channel,
    stored,
    tell,
    told,
    work_off_all,
    write_call,
)
from tests.conftest import BrandHome

BASE = 1_795_230_000_000
KINDS = ["follow", "message", "unfollow"]


class Line:
    """LINE and the worker, for one brand."""

    def __init__(self, api: TestClient, engine: Engine, keyring: Keyring, settings: Settings, home: BrandHome) -> None:
        self.api, self.engine, self.keyring, self.settings, self.home = api, engine, keyring, settings, home

    def channel(self, **changes: Any) -> Channel:
        return commit_channel(self.home, self.keyring, **changes)

    def tell(self, channel: Channel, *events: Any) -> None:
        tell(self.api, channel, *events)
        self.work(channel)

    def work(self, channel: Channel) -> None:
        work_off_all(self.engine, self.keyring, self.settings, channel)

    def friends(self, session: ScopedSession) -> dict[int, str]:
        return {row.account_no: row.status for row in session.exec(select(Friend)).all()}


@pytest.fixture
def line(api: TestClient, engine: Engine, keyring: Keyring, settings: Settings, home: BrandHome) -> Line:
    return Line(api, engine, keyring, settings, home)


def test_a_follow_makes_a_customer_and_a_friend(line: Line) -> None:
    channel, user = line.channel(), make.line_user_id()
    line.tell(channel, told("follow", user, BASE))
    with line.home.open() as session:
        customer = session.exec(select(Customer)).one()
        friend = session.exec(select(Friend)).one()
        identity = session.exec(select(Identity)).one()
        tie = session.exec(select(CustomerStore)).one()
    assert (identity.line_user_id, identity.customer_id) == (user, customer.id)
    assert (friend.status, friend.source, friend.customer_id) == ("following", "follow", customer.id)
    assert (customer.account_nos, customer.store_nos) == ([channel.no], [tie.store_no])
    assert friend.followed_at is not None
    assert friend.followed_at.timestamp() * 1000 == BASE


def test_facts_are_recorded_once_with_store_and_account(line: Line) -> None:
    channel, user = line.channel(), make.line_user_id()
    event = told("follow", user, BASE)
    for _ in range(3):
        line.tell(channel, event)
    line.tell(
        channel, told("message", user, BASE + 1), told("postback", user, BASE + 2), told("unfollow", user, BASE + 3)
    )
    with line.home.open() as session:
        facts = session.exec(select(Event).order_by(col(Event.id))).all()
        store_no = session.exec(select(CustomerStore.store_no)).one()
    types = ["customer.created", "friend.followed", "message.received", "message.received", "friend.blocked"]
    assert [fact.type for fact in facts] == types
    assert {(fact.store_no, fact.account_no) for fact in facts} == {(store_no, channel.no)}
    assert facts[1].data["webhook_event_id"] == event["webhookEventId"]
    assert facts[2].data["text"] == "こんにちは"
    assert facts[3].data["postback_data"] == "action=join"


def test_one_person_at_two_accounts_of_a_provider_is_one_customer_with_two_friends(line: Line) -> None:
    a, b, user = line.channel(), line.channel(), make.line_user_id()
    line.tell(a, told("follow", user, BASE))
    line.tell(b, told("follow", user, BASE + 1))
    line.tell(b, told("unfollow", user, BASE + 2))
    with line.home.open() as session:
        customer = session.exec(select(Customer)).one()
        assert line.friends(session) == {a.no: "following", b.no: "blocked"}
    assert customer.account_nos == [a.no]
    assert len(customer.store_nos) == 2


def test_one_user_id_at_two_providers_is_two_customers(line: Line) -> None:
    a, b, user = line.channel(), line.channel(provider_id="provider-2"), make.line_user_id()
    line.tell(a, told("follow", user))
    line.tell(b, told("follow", user))
    with line.home.open() as session:
        assert count(session, "customer") == 2


def without_basis(line: Line) -> None:
    with line.home.open() as session:
        session.exec(select(Brand)).one().joining_basis = None
        session.commit()


def test_without_a_basis_a_second_account_has_a_customer_of_its_own(line: Line) -> None:
    without_basis(line)
    a, b, user = line.channel(), line.channel(), make.line_user_id()
    line.tell(a, told("follow", user, BASE), told("message", user, BASE + 1))
    line.tell(b, told("follow", user, BASE + 2), told("message", user, BASE + 3))
    line.tell(b, told("unfollow", user, BASE + 4))
    with line.home.open() as session:
        assert line.friends(session) == {a.no: "following", b.no: "blocked"}
        ties = session.exec(select(Friend.account_no, Friend.customer_id)).all()
        identities = session.exec(select(Identity.account_no, Identity.customer_id)).all()
    assert len({customer_id for _, customer_id in ties}) == 2
    assert dict(identities) == {None: dict(ties)[a.no], b.no: dict(ties)[b.no]}
    assert [row.trouble for row in stored(line.home, b)] == [None] * 3


def test_what_was_joined_stays_joined_when_the_basis_is_withdrawn(line: Line) -> None:
    a, b, c, user = line.channel(), line.channel(), line.channel(), make.line_user_id()
    line.tell(a, told("follow", user, BASE))
    line.tell(b, told("follow", user, BASE + 1))
    without_basis(line)
    line.tell(b, told("message", user, BASE + 2))
    line.tell(c, told("follow", user, BASE + 3))
    with line.home.open() as session:
        ties = dict(session.exec(select(Friend.account_no, Friend.customer_id)).all())
    assert ties[a.no] == ties[b.no] != ties[c.no]


def test_a_stranger_who_writes_is_known_but_not_reached(line: Line) -> None:
    channel = line.channel()
    line.tell(channel, told("message", make.line_user_id()))
    with line.home.open() as session:
        friend = session.exec(select(Friend)).one()
        customer = session.exec(select(Customer)).one()
    assert (friend.status, friend.source, friend.followed_at) == ("unknown", "message", None)
    assert customer.account_nos == []


def test_a_late_follow_makes_a_stranger_a_friend(line: Line) -> None:
    channel, user = line.channel(), make.line_user_id()
    line.tell(channel, told("message", user, BASE + 10))
    line.tell(channel, told("follow", user, BASE))
    with line.home.open() as session:
        friend = session.exec(select(Friend)).one()
    assert (friend.status, friend.source) == ("following", "follow")


@pytest.mark.parametrize(
    "event",
    [
        told("follow", None),
        told("follow", "U123"),
        told("message", "U" + "g" * 32),
        told("message", make.line_user_id(), source={"type": "group", "groupId": "C1", "userId": make.line_user_id()}),
        told("somethingNew", make.line_user_id()),
        told("beacon", make.line_user_id(), beacon={"hwid": "1", "type": "enter"}),
        {"type": 7},
        3,
    ],
)
def test_what_names_no_friend_is_worked_off_and_kept(line: Line, event: Any) -> None:
    channel = line.channel()
    line.tell(channel, event)
    (row,) = stored(line.home, channel)
    assert row.worked_at is not None
    assert row.trouble is None
    with line.home.open() as session:
        assert count(session, "customer") == 0


@pytest.mark.parametrize(
    "event",
    [
        told("message", make.line_user_id(), message="text"),
        told("message", make.line_user_id(), message={"type": 1, "text": ["x"]}),
        told("postback", make.line_user_id(), postback=None),
        told("follow", make.line_user_id(), follow=[]),
        told("follow", make.line_user_id(), mode="standby"),
    ],
)
def test_odd_parts_of_an_event_do_not_lose_the_person(line: Line, event: Any) -> None:
    channel = line.channel()
    line.tell(channel, event)
    with line.home.open() as session:
        assert count(session, "customer") == 1


def test_an_event_that_fails_does_not_block_the_ones_behind_it(line: Line) -> None:
    channel, user = line.channel(), make.line_user_id()
    tell(
        line.api, channel, told("follow", user, BASE), told("message", user, BASE + 1), told("unfollow", user, BASE + 2)
    )
    with line.home.open() as session:
        session.execute(
            text("UPDATE line_event SET body = '[1]' WHERE type = 'message' AND line_account_id = :id"),
            {"id": channel.id},
        )
        session.commit()
    line.work(channel)
    rows = stored(line.home, channel)
    assert [row.trouble for row in rows] == [None, "AttributeError", None]
    assert all(row.worked_at for row in rows)
    with line.home.open() as session:
        assert line.friends(session) == {channel.no: "blocked"}


def test_more_events_than_one_turn_takes_are_all_worked_off(line: Line) -> None:
    channel, user = line.channel(), make.line_user_id()
    tell(line.api, channel, *(told("message", user, BASE + at) for at in range(450)))
    line.work(channel)
    with line.home.open() as session:
        assert count(session, "customer") == 1
        assert session.execute(text("SELECT count(*) FROM event WHERE type = 'message.received'")).scalar_one() == 450


def test_a_person_met_at_two_accounts_at_once_becomes_one_customer(line: Line) -> None:
    channels = [line.channel() for _ in range(4)]
    users = [make.line_user_id() for _ in range(12)]
    for turn, channel in enumerate(channels):
        order = users if turn % 2 else users[::-1]
        tell(line.api, channel, *(told("follow", user, BASE + at) for at, user in enumerate(order)))
    with ThreadPoolExecutor(len(channels)) as pool:
        list(pool.map(line.work, channels))
    with line.home.open() as session:
        customers = session.exec(select(Customer)).all()
        assert count(session, "friend") == len(users) * len(channels)
    assert len(customers) == len(users)
    assert all(sorted(customer.account_nos) == sorted(channel.no for channel in channels) for customer in customers)


def test_two_workers_at_one_account_do_each_event_once(line: Line) -> None:
    channel = line.channel()
    users = [make.line_user_id() for _ in range(20)]
    tell(line.api, channel, *(told(kind, user, BASE + at) for at, kind in enumerate(KINDS * 3) for user in users))
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: line.work(channel), range(3)))
    assert all(row.worked_at and row.trouble is None for row in stored(line.home, channel))
    with line.home.open() as session:
        assert set(line.friends(session).values()) == {"blocked"}
        assert count(session, "event") == len(users) * (len(KINDS) * 3 + 1)


@given(
    kinds=st.lists(st.sampled_from(["follow", "unfollow", "message", "postback"]), min_size=1, max_size=8),
    data=st.data(),
)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_the_newest_status_wins_in_whatever_order_and_bundles_events_arrive(
    line: Line, kinds: list[str], data: st.DataObject
) -> None:
    channel, user = line.channel(), make.line_user_id()
    events = [told(kind, user, BASE + at) for at, kind in enumerate(kinds)]
    arriving = data.draw(st.permutations([*events, *data.draw(st.lists(st.sampled_from(events), max_size=4))]))
    for event in arriving:
        tell(line.api, channel, event)
        if data.draw(st.booleans()):
            line.work(channel)
    line.work(channel)
    with line.home.open() as session:
        friend = session.exec(select(Friend).where(col(Friend.account_no) == channel.no)).one()
        customer = session.exec(select(Customer).where(col(Customer.id) == friend.customer_id)).one()
        facts = session.exec(select(Event.type).where(col(Event.customer_id) == customer.id)).all()
    assert friend.status == _status_after(kinds)
    assert (channel.no in customer.account_nos) == (friend.status == "following")
    assert len(facts) == len(kinds) + 1


def _status_after(kinds: Sequence[str]) -> str:
    statuses = [kind for kind in kinds if kind in ("follow", "unfollow")]
    return {"follow": "following", "unfollow": "blocked"}[statuses[-1]] if statuses else "unknown"


@given(data=st.data(), kinds=st.lists(st.sampled_from(["follow", "unfollow", "message", "postback"]), max_size=4))
@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_a_hundred_redeliveries_shuffled_and_bundled_otherwise_change_nothing(
    line: Line, data: st.DataObject, kinds: list[str]
) -> None:
    """With the flag of a redelivery and without it: the same facts, each once, and the same friends."""
    channel, users = line.channel(), [make.line_user_id() for _ in range(2)]
    events = [told(kind, user, BASE + at) for at, kind in enumerate(["follow", *kinds]) for user in users]
    line.tell(channel, *events)
    before = _end_state(line, channel)
    again = [{**event, "deliveryContext": {"isRedelivery": at % 2 == 0}} for at in range(100) for event in events]
    again = data.draw(st.randoms(use_true_random=False)).sample(again, len(again))
    at = 0
    while at < len(again):
        size = data.draw(st.integers(20, 200))
        line.tell(channel, *again[at : at + size])
        at += size
    assert _end_state(line, channel) == before
    assert len(stored(line.home, channel)) == len(events)


def _end_state(line: Line, channel: Channel) -> tuple[list[Any], list[Any]]:
    """The account's friends, and the facts that were recorded at it."""
    with line.home.open() as session:
        friends = session.execute(
            text(
                "SELECT identity_id, status, source, followed_at, changed_at FROM friend"
                " WHERE account_no = :no ORDER BY 1"
            ),
            {"no": channel.no},
        ).all()
        facts = session.execute(
            text("SELECT id, type, occurred_at, data FROM event WHERE account_no = :no ORDER BY id"), {"no": channel.no}
        ).all()
    return [tuple(row) for row in friends], [tuple(row) for row in facts]


def test_an_event_that_comes_again_after_she_was_erased_does_not_bring_her_back(line: Line) -> None:
    channel, user = line.channel(), make.line_user_id()
    events = [told("follow", user, BASE), told("message", user, BASE + 1)]
    line.tell(channel, *events)
    with line.home.open() as session:
        erase(session, session.exec(select(Customer.id)).one(), NOW)
        session.commit()
    line.tell(channel, *events)
    line.tell(channel, *({**event, "deliveryContext": {"isRedelivery": True}} for event in events))
    rows = stored(line.home, channel)
    assert {row.webhook_event_id for row in rows} == {event["webhookEventId"] for event in events}
    assert [(row.body, row.line_user_id) for row in rows] == [(None, None)] * 2
    with line.home.open() as session:
        assert session.exec(select(Customer.erased_at)).one() is not None
        assert count(session, "identity") == 0


def test_when_a_webhook_was_last_heard_is_known_to_the_minute(line: Line) -> None:
    channel = line.channel()
    heard = []
    for after in (0, 30, 59, 61, 300):
        tell(line.api, channel, told("message", make.line_user_id()))
        with line.home.open() as session:
            work_off(session, channel.id, NOW + timedelta(seconds=after))
            heard.append(session.exec(select(LineAccount.heard_at).where(col(LineAccount.id) == channel.id)).one())
            session.commit()
    seconds = [(one - NOW).total_seconds() for one in heard if one is not None]
    assert seconds == [0, 0, 0, 61, 300]


def test_hearing_from_line_does_not_make_another_version_of_the_account(line: Line) -> None:
    channel = line.channel()
    path = f"/v1/line-accounts/{encode_id('acc', channel.id)}"
    before = line.api.get(path, headers=line.home.headers)
    line.tell(channel, told("message", make.line_user_id()))
    seen = {**line.home.headers, "If-None-Match": before.headers["etag"], "If-Match": before.headers["etag"]}
    after = line.api.get(path, headers=seen)
    assert (before.json()["heard_at"], after.status_code, after.json()["heard_at"] is None) == (None, 200, False)
    assert line.api.patch(path, json={"name": "渋谷本店"}, headers=seen).status_code == 200


@pytest.mark.parametrize(
    "event",
    [
        told("accountLink", make.line_user_id(), link={"result": "ok", "nonce": "bm9uY2U="}),
        {"type": "accountLink", "link": {"result": "failed", "nonce": "bm9uY2U="}, "webhookEventId": "01M1"},
        told("membership", make.line_user_id(), membership={"type": "joined", "membershipId": 4101}),
        told("videoPlayComplete", make.line_user_id(), videoPlayComplete={"trackingId": "spring-01"}),
        {"type": "module", "module": {"type": "attached", "botId": "U", "scopes": []}, "webhookEventId": "01M2"},
        {"type": "botSuspended", "webhookEventId": "01M3"},
        {"type": "delivery", "delivery": {"data": "TAG"}, "webhookEventId": "01M4"},
    ],
    ids=lambda event: event["type"],
)
def test_what_nothing_is_done_about_yet_is_kept_as_it_came(line: Line, event: Any) -> None:
    channel = line.channel()
    line.tell(channel, event)
    (row,) = stored(line.home, channel)
    assert (row.body, row.type, row.trouble) == (event, event["type"], None)
    assert row.worked_at is not None


GROUP = {"type": "group", "groupId": "C1"}
MEMBER = {"type": "user", "userId": "U" + "a" * 32}


@pytest.mark.parametrize(
    "event",
    [
        told("memberJoined", None, source=GROUP, joined={"members": [MEMBER]}),
        told("memberLeft", None, source=GROUP, left={"members": [MEMBER]}),
        told("message", MEMBER["userId"], source={**GROUP, "userId": MEMBER["userId"]}, message={"type": "text"}),
        told("message", None, source=GROUP, message={"type": "text", "mention": {"mentionees": [MEMBER]}}),
        told("messageEdited", None, source={"type": "room", "roomId": "R1"}, message={"type": "text", "text": "秘密"}),
    ],
)
def test_of_a_group_nobodys_id_or_words_are_kept(line: Line, event: Any) -> None:
    channel = line.channel()
    line.tell(channel, event)
    (row,) = stored(line.home, channel)
    source = {name: value for name, value in event["source"].items() if name != "userId"}
    assert row.body == {"type": event["type"], "timestamp": event["timestamp"], "source": source}
    assert (row.line_user_id, row.trouble) == (None, None)


def test_an_area_account_ties_her_to_all_of_its_stores(line: Line) -> None:
    with line.home.open() as session:
        stores = [make.store(session) for _ in range(3)]
        channel = open_channel(session, line.keyring, *stores)
        session.commit()
    line.tell(channel, told("follow", make.line_user_id()))
    with line.home.open() as session:
        assert session.exec(select(Customer)).one().store_nos == [store.no for store in stores]
        assert session.exec(select(Event.store_no)).all() == [None, None]


def test_a_new_friends_profile_is_asked_for_once(line: Line) -> None:
    channel, user = line.channel(), make.line_user_id()
    line.tell(channel, told("follow", user, BASE), told("unfollow", user, BASE + 1), told("follow", user, BASE + 2))
    with line.home.open() as session:
        identity = session.exec(select(Identity)).one()
        jobs = session.execute(
            text("SELECT args FROM procrastinate_jobs WHERE queueing_lock = :lock"), {"lock": f"profile:{identity.id}"}
        ).all()
    assert [job.args["identity_id"] for job in jobs] == [str(identity.id)]


def test_an_unsigned_call_changes_nobody(line: Line) -> None:
    channel = line.channel()
    assert call(line.api, channel, write_call(channel, told("follow", make.line_user_id())), "wrong").status_code == 401
    line.work(channel)
    with line.home.open() as session:
        assert count(session, "customer") == 0

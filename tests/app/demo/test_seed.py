"""The demo's past is written as the product would have written it."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from random import Random
from typing import get_args

from sqlmodel import select

from app.commerce.events import OrderPaid, VisitRecorded
from app.coupons.events import CouponIssued, CouponRedeemed
from app.customers.consents.events import ConsentChanged
from app.customers.events import CustomerCreated, FriendBlocked, FriendFollowed
from app.customers.models import Friend
from app.customers.schemas import Gender
from app.demo.brands import COFFEE_BRAND, FOOD_BRAND
from app.demo.history import add_history
from app.demo.people import Person, draw_people
from app.demo.record import add_record
from app.demo.seed import add_people, basic_id_of
from app.events.facts import Fact
from app.events.models import Event
from app.messaging.events import RunFinished
from tenants.session import ScopedSession
from tests import make

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
FACTS: Sequence[type[Fact]] = (
    CustomerCreated,
    FriendFollowed,
    FriendBlocked,
    OrderPaid,
    VisitRecorded,
    ConsentChanged,
    CouponIssued,
    CouponRedeemed,
    RunFinished,
)


def draw(count: int) -> list[Person]:
    channels = [(one.channel_id, one.provider_id, one.store_codes) for one in FOOD_BRAND.accounts]
    return draw_people("のれん食堂", channels, count, NOW, Random(7))


def seed(session: ScopedSession) -> list[Event]:
    """The events of a small brand with the demo's stores and accounts."""
    stores = {one.code: make.store(session, code=one.code, name=one.name) for one in FOOD_BRAND.stores}
    accounts = {}
    for one in FOOD_BRAND.accounts:
        members = [stores[code] for code in one.store_codes]
        accounts[one.channel_id] = make.line_account(session, *members, provider_id=one.provider_id)
    people = draw(120)
    add_people(session, people, stores, accounts, NOW)
    add_record(session, people, stores)
    add_history(session, people, stores, accounts, NOW, Random(7), live_rule=True)
    return list(session.exec(select(Event)).all())


def test_every_seeded_event_carries_what_its_fact_carries(session: ScopedSession) -> None:
    events = seed(session)
    common = {field.name for field in fields(Fact)}
    expected = {fact.type: {field.name for field in fields(fact)} - common for fact in FACTS}
    found: dict[str, set[str]] = {}
    for event in events:
        assert set(event.data) == expected[event.type], event.type
        found[event.type] = set(event.data)
    assert found == expected


def test_seeded_follows_name_the_friendship_that_they_made(session: ScopedSession) -> None:
    events = seed(session)
    friends = {str(friend.id): friend for friend in session.exec(select(Friend)).all()}
    followed = [event for event in events if event.type == "friend.followed"]
    assert {event.data["friend_id"] for event in followed} == set(friends)
    for event in followed:
        friend = friends[event.data["friend_id"]]
        assert (event.customer_id, event.account_no) == (friend.customer_id, friend.account_no)


def test_people_have_genders_that_the_api_takes() -> None:
    assert {person.gender for person in draw(300)} == {*get_args(Gender), None}


def test_no_two_accounts_of_the_demo_share_a_basic_id() -> None:
    basic_ids = [basic_id_of(one.channel_id) for brand in (FOOD_BRAND, COFFEE_BRAND) for one in brand.accounts]
    assert len(set(basic_ids)) == len(basic_ids)

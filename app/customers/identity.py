"""Who is behind a LINE user id, and which accounts she is a friend of.

An id belongs to a provider. It stands for one customer at all of the provider's accounts if the brand has recorded why
it may join what people do at several of them; else each account that meets the id has a customer of its own behind it.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_
from sqlmodel import col, select

from app.customers.events import CustomerCreated, FriendBlocked, FriendFollowed, MessageReceived
from app.customers.locks import lock_customers, lock_names
from app.customers.models import Customer, Friend, Identity
from app.customers.summary import tie_to_store
from app.customers.tasks import fetch_profile
from app.events.service import record
from app.jobs.queue import defer
from tenants.ids import uuid7
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession
from tenants.stores.models import Store


@dataclass
class Person:
    """Someone with a LINE user id: her customer, whose row is locked, and her ties by account."""

    customer: Customer
    identity: Identity
    friends: dict[UUID, Friend]


@dataclass(frozen=True)
class Place:
    """The account at which something happened, and what of it every event needs."""

    account: LineAccount
    stores: tuple[Store, ...]
    may_join: bool
    """Whether the brand has stated why it may join people over accounts."""
    people: dict[str, Person] = field(default_factory=dict)
    """Those met in this transaction, by LINE user id. Forget whom a savepoint that was rolled back has touched."""
    kept_apart: set[str] = field(default_factory=set)
    """LINE user ids that stand for somebody at other accounts, with whom nobody here may be joined."""

    @property
    def store_no(self) -> int | None:
        """The account's store, if it speaks for one only."""
        return self.stores[0].no if len(self.stores) == 1 else None


@dataclass(frozen=True)
class Sign:
    """What every webhook event tells: who, when, and LINE's id of it."""

    line_user_id: str
    webhook_event_id: str
    occurred_at: datetime


def lock_people(session: ScopedSession, place: Place, line_user_ids: Collection[str]) -> None:
    """Hold these LINE user ids, and the rows of the customers behind them, until the transaction ends.

    Two accounts of a provider may meet one new person in the same second: the second waits and finds her.
    """
    provider_id = place.account.provider_id
    lock_names(session, (name_of(provider_id, line_user_id) for line_user_id in line_user_ids))
    place.people.update(_find_people(session, place, line_user_ids))


def name_of(provider_id: str, line_user_id: str) -> str:
    """The name under which `lock_names` holds a LINE user id."""
    return f"line:{provider_id}:{line_user_id}"


def _find_people(session: ScopedSession, place: Place, line_user_ids: Collection[str]) -> dict[str, Person]:
    """Those of these LINE user ids who stand for somebody at this account, locked; the others may be kept apart."""
    of_provider = select(Identity).where(
        col(Identity.provider_id) == place.account.provider_id, col(Identity.line_user_id).in_(line_user_ids)
    )
    here = or_(col(Identity.account_no).is_(None), col(Identity.account_no) == place.account.no)
    identities = session.exec(of_provider.where(here).execution_options(populate_existing=True)).all()
    friends: dict[UUID, dict[UUID, Friend]] = defaultdict(dict)
    ids = [identity.id for identity in identities]
    for friend in session.exec(select(Friend).where(col(Friend.identity_id).in_(ids))).all():
        friends[friend.identity_id][friend.line_account_id] = friend
    chosen: dict[str, Identity] = {}
    for identity in sorted(identities, key=lambda one: one.account_no is not None):  # her own at the account comes last
        hers = friends[identity.id]
        if identity.account_no is not None or place.may_join or not hers or place.account.id in hers:
            chosen[identity.line_user_id] = identity
    place.kept_apart.difference_update(line_user_ids)
    place.kept_apart.update(identity.line_user_id for identity in identities if identity.line_user_id not in chosen)
    customers = lock_customers(session, {identity.customer_id for identity in chosen.values()})
    return {
        line_user_id: Person(customers[identity.customer_id], identity, friends[identity.id])
        for line_user_id, identity in chosen.items()
    }


def follow(session: ScopedSession, place: Place, sign: Sign, *, is_unblocked: bool) -> None:
    """She added the account, or unblocked it."""
    customer, friend = _meet(session, place, sign, source="follow")
    if friend.source == "message":
        friend.source = "follow"
    if friend.followed_at is None or sign.occurred_at > friend.followed_at:
        friend.followed_at = sign.occurred_at
    friend.missing_at = None
    _set_status(session, customer, friend, "following", sign.occurred_at)
    record(session, FriendFollowed(is_unblocked=is_unblocked, **_about(customer, friend, place, sign)))
    _refresh_profile(session, friend)


def unfollow(session: ScopedSession, place: Place, sign: Sign) -> None:
    """She blocked the account."""
    customer, friend = _meet(session, place, sign, source="unknown")
    _set_status(session, customer, friend, "blocked", sign.occurred_at)
    record(session, FriendBlocked(**_about(customer, friend, place, sign)))


def hear(
    session: ScopedSession,
    place: Place,
    sign: Sign,
    *,
    message_type: str,
    message_id: str | None = None,
    text: str | None = None,
    postback_data: str | None = None,
) -> Customer:
    """She wrote to the account or pressed a button: who she is. One need not be a friend to write."""
    customer, friend = _meet(session, place, sign, source="message")
    about = _about(customer, friend, place, sign)
    record(
        session,
        MessageReceived(
            message_type=message_type, message_id=message_id, text=text, postback_data=postback_data, **about
        ),
    )
    return customer


def meet(session: ScopedSession, place: Place, sign: Sign) -> Person:
    """She did something that is no message: who she is."""
    _meet(session, place, sign, source="message")
    return place.people[sign.line_user_id]


def _about(customer: Customer, friend: Friend, place: Place, sign: Sign) -> dict[str, Any]:
    return {
        "occurred_at": sign.occurred_at,
        "customer_id": customer.id,
        "store_no": place.store_no,
        "account_no": place.account.no,
        "friend_id": friend.id,
        "line_account_id": place.account.id,
        "webhook_event_id": sign.webhook_event_id,
    }


def _set_status(session: ScopedSession, customer: Customer, friend: Friend, status: str, occurred_at: datetime) -> None:
    """The newest event decides, in whatever order they arrive."""
    if friend.status != "unknown" and occurred_at < friend.changed_at:
        return
    friend.status, friend.changed_at = status, occurred_at
    reached = {no for no in customer.account_nos if no != friend.account_no}
    if status == "following" or _follows_otherwise(session, customer, friend):
        reached.add(friend.account_no)
    if reached != set(customer.account_nos):
        customer.account_nos = sorted(reached)


def _follows_otherwise(session: ScopedSession, customer: Customer, friend: Friend) -> bool:
    """Whether she follows the account by another of her LINE ids, as one may who was joined."""
    others = select(Friend.id).where(
        col(Friend.customer_id) == customer.id,
        col(Friend.account_no) == friend.account_no,
        col(Friend.status) == "following",
        col(Friend.id) != friend.id,
    )
    return session.exec(others.limit(1)).first() is not None


def _meet(session: ScopedSession, place: Place, sign: Sign, *, source: str) -> tuple[Customer, Friend]:
    """The customer and her tie to the account, both made if missing."""
    if sign.line_user_id not in place.people:
        lock_people(session, place, [sign.line_user_id])
    person = place.people.get(sign.line_user_id)
    if person is None:
        person = place.people[sign.line_user_id] = _welcome(session, place, sign)
    friend = person.friends.get(place.account.id)
    if friend is None:
        friend = person.friends[place.account.id] = _befriend(session, place, person, sign, source)
    for store in place.stores:
        tie_to_store(session, person.customer, store)
    return person.customer, friend


def _welcome(session: ScopedSession, place: Place, sign: Sign) -> Person:
    """A person whom the brand meets for the first time, or may not join with whom it has met elsewhere."""
    customer = Customer(id=uuid7())
    identity = Identity(
        id=uuid7(),
        customer_id=customer.id,
        provider_id=place.account.provider_id,
        line_user_id=sign.line_user_id,
        account_no=place.account.no if sign.line_user_id in place.kept_apart else None,
    )
    session.add(customer)
    session.flush()
    session.add(identity)
    session.flush()
    record(
        session,
        CustomerCreated(
            occurred_at=sign.occurred_at,
            customer_id=customer.id,
            store_no=place.store_no,
            account_no=place.account.no,
            source="line",
        ),
    )
    return Person(customer, identity, {})


def _befriend(session: ScopedSession, place: Place, person: Person, sign: Sign, source: str) -> Friend:
    friend = Friend(
        line_account_id=place.account.id,
        account_no=place.account.no,
        identity_id=person.identity.id,
        customer_id=person.customer.id,
        store_nos=[store.no for store in place.stores],
        status="unknown",
        source=source,
        changed_at=sign.occurred_at,
    )
    session.add(friend)
    session.flush()
    if source == "message":
        _refresh_profile(session, friend)
    return friend


def _refresh_profile(session: ScopedSession, friend: Friend) -> None:
    """Have the name and picture fetched, for lists that people read."""
    once_key = f"profile:{friend.identity_id}"
    arguments = {"identity_id": friend.identity_id, "line_account_id": friend.line_account_id}
    defer(session, fetch_profile, once_key=once_key, **arguments)

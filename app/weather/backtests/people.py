"""Whom a rule would write to, as things stand today: counted once, by who follows what and is at home where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select

from app.customers.models import Customer
from app.customers.queries import is_present
from app.customers.summary import home_column
from app.messaging import planning, quota
from app.weather.models import WeatherRule
from app.weather.sending import asked_for
from tenants.session import ScopedSession


@dataclass(frozen=True, slots=True)
class Group:
    """People who are alike for every firing: the accounts they follow, and their home store."""

    account_nos: frozenset[int]
    home_no: int | None
    people: int


@dataclass(slots=True)
class Crowd:
    """The rule's audience, and which stores its accounts speak for."""

    groups: Sequence[Group]
    stores_of: Mapping[int, frozenset[int]]
    """By account number."""
    quota_limit: int | None
    """What these accounts may send in a month together; None where one has no limit that is known."""
    _reached: dict[frozenset[int], frozenset[int]] = field(default_factory=dict)

    def reached(self, store_nos: frozenset[int]) -> frozenset[int]:
        """The groups whom a firing for these stores is for, by their place in `groups`.

        As when it is sent: an account does not write to those who are at home in a store of its that has not fired.
        """
        if store_nos not in self._reached:
            closed = {no: stores - store_nos for no, stores in self.stores_of.items() if stores & store_nos}
            self._reached[store_nos] = frozenset(
                place
                for place, group in enumerate(self.groups)
                if any(no in closed and group.home_no not in closed[no] for no in group.account_nos)
            )
        return self._reached[store_nos]

    def count(self, places: frozenset[int]) -> int:
        """How many people these groups are."""
        return sum(self.groups[place].people for place in places)


def read_crowd(session: ScopedSession, rule: WeatherRule, store_nos: Sequence[int], now: datetime) -> Crowd:
    """The rule's audience of today among the friends of these stores' accounts, as far as the session sees it."""
    senders = planning.list_senders(session, store_nos, None)
    numbers = [sender.account_no for sender in senders]
    home = home_column(session.scope)
    counted = (
        select(col(Customer.account_nos), home, func.count())
        .where(is_present(), asked_for(session, rule, now), col(Customer.account_nos).op("&&")(numbers))
        .group_by(col(Customer.account_nos), home)
    )
    taking_part = frozenset(numbers)
    groups: dict[tuple[frozenset[int], int | None], int] = {}
    for account_nos, home_no, people in session.exec(counted).all() if numbers else ():
        key = (frozenset(account_nos) & taking_part, home_no)
        groups[key] = groups.get(key, 0) + people
    standings = quota.list_standings(session, numbers, quota.quota_month(now)) if numbers else []
    limits = [one.limit for one in standings]
    known = [limit for limit in limits if limit is not None]
    return Crowd(
        groups=[
            Group(account_nos, home_no, people) for (account_nos, home_no), people in sorted(groups.items(), key=str)
        ],
        stores_of={sender.account_no: frozenset((*sender.store_nos, *sender.other_store_nos)) for sender in senders},
        quota_limit=sum(known) if known and len(known) == len(numbers) else None,
    )

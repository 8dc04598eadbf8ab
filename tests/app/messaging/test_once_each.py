"""Whatever people follow and whichever policy chooses: who can and may be reached hears once, and nobody twice."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import true
from sqlmodel import col, select

from app.customers.consents.service import record_consent
from app.customers.models import CustomerStore
from app.messaging import planning, service
from app.messaging.audience import Audience
from app.messaging.models import Delivery
from app.messaging.policies import ALL, ORDERS
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make

ACCOUNTS = 4


@dataclass(frozen=True)
class Drawn:
    """A person: whom she follows and whom she blocked, where she is at home and was last, whether she refuses."""

    follows: frozenset[int]
    blocked: frozenset[int]
    home: int | None
    was_at: int | None
    twice_at: int | None
    """The account that she follows by a second id of hers too."""
    refuses: bool

    @property
    def reached_by(self) -> frozenset[int]:
        """The accounts that reach her and may write."""
        again = frozenset() if self.twice_at is None else frozenset({self.twice_at})
        return frozenset() if self.refuses else (self.follows | again)


_SHOP = st.integers(0, ACCOUNTS - 1)
_SHOPS = st.frozensets(_SHOP)
_PEOPLE = st.builds(
    lambda follows, blocked, *rest: Drawn(follows, blocked - follows, *rest),
    _SHOPS,
    _SHOPS,
    st.none() | _SHOP,
    st.none() | _SHOP,
    st.none() | _SHOP,
    st.booleans(),
)


@pytest.fixture
def accounts(session: ScopedSession) -> list[LineAccount]:
    return [make.line_account(session, make.store(session)) for _ in range(ACCOUNTS)]


@settings(max_examples=12, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=st.lists(_PEOPLE, min_size=1, max_size=6), policy=st.sampled_from(sorted(ORDERS)))
def test_everybody_who_can_be_reached_hears_once_and_nobody_twice(
    session: ScopedSession, accounts: list[LineAccount], people: list[Drawn], policy: str
) -> None:
    savepoint = session.begin_nested()
    numbers = {account.no: place for place, account in enumerate(accounts)}
    drawn = {_make(session, one, accounts): one for one in people}
    run, tally = service.start_run(
        session,
        cause=service.Cause(kind="campaign"),
        content=service.Content(messages=[{"type": "text", "text": "こんにちは"}]),
        audience=Audience(where=true(), senders=planning.list_senders(session, None, None), sender_policy=policy),
        now=utc_now(),
    )
    rows = session.exec(select(Delivery).where(col(Delivery.run_id) == run.id)).all()
    heard = Counter((row.customer_id, numbers[row.account_no or 0]) for row in rows if row.batch_no is not None)
    for customer_id, one in drawn.items():
        told_by = [account for (whom, account), times in heard.items() for _ in range(times) if whom == customer_id]
        if policy == ALL:
            assert sorted(told_by) == sorted(one.reached_by)
        else:
            assert len(told_by) == min(1, len(one.reached_by))
            assert set(told_by) <= one.reached_by
            assert sum(row.customer_id == customer_id for row in rows) == 1
    assert tally.chosen == run.chosen == heard.total()
    savepoint.rollback()


def _make(session: ScopedSession, one: Drawn, accounts: list[Any]) -> Any:
    customer = make.follower(session, *(accounts[number] for number in sorted(one.follows)))
    for number in sorted(one.blocked):
        make.friend(session, accounts[number], customer, status="blocked")
    if one.twice_at is not None:
        make.friend(session, accounts[one.twice_at], customer)
    if one.home is not None:
        customer.home_store_no = accounts[one.home].store_nos[0]
    if one.was_at is not None:
        _visit(session, customer, accounts[one.was_at].store_nos[0])
    if one.refuses:
        at = utc_now() - timedelta(hours=1)
        said: dict[str, Any] = {"purpose": "marketing", "channel": "line", "source": "form"}
        record_consent(session, customer.id, is_granted=False, occurred_at=at, now=at, **said)
    session.flush()
    return customer.id


def _visit(session: ScopedSession, customer: Any, store_no: int) -> None:
    store = session.exec(select(Store).where(col(Store.no) == store_no)).one()
    key = (session.scope.brand_id, customer.id, store.id)
    tie = session.get(CustomerStore, key) or CustomerStore(
        customer_id=customer.id, store_id=store.id, store_no=store.no
    )
    tie.last_visit_at = utc_now()
    session.add(tie)

"""Points at work: what happened earns, what has expired goes, and ranks follow their window."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from app.customers.locks import lock_customers, lock_rows
from app.jobs.queue import Clockwork, Work, defer, periodic, task
from app.loyalty import earning, ledger, queries
from app.loyalty.rules import list_ranks, rank_for
from tenants.brands.queries import list_brand_ids
from tenants.session import ScopedSession

AT_ONCE: Final = 200
"""People, orders, visits or events in one transaction."""
COMPARED_AT_ONCE: Final = 2_000
NOBODY: Final = UUID(int=0)

Settle = Callable[[ScopedSession, Sequence[UUID], datetime], None]


@task
def give_points(
    work: Work, order_ids: list[str], visit_ids: list[str], event_ids: list[str], people: list[str]
) -> None:
    """Give what these orders, visits and events earn, and settle people who were joined or parted."""
    steps: tuple[tuple[Settle, list[str]], ...] = (
        (earning.settle_orders, order_ids),
        (earning.settle_visits, visit_ids),
        (earning.settle_actions, event_ids),
        (_settle_people, people),
    )
    for settle, texts in steps:
        ids = [UUID(one) for one in texts]
        for start in range(0, len(ids), AT_ONCE):
            with work.session() as session:
                settle(session, ids[start : start + AT_ONCE], work.now)


def _settle_people(session: ScopedSession, customer_ids: Sequence[UUID], now: datetime) -> None:
    """Work out anew what those have who were joined or parted: what they were given is theirs already."""
    ids = {customer.id for customer in lock_customers(session, customer_ids).values()}
    earning.settle_stamps(session, ids, now)
    ledger.add_up(session, ids, now)


@task
def expire_points(work: Work) -> None:
    """Let the brand's points go that have expired."""
    after = NOBODY
    while True:
        with work.session() as session:
            due = queries.list_due(session, after, work.now, AT_ONCE)
            ledger.add_up(session, lock_rows(session, due), work.now)
        if not due:
            return
        after = due[-1]


@task
def rank_members(work: Work) -> None:
    """Bring every customer's rank to what it should be now; only those whose rank changes are locked."""
    after = NOBODY
    while True:
        with work.session() as session:
            ids = queries.list_customer_ids(session, after, COMPARED_AT_ONCE)
            changed = _list_changed(session, ids, work.now)
        for start in range(0, len(changed), AT_ONCE):
            with work.session() as session:
                ledger.add_up(session, lock_rows(session, changed[start : start + AT_ONCE]), work.now)
        if not ids:
            return
        after = ids[-1]


def _list_changed(session: ScopedSession, customer_ids: Sequence[UUID], now: datetime) -> list[UUID]:
    """Those of these customers whose rank is not what is written of them."""
    programme = queries.find_programme(session, now)
    if programme is None:
        return []
    ranks = ledger.find_ranks(session, customer_ids, now)
    lowest = rank_for(list_ranks(programme.rules), 0)
    members = queries.map_members(session, customer_ids)
    known = {one: members[one].rank if one in members else lowest and lowest.key for one in customer_ids}
    return [one for one in customer_ids if ranks.get(one) != known[one]]


@periodic("*/5 * * * *")
def expire_all_points(clock: Clockwork) -> None:
    """Have points go that have expired, brand by brand."""
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            if queries.list_due(session, NOBODY, clock.now, 1):
                defer(session, expire_points, once_key=f"points:expire:{brand_id}")


@periodic("40 18 * * *")
def rank_all_members(clock: Clockwork) -> None:
    """Have ranks follow their window every night, brand by brand."""
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            programme = queries.find_programme(session, clock.now)
            if programme is not None and programme.rules.get("ranks"):
                defer_ranking(session)


def defer_ranking(session: ScopedSession) -> None:
    """Have the ranks of a brand's customers worked out anew, once however often it is asked for."""
    defer(session, rank_members, once_key=f"points:rank:{session.scope.brand_id}")

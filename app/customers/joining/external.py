"""What other systems call a customer: their names of her, each of which names one person only."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import col, select

from app.customers.joining.models import ExternalId
from app.customers.models import Customer
from app.customers.problems import KeysDisagree
from app.customers.queries import STRONG_KEYS
from tenants.session import ScopedSession

Named = tuple[str, str]
"""A system, and what it calls her."""


def map_external_ids(session: ScopedSession, customer_ids: Collection[UUID]) -> dict[UUID, list[Named]]:
    """What other systems call these customers, by system and value.

    The strong keys of those who were merged into them are not among these; they are `external_id` and `member_number`
    by which she is found as well.
    """
    rows = select(ExternalId).where(
        col(ExternalId.customer_id).in_(customer_ids), col(ExternalId.system).not_in(STRONG_KEYS)
    )
    named: dict[UUID, list[Named]] = defaultdict(list)
    for row in session.exec(rows.order_by(col(ExternalId.system), col(ExternalId.value))).all():
        named[row.customer_id].append((row.system, row.value))
    return named


def map_named(session: ScopedSession, names: Collection[Named]) -> dict[Named, UUID]:
    """Whom other systems call so, where anybody. Lock `lock_name_of` each before, to create who is missing."""
    if not names:
        return {}
    rows = select(ExternalId).where(tuple_(col(ExternalId.system), col(ExternalId.value)).in_(list(names)))
    return {(row.system, row.value): row.customer_id for row in session.exec(rows).all()}


def lock_name_of(name: Named) -> str:
    """The name by which `lock_names` holds what a system calls somebody."""
    return f"external:{name[0]}:{name[1]}"


def add_external_ids(session: ScopedSession, customer: Customer, names: Iterable[Named], now: datetime) -> list[Named]:
    """Write down what other systems call a locked customer; answers what is new. The names are locked.

    Raises KeysDisagree for a name that is another's.
    """
    wanted = list(dict.fromkeys(names))
    known = map_named(session, wanted)
    if others := {customer_id for customer_id in known.values() if customer_id != customer.id}:
        raise KeysDisagree(sorted({name[0] for name, owner in known.items() if owner in others}))
    new = [name for name in wanted if name not in known]
    session.add_all(
        ExternalId(system=system, value=value, customer_id=customer.id, created_at=now) for system, value in new
    )
    session.flush()
    return new


def remove_external_ids(session: ScopedSession, customer: Customer, names: Collection[Named]) -> int:
    """Forget what other systems called a locked customer; answers how many there were."""
    hers = select(ExternalId).where(
        col(ExternalId.customer_id) == customer.id,
        tuple_(col(ExternalId.system), col(ExternalId.value)).in_(list(names)),
    )
    rows = session.exec(hers).all() if names else []
    for row in rows:
        session.delete(row)
    session.flush()
    return len(rows)

"""Keys that name two people: written down for somebody to decide, since to guess would be to mix two lives."""

from collections.abc import Collection, Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Final
from uuid import UUID

from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from app.customers.joining.models import CustomerConflict
from app.customers.problems import KeysDisagree
from tenants.ids import uuid7
from tenants.problems import Conflict, NotFound
from tenants.session import ScopedSession

MERGED: Final = "merged"
DISMISSED: Final = "dismissed"


def note_conflict(
    session: ScopedSession, customer_ids: Iterable[UUID], keys: Iterable[str], *, source: str, now: datetime
) -> None:
    """Write down that these keys name these people. One that is open already is seen once more.

    Once dismissed it is written down anew: whoever settled it has settled what was known then.
    """
    people, names = sorted(set(customer_ids)), sorted(set(keys))
    if len(people) < 2:
        return
    row = {
        "brand_id": session.scope.brand_id,
        "id": uuid7(),
        "created_at": now,
        "customer_ids": people,
        "keys": names,
        "fingerprint": _fingerprint(people, names),
        "source": source,
        "seen_at": now,
        "seen_count": 1,
    }
    add = insert(CustomerConflict).values(row)
    again = {
        "seen_at": func.greatest(col(CustomerConflict.seen_at), add.excluded.seen_at),
        "seen_count": col(CustomerConflict.seen_count) + 1,
    }
    is_open = text("resolved_at IS NULL")
    session.flush()
    session.connection().execute(
        add.on_conflict_do_update(index_elements=["brand_id", "fingerprint"], index_where=is_open, set_=again)
    )


def disagree(keys: Collection[str], customer_ids: Iterable[UUID], *, source: str, now: datetime) -> KeysDisagree:
    """The problem that these keys name several people, which leaves a conflict behind where it refuses a request."""
    people = list(customer_ids)
    problem = KeysDisagree(list(keys))
    problem.leaving(lambda session: note_conflict(session, people, keys, source=source, now=now))
    return problem


def _fingerprint(customer_ids: Iterable[UUID], keys: Iterable[str]) -> str:
    named = ",".join(map(str, customer_ids)) + "|" + ",".join(keys)
    return blake2b(named.encode(), digest_size=16).hexdigest()


def dismiss(session: ScopedSession, conflict_id: UUID, now: datetime) -> CustomerConflict:
    """Settle a conflict: they are different people. Raises NotFound, or Conflict where it is settled already."""
    wanted = select(CustomerConflict).where(col(CustomerConflict.id) == conflict_id)
    locked = wanted.with_for_update(key_share=True).execution_options(populate_existing=True)
    conflict = session.exec(locked).one_or_none()
    if conflict is None:
        raise NotFound
    if conflict.resolved_at is not None:
        raise Conflict(f"This conflict has been settled: {conflict.resolution}.")
    conflict.resolved_at, conflict.resolution = now, DISMISSED
    session.flush()
    return conflict


def settle_between(session: ScopedSession, customer_ids: Collection[UUID], now: datetime) -> None:
    """After a merge into one of them: what was open between no more than one living person is settled.

    `customer_ids` are all ids that stand for her now.
    """
    session.execute(
        _SETTLE,
        {"brand_id": session.scope.brand_id, "ids": list(customer_ids), "now": now, "resolution": MERGED},
    )


_SETTLE = text(
    "UPDATE customer_conflict SET resolved_at = :now, resolution = :resolution"
    " WHERE brand_id = :brand_id AND resolved_at IS NULL AND customer_ids <@ CAST(:ids AS uuid[])"
)

"""Reads of the audit log."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.audit.models import AuditEntry, AuditSeal
from tenants.session import ScopedSession

_SLACK = timedelta(minutes=5)
"""An entry's id and its `at` are taken at the same moment, give or take what clocks are set back by."""


@dataclass(frozen=True)
class Filters:
    """Which entries are asked for; `after` counts, `before` does not."""

    kind: str | None = None
    action: str | None = None
    caller_id: UUID | None = None
    object_id: UUID | None = None
    customer_ids: Collection[UUID] | None = None
    """All ids that stand for one person: an entry has the one of its time."""
    after: datetime | None = None
    before: datetime | None = None


def list_entries(filters: Filters) -> SelectOfScalar[AuditEntry]:
    """The entries of the session's brand that these filters let through."""
    chosen = select(AuditEntry)
    for name in ("kind", "action", "caller_id", "object_id"):
        value = getattr(filters, name)
        if value is not None:
            chosen = chosen.where(col(getattr(AuditEntry, name)) == value)
    if filters.customer_ids is not None:
        chosen = chosen.where(col(AuditEntry.customer_ids).op("&&")(list(filters.customer_ids)))
    # The ids, in the order of time, lead to the rows; the instants decide.
    if filters.after is not None:
        chosen = chosen.where(col(AuditEntry.at) >= filters.after)
        chosen = chosen.where(col(AuditEntry.id) >= first_id(filters.after - _SLACK))
    if filters.before is not None:
        chosen = chosen.where(col(AuditEntry.at) < filters.before)
        chosen = chosen.where(col(AuditEntry.id) < first_id(filters.before + _SLACK))
    return chosen


def first_id(instant: datetime) -> UUID:
    """The smallest UUIDv7 of an instant."""
    return UUID(int=max(0, int(instant.timestamp() * 1000)) << 80)


@dataclass(frozen=True)
class PersonRead:
    """One person whom a caller's answers named, when, and in how many of them."""

    customer_id: UUID
    first_at: datetime
    last_at: datetime
    times: int


def list_persons(
    session: ScopedSession, caller_id: UUID, after: datetime, before: datetime, *, limit: int, below: UUID | None = None
) -> tuple[int, Sequence[PersonRead]]:
    """How many persons the answers to this caller named from `after` until before `before`; and a page of them, by
    descending id, below the id `below`."""
    _take_memory(session)
    values = _values(session, caller_id, after, before) | {"limit": limit, "below": below}
    rows = session.execute(text(_PAGE), values).all()
    return rows[0].total, [_person(row) for row in rows if row.customer_id is not None]


def stream_persons(
    session: ScopedSession, caller_id: UUID, after: datetime, before: datetime
) -> Iterator[Sequence[PersonRead]]:
    """All whom the answers to this caller named, by descending id, a few thousand at a time."""
    _take_memory(session)
    values = _values(session, caller_id, after, before)
    found = session.execute(text(_ALL), values, execution_options={"yield_per": 5_000})
    for rows in found.partitions():
        yield [_person(row) for row in rows]


def take_a_minute(session: ScopedSession) -> None:
    """Let a caller's next statements take a minute: who asks whom a key read has lost it, and would rather wait."""
    session.execute(text("SET LOCAL statement_timeout = '60s'"))


def _take_memory(session: ScopedSession) -> None:
    """Memory to count people in; by its default Postgres would use the disk from some ten thousand on."""
    session.execute(text("SET LOCAL work_mem = '64MB'"))


def _values(session: ScopedSession, caller_id: UUID, after: datetime, before: datetime) -> dict[str, Any]:
    return {"brand_id": session.scope.brand_id, "caller_id": caller_id, "after": after, "before": before}


def _person(row: Any) -> PersonRead:
    return PersonRead(row.customer_id, row.first_at, row.last_at, row.times)


_PERSONS = """
    SELECT customer_id, min(at) AS first_at, max(at) AS last_at, count(*) AS times
    FROM audit_entry, unnest(customer_ids) AS customer_id
    WHERE brand_id = :brand_id AND caller_id = :caller_id AND at >= :after AND at < :before
    GROUP BY customer_id
"""
_ALL = f"{_PERSONS} ORDER BY customer_id DESC"
# The count stands in a row even where the page is empty.
_PAGE = f"""
    WITH person AS MATERIALIZED ({_PERSONS})
    SELECT counted.total, page.*
    FROM (SELECT count(*) AS total FROM person) AS counted
    LEFT JOIN (
      SELECT * FROM person WHERE CAST(:below AS uuid) IS NULL OR customer_id < :below
      ORDER BY customer_id DESC LIMIT :limit
    ) AS page ON true
    ORDER BY page.customer_id DESC
"""


def find_last_seal(session: Session) -> AuditSeal | None:
    """The end of the brand's chain."""
    newest = select(AuditSeal).order_by(col(AuditSeal.no).desc()).limit(1)
    return session.exec(newest.execution_options(populate_existing=True)).one_or_none()


def find_seal(session: Session, no: int) -> AuditSeal | None:
    """The seal of this number."""
    wanted = select(AuditSeal).where(col(AuditSeal.no) == no)
    return session.exec(wanted.execution_options(populate_existing=True)).one_or_none()


def list_unsealed_brands(engine: Engine) -> list[UUID]:
    """Brands with entries that are not sealed yet."""
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT list_unsealed_brands()")).scalars())

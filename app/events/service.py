"""record(): append a fact to the spine, once."""

from typing import Any

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from app.events.facts import Fact
from app.events.models import Event
from tenants.ids import uuid7
from tenants.session import ScopedSession


def record(session: ScopedSession, *facts: Fact) -> int:
    """Append facts in this transaction; those recorded before are passed over. Answers how many were new.

    Lock the customer's row first, so that the order of one person's events is the order in which they became true.
    """
    if not facts:
        return 0
    rows = [make_row(session, fact) for fact in facts]
    session.flush()
    # Through the connection: the ORM's bulk insert has nothing to add, and the brand is in every row.
    # The conflict names no target: naming one would ask for the right to see the row that stands in the way.
    # The database's clock orders one person's events: it is one for all machines, and read after her row is locked.
    append = insert(Event).values(created_at=func.clock_timestamp()).on_conflict_do_nothing().returning(col(Event.id))
    return len(session.connection().execute(append, rows).all())


def make_row(session: ScopedSession, fact: Fact) -> dict[str, Any]:
    """A fact as its row, but for when it was recorded."""
    return {
        "brand_id": session.scope.brand_id,
        "id": uuid7(),
        "type": fact.type,
        "customer_id": fact.customer_id,
        "store_no": fact.store_no,
        "account_no": fact.account_no,
        "occurred_at": fact.occurred_at,
        "data": fact.data(),
        "dedupe_key": fact.dedupe_key(),
    }


_COLUMNS = "brand_id, id, type, customer_id, store_no, account_no, occurred_at, data, dedupe_key"


def record_sql(source: str) -> str:
    """A part of a larger statement that appends the fact in `fact`, `make_row` as JSON, once `source` has its row."""
    return f"""
    INSERT INTO event ({_COLUMNS}, created_at)
    SELECT {_COLUMNS}, clock_timestamp()
    FROM (SELECT row.* FROM {source}, jsonb_populate_record(NULL::event, CAST(%(fact)s AS jsonb)) AS row) AS told
    ON CONFLICT DO NOTHING"""

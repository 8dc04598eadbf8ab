"""Reads of the spine, and the numbers behind its ids."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine, text
from sqlmodel import col, select

from app.events.models import Event
from tenants.brands.models import Counter
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession
from tenants.stores.models import Store


def list_unprojected_brands(engine: Engine) -> list[UUID]:
    """Brands whose spine holds events that the projector has not taken yet."""
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT list_unprojected_brands()")).scalars())


def lock_unprojected(session: ScopedSession, most: int) -> Sequence[Event]:
    """Up to `most` events without a `feed_no`, in the order in which they were recorded."""
    waiting = select(Event).where(col(Event.feed_no).is_(None))
    recorded = waiting.order_by(col(Event.created_at), col(Event.id))
    return session.exec(recorded.limit(most).with_for_update()).all()


def find_oldest_unprojected_at(session: ScopedSession) -> datetime | None:
    """When the event was recorded that has waited longest for the projector; None when nothing waits."""
    waiting = select(Event.created_at).where(col(Event.feed_no).is_(None))
    return session.exec(waiting.order_by(col(Event.created_at)).limit(1)).one_or_none()


def get_last_feed_no(session: ScopedSession) -> int:
    """The newest number of the brand's feed, 0 before the first."""
    return session.exec(select(Counter.value).where(col(Counter.kind) == "feed")).one_or_none() or 0


def find_feed_no_at(session: ScopedSession, since: datetime) -> int | None:
    """The number of the first event that was recorded at this moment or later; None where there is none.

    Ids are made in the order of time; a minute is added for clocks that differ and transactions that took long.
    """
    floor = UUID(int=max(0, int(since.timestamp() * 1000) - 60_000) << 80)
    found = select(Event.feed_no).where(col(Event.id) >= floor, col(Event.feed_no).is_not(None))
    return session.exec(found.order_by(col(Event.id)).limit(1)).one_or_none()


def list_feed(session: ScopedSession, *, after: int, until: int, types: Sequence[str], most: int) -> Sequence[Event]:
    """Up to `most` projected events with `after` < feed_no ≤ `until`, ascending; of all types when `types` is empty.

    A filter walks one index per store or type and merges, so that its cost does not grow with what it leaves out.
    """
    span = "event.brand_id = :brand_id AND event.feed_no > :after AND event.feed_no <= :until"
    of_types = "AND event.type = ANY(CAST(:types AS text[]))" if types else ""
    stores = session.scope.store_nos
    if stores is not None:
        source = _walk("unnest(CAST(:stores AS int[]))", "store_no", f"{span} {of_types}")
    elif types:
        source = _walk("unnest(CAST(:types AS text[]))", "type", span)
    else:
        source = f"event WHERE {span}"
    statement = text(f"SELECT event.* FROM {source} ORDER BY event.feed_no LIMIT :most")
    values = {
        "brand_id": session.scope.brand_id,
        "after": after,
        "until": until,
        "stores": sorted(stores or ()),
        "types": list(types),
        "most": most,
    }
    return session.scalars(select(Event).from_statement(statement), values).all()


def _walk(each: str, column: str, condition: str) -> str:
    return (
        f"{each} AS one(value) CROSS JOIN LATERAL (SELECT * FROM event"
        f" WHERE {condition} AND event.{column} = one.value ORDER BY event.feed_no LIMIT :most) AS event"
    )


def map_store_ids(session: ScopedSession, numbers: Collection[int]) -> dict[int, UUID]:
    """The ids of the stores with these numbers, as far as the scope sees them."""
    return dict(session.exec(select(Store.no, Store.id).where(col(Store.no).in_(numbers))).all())


def map_line_account_ids(session: ScopedSession, numbers: Collection[int]) -> dict[int, UUID]:
    """The ids of the LINE accounts with these numbers, as far as the scope sees them."""
    return dict(session.exec(select(LineAccount.no, LineAccount.id).where(col(LineAccount.no).in_(numbers))).all())

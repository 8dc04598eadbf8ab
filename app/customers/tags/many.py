"""Tags put on many people at once and taken off them: few statements, however many they are."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, TextClause, text

from app.customers.events import CustomerUpdated
from app.customers.locks import lock_customers
from app.customers.models import Customer, Tag
from app.events.service import record
from tenants.session import ScopedSession


@dataclass(frozen=True)
class _Carried:
    """A tag that came to somebody or went from her."""

    customer_id: UUID
    tag_no: int
    store_no: int | None


def put_on(
    session: ScopedSession, tag: Tag, ends: Mapping[UUID, datetime | None], *, source: str, now: datetime
) -> int:
    """Put a tag on people, each with the instant at which it ends; answers on how many it was not yet.

    Where this source put it before, its end moves on and never back; where another did, it stays as it is. Needs a
    session that sees all stores; some thousands in one transaction at most, since all are locked.
    """
    people = lock_customers(session, ends.keys())
    until: dict[UUID, datetime | None] = {}
    for asked, ends_at in ends.items():
        if asked in people:
            customer_id = people[asked].id
            until[customer_id] = _later(until[customer_id], ends_at) if customer_id in until else ends_at
    new = [customer_id for customer_id in until if tag.no not in people[customer_id].tag_nos]
    known = sorted(until.keys() - set(new))
    of_tag = {"tag_id": tag.id, "tag_no": tag.no, "store_no": tag.store_no, "source": source, "now": now}
    if known:
        _run(session, _EXTEND, **of_tag, ids=known, ends=[until[one] for one in known])
    if new:
        _run(session, _PUT_ON, **of_tag, ids=new, ends=[until[one] for one in new])
        _tell(session, [_Carried(one, tag.no, tag.store_no) for one in new], _ADD_NOS, now)
    return len(new)


def take_off(session: ScopedSession, tag: Tag, customer_ids: Collection[UUID], *, source: str, now: datetime) -> int:
    """Take a tag off those of these people on whom this source put it; answers how many they were."""
    people = lock_customers(session, customer_ids)
    ids = _ids(people.values())
    return _went(session, _run(session, _TAKE_OFF, ids=ids, tag_id=tag.id, source=source), now)


def take_off_ended(session: ScopedSession, most: int, now: datetime) -> int:
    """Take tags off whose time has come, from up to `most` people; answers how many tags they were."""
    waiting = _run(session, _ENDED, now=now, most=most).scalars().all()
    people = lock_customers(session, set(waiting))
    return _went(session, _run(session, _TAKE_OFF_ENDED, ids=_ids(people.values()), now=now), now)


def _went(session: ScopedSession, gone: CursorResult[Any], now: datetime) -> int:
    rows = [_Carried(row.customer_id, row.tag_no, row.store_no) for row in gone]
    _tell(session, rows, _REMOVE_NOS, now)
    return len(rows)


def _tell(session: ScopedSession, changed: Sequence[_Carried], nos: TextClause, now: datetime) -> None:
    """Bring the rows of these locked people up to date, and record that their tags changed."""
    if not changed:
        return
    ids = [one.customer_id for one in changed]
    _run(session, nos, ids=ids, nos=[one.tag_no for one in changed])
    _run(session, _TOUCH, ids=ids, stores=[one.store_no for one in changed], now=now)
    of_stores = [one for one in changed if one.store_no is not None]
    if of_stores:
        values = {"ids": [one.customer_id for one in of_stores], "stores": [one.store_no for one in of_stores]}
        _run(session, _TOUCH_AT_STORES, **values, now=now)
    record(session, *(CustomerUpdated(occurred_at=now, customer_id=one, fields=("tags",)) for one in sorted(set(ids))))
    session.expire_all()


def _run(session: ScopedSession, statement: TextClause, **values: Any) -> CursorResult[Any]:
    return session.connection().execute(statement, {"brand_id": session.scope.brand_id, **values})


def _ids(people: Iterable[Customer]) -> list[UUID]:
    return sorted({one.id for one in people})


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later end; a tag without one outlasts all others."""
    return max(one, other) if one is not None and other is not None else None


_GIVEN = "unnest(CAST(:ids AS uuid[]), CAST(:ends AS timestamptz[])) AS given (customer_id, ends_at)"
_PUT_ON = text(
    f"""
    INSERT INTO customer_tag (brand_id, customer_id, tag_id, tag_no, store_no, source, tagged_at, expires_at)
    SELECT :brand_id, customer_id, :tag_id, :tag_no, CAST(:store_no AS int), :source, :now, ends_at FROM {_GIVEN}
    """
)
_EXTEND = text(
    f"""
    UPDATE customer_tag AS kept SET expires_at = given.ends_at FROM {_GIVEN}
    WHERE kept.brand_id = :brand_id AND kept.customer_id = given.customer_id AND kept.tag_id = :tag_id
        AND kept.source = :source AND kept.expires_at < coalesce(given.ends_at, 'infinity')
    """
)
_TAKE_OFF = text(
    """
    DELETE FROM customer_tag
    WHERE brand_id = :brand_id AND customer_id = ANY(:ids) AND tag_id = :tag_id AND source = :source
    RETURNING customer_id, tag_no, store_no
    """
)
_ENDED = text(
    """
    SELECT customer_id FROM customer_tag WHERE brand_id = :brand_id AND expires_at <= :now
    ORDER BY expires_at LIMIT :most
    """
)
_TAKE_OFF_ENDED = text(
    """
    DELETE FROM customer_tag WHERE brand_id = :brand_id AND customer_id = ANY(:ids) AND expires_at <= :now
    RETURNING customer_id, tag_no, store_no
    """
)
_CHANGED = """
    (SELECT customer_id, array_agg(no ORDER BY place) AS nos
     FROM unnest(CAST(:ids AS uuid[]), CAST(:nos AS int[])) WITH ORDINALITY AS one (customer_id, no, place)
     GROUP BY 1) AS changed
    WHERE customer.brand_id = :brand_id AND customer.id = changed.customer_id
"""
_ADD_NOS = text(f"UPDATE customer SET tag_nos = customer.tag_nos || changed.nos FROM {_CHANGED}")
_REMOVE_NOS = text(
    f"""
    UPDATE customer SET tag_nos = ARRAY(
        SELECT no FROM unnest(customer.tag_nos) WITH ORDINALITY AS held (no, place)
        WHERE no <> ALL (changed.nos) ORDER BY place
    ) FROM {_CHANGED}
    """
)
# A tag of the brand is seen by all of her stores, one of a store by that store alone.
_TOUCH = text(
    """
    UPDATE customer
    SET updated_at = :now, profile_updated_at = CASE WHEN is_brands THEN :now ELSE profile_updated_at END
    FROM (SELECT customer_id, bool_or(store_no IS NULL) AS is_brands
          FROM unnest(CAST(:ids AS uuid[]), CAST(:stores AS int[])) AS one (customer_id, store_no)
          GROUP BY 1) AS changed
    WHERE customer.brand_id = :brand_id AND customer.id = changed.customer_id
    """
)
_TOUCH_AT_STORES = text(
    """
    UPDATE customer_store AS kept SET updated_at = :now
    FROM (SELECT DISTINCT customer_id, store_no
          FROM unnest(CAST(:ids AS uuid[]), CAST(:stores AS int[])) AS one (customer_id, store_no)) AS changed
    WHERE kept.brand_id = :brand_id AND kept.customer_id = changed.customer_id AND kept.store_no = changed.store_no
    """
)

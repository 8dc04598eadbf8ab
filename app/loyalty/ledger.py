"""The ledger: entries are added, never changed, and what they come to is added up anew in the same transaction.

Whoever adds one holds the customer's row, as whoever joins two customers does; the member's row is written last. All
of it needs a session of the whole brand.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from app.events.service import record
from app.loyalty import queries
from app.loyalty.events import PointsChanged
from app.loyalty.lots import Holding, hold
from app.loyalty.models import LoyaltyMember, PointEntry
from app.loyalty.rules import list_ranks, rank_for, window_start
from tenants.ids import encode_id, uuid7
from tenants.session import ScopedSession


def add(
    session: ScopedSession, entries: Sequence[PointEntry], now: datetime, *, also: Collection[UUID] = ()
) -> dict[UUID, Holding]:
    """Add entries of locked customers, and what of theirs has expired; answers what each has then.

    Those named in `also` are added up too, since their rank may have changed.
    """
    for entry in entries:
        if entry.lot_id is None and entry.delta > 0:
            entry.lot_id = entry.id
    session.add_all(entries)
    session.flush()
    held, expired = _add_up(session, {entry.customer_id for entry in entries}.union(also), now)
    _tell(session, [*entries, *expired], held, now)
    return held


def add_up(session: ScopedSession, customer_ids: Collection[UUID], now: datetime) -> dict[UUID, Holding]:
    """Let what has expired of these locked customers' points go, and write down what each has and which rank."""
    held, expired = _add_up(session, customer_ids, now)
    _tell(session, expired, held, now)
    return held


def _add_up(
    session: ScopedSession, customer_ids: Collection[UUID], now: datetime
) -> tuple[dict[UUID, Holding], list[PointEntry]]:
    held = _hold(session, customer_ids)
    expired = [entry for customer_id, one in held.items() for entry in _expire(customer_id, one, now)]
    if expired:
        session.add_all(expired)
        session.flush()
        held |= _hold(session, {entry.customer_id for entry in expired})
    ranks = find_ranks(session, customer_ids, now)
    rows = [
        {
            "brand_id": session.scope.brand_id,
            "customer_id": customer_id,
            "points": one.points,
            "rank": ranks.get(customer_id),
            "due_at": min((lot.expires_at for lot in one.lots if lot.expires_at is not None), default=None),
            "updated_at": now,
        }
        for customer_id, one in sorted(held.items())
    ]
    if rows:
        _write(session, rows)
    return held, expired


def _hold(session: ScopedSession, customer_ids: Collection[UUID]) -> dict[UUID, Holding]:
    lines = queries.map_lines(session, customer_ids)
    return {customer_id: hold(lines.get(customer_id, ())) for customer_id in customer_ids}


def _expire(customer_id: UUID, held: Holding, now: datetime) -> list[PointEntry]:
    """Entries that take what has expired away."""
    made = []
    for lot in held.lots:
        if lot.expires_at is not None and lot.expires_at <= now:
            entry_id = uuid7()
            entry = PointEntry(
                id=entry_id,
                created_at=now,
                customer_id=customer_id,
                kind="expire",
                origin="expiry",
                delta=-lot.left,
                source_ref=encode_id("pnt", entry_id),
                lot_id=lot.id,
                occurred_at=lot.expires_at,
            )
            made.append(entry)
    return made


def give_back_expired(entry: PointEntry, left_of_lot: int, now: datetime) -> list[PointEntry]:
    """What must come back of a lot before an entry takes more of it than is there: points of it that had expired.

    They were hers to spend and she did not: taking them back as well would make a debt of what she never had.
    """
    short = -(left_of_lot + entry.delta)
    if short <= 0:
        return []
    entry_id = uuid7()
    back = PointEntry(
        id=entry_id,
        created_at=now,
        customer_id=entry.customer_id,
        kind="expire",
        origin="expiry",
        delta=short,
        source_ref=encode_id("pnt", entry_id),
        lot_id=entry.lot_id,
        occurred_at=now,
    )
    return [back]


def find_ranks(session: ScopedSession, customer_ids: Collection[UUID], now: datetime) -> dict[UUID, str | None]:
    """The key of the rank that each of these customers has now; nothing where the programme has no ranks."""
    programme = queries.find_programme(session, now)
    if programme is None or not programme.rules.get("ranks"):
        return {}
    ranks = list_ranks(programme.rules)
    figures = map_figures(session, programme.rules, customer_ids, now)
    found = {customer_id: rank_for(ranks, figures.get(customer_id, 0)) for customer_id in customer_ids}
    return {customer_id: rank.key if rank else None for customer_id, rank in found.items()}


def map_figures(
    session: ScopedSession, rules: Mapping[str, Any], customer_ids: Collection[UUID], now: datetime
) -> dict[UUID, int]:
    """What counts for each customer's rank: yen spent or points earned since the window's start."""
    since = window_start(rules, now, queries.zone_of(session))
    count = queries.sum_spend if rules["ranks"]["by"] == "spend" else queries.sum_earned
    return count(session, customer_ids, since)


def _write(session: ScopedSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what members have; a member's code stays."""
    statement = insert(LoyaltyMember).values(list(rows))
    told = {name: statement.excluded[name] for name in ("points", "rank", "due_at", "updated_at")}
    key = [col(LoyaltyMember.brand_id), col(LoyaltyMember.customer_id)]
    session.connection().execute(statement.on_conflict_do_update(index_elements=key, set_=told))


def _tell(session: ScopedSession, entries: Sequence[PointEntry], held: Mapping[UUID, Holding], now: datetime) -> None:
    """Record each entry as a fact, with what the customer had after it."""
    after = {customer_id: one.points for customer_id, one in held.items()}
    facts = []
    for entry in reversed(entries):
        had = after[entry.customer_id]
        after[entry.customer_id] = had - entry.delta
        fact = PointsChanged(
            occurred_at=now,
            customer_id=entry.customer_id,
            store_no=entry.store_no,
            point_entry_id=entry.id,
            kind=entry.kind,
            origin=entry.origin,
            delta=entry.delta,
            points=max(0, had),
            debt=max(0, -had),
        )
        facts.append(fact)
    record(session, *reversed(facts))

"""Reads of the programme, the ledger and the members."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import col, select

from app.commerce.models import Order, Visit
from app.customers.models import Customer
from app.customers.queries import is_present, list_ids_of, resolve_id
from app.events.models import Event
from app.loyalty.lots import Line
from app.loyalty.models import LoyaltyMember, PointEntry, PointProgramme
from app.loyalty.rules import Rank, Rules, list_ranks, rank_for
from tenants.brands.queries import get_brand
from tenants.session import ScopedSession
from tenants.stores.models import Store

Row = TypeVar("Row", Order, Visit)


@dataclass(frozen=True)
class LoyaltyStanding:
    """How a customer stands in the brand's programme; `points` and `rank` are None where there is none."""

    points: int | None
    """What she may spend: never below zero."""
    debt: int = 0
    """What was taken back after she had spent it; the next points pay it off."""
    rank: str | None = None
    """The rank's key, as the programme and segments name it."""
    rank_name_ja: str | None = None
    rank_name_en: str | None = None


@dataclass(frozen=True)
class Filters:
    """Which entries a list holds; None does not filter."""

    customer_id: UUID | None = None
    store_no: int | None = None
    kind: str | None = None


def list_store_ids(session: ScopedSession) -> set[UUID]:
    """The stores that the scope sees."""
    return set(session.exec(select(Store.id)).all())


def zone_of(session: ScopedSession) -> ZoneInfo:
    """The brand's zone."""
    return ZoneInfo(get_brand(session, session.scope.brand_id).timezone)


def find_programme(session: ScopedSession, now: datetime) -> PointProgramme | None:
    """The programme in force, or None where the brand has none."""
    in_force = select(PointProgramme).where(col(PointProgramme.starts_at) <= now)
    return session.exec(in_force.order_by(col(PointProgramme.starts_at).desc()).limit(1)).one_or_none()


def list_programmes(session: ScopedSession) -> Sequence[PointProgramme]:
    """All that the programme ever was, oldest first."""
    return session.exec(select(PointProgramme).order_by(col(PointProgramme.starts_at))).all()


def has_programme(session: ScopedSession) -> bool:
    """Whether the brand has a programme."""
    return session.exec(select(PointProgramme.id).limit(1)).first() is not None


def read_standing(session: ScopedSession, customer_id: UUID, now: datetime) -> LoyaltyStanding:
    """How a customer stands. Who was merged is the one into whom; who never earned has nothing, and the lowest rank."""
    programme = find_programme(session, now)
    if programme is None:
        return LoyaltyStanding(None)
    member = find_member(session, resolve_id(session, customer_id))
    points = member.points if member is not None else 0
    rank = rank_of(member, programme.rules)
    return LoyaltyStanding(
        points=max(0, points),
        debt=max(0, -points),
        rank=rank.key if rank else None,
        rank_name_ja=rank.name_ja if rank else None,
        rank_name_en=rank.name_en if rank else None,
    )


def rank_of(member: LoyaltyMember | None, rules: Rules) -> Rank | None:
    """A member's rank, if the programme has it; of one who never did anything, that for which nothing is needed."""
    ranks = list_ranks(rules)
    if member is None or member.rank is None:
        return rank_for(ranks, 0)
    return next((rank for rank in ranks if rank.key == member.rank), None)


def find_lowest_rank(session: ScopedSession, now: datetime) -> str | None:
    """The key of the rank for which nothing is needed, if the brand has one."""
    programme = find_programme(session, now)
    rank = rank_for(list_ranks(programme.rules), 0) if programme is not None else None
    return rank.key if rank else None


def map_rank_names(session: ScopedSession, now: datetime) -> dict[str, tuple[str, str]]:
    """The names of ranks, in Japanese and English, by key."""
    programme = find_programme(session, now)
    ranks = list_ranks(programme.rules) if programme is not None else []
    return {rank.key: (rank.name_ja, rank.name_en) for rank in ranks}


def find_member(session: ScopedSession, customer_id: UUID) -> LoyaltyMember | None:
    """What a customer's entries come to, as it stands now; None before the first one."""
    member = select(LoyaltyMember).where(col(LoyaltyMember.customer_id) == customer_id)
    return session.exec(member.execution_options(populate_existing=True)).one_or_none()


def map_members(session: ScopedSession, customer_ids: Collection[UUID]) -> dict[UUID, LoyaltyMember]:
    """Members by customer, as they stand now."""
    members = select(LoyaltyMember).where(col(LoyaltyMember.customer_id).in_(customer_ids))
    return {row.customer_id: row for row in session.exec(members.execution_options(populate_existing=True)).all()}


def list_entries(session: ScopedSession, filters: Filters) -> Any:
    """The entries that the scope sees, to be paged: a store those of its own stores."""
    entries = select(PointEntry)
    if filters.customer_id is not None:
        entries = entries.where(col(PointEntry.customer_id).in_(list_ids_of(session, filters.customer_id)))
    if filters.store_no is not None:
        entries = entries.where(col(PointEntry.store_no) == filters.store_no)
    if filters.kind is not None:
        entries = entries.where(col(PointEntry.kind) == filters.kind)
    return entries


def find_by_source(session: ScopedSession, kind: str, origin: str, source_ref: str) -> PointEntry | None:
    """The entry of a source, if there is one."""
    entry = select(PointEntry).where(
        col(PointEntry.kind) == kind, col(PointEntry.origin) == origin, col(PointEntry.source_ref) == source_ref
    )
    return session.exec(entry).one_or_none()


def sum_undone(session: ScopedSession, entry_id: UUID, customer_id: UUID) -> int:
    """How much of an entry of hers was taken back or given back already."""
    undone: Any = func.coalesce(func.sum(func.abs(PointEntry.delta)), 0)
    entries = select(undone).where(col(PointEntry.customer_id) == customer_id, col(PointEntry.undoes_id) == entry_id)
    return int(session.exec(entries).one())


def sum_lot(session: ScopedSession, lot_id: UUID, customer_id: UUID) -> int:
    """What was given in a lot of hers, less what was taken back of it or has expired."""
    given: Any = func.coalesce(func.sum(PointEntry.delta), 0)
    entries = select(given).where(col(PointEntry.customer_id) == customer_id, col(PointEntry.lot_id) == lot_id)
    return int(session.exec(entries).one())


@dataclass(frozen=True)
class Given:
    """What one customer was given for an order or a visit at one store."""

    thing_id: UUID
    customer_id: UUID
    store_no: int | None
    store_id: UUID | None
    lot_id: UUID
    payer: str | None
    points: int
    """What was earned, less what was taken back."""
    entries: int
    """How many entries say so."""


def list_given(session: ScopedSession, thing: Any, thing_ids: Collection[UUID]) -> list[Given]:
    """What was given for these orders or visits; `thing` is the column that names them."""
    points: Any = func.sum(PointEntry.delta)
    columns = (thing, PointEntry.customer_id, PointEntry.store_no, PointEntry.store_id, PointEntry.lot_id)
    payer: Any = func.max(PointEntry.payer)
    entries: Any = select(*columns, payer, points, func.count())  # type: ignore[call-overload]
    entries = entries.where(col(thing).in_(thing_ids))
    found = session.exec(entries.group_by(*columns)).all()
    return [
        Given(thing_id, customer_id, store_no, store_id, lot_id, paid_by, int(sum_), count)
        for thing_id, customer_id, store_no, store_id, lot_id, paid_by, sum_, count in found
    ]


def list_given_days(session: ScopedSession, visit_ids: Collection[UUID]) -> list[tuple[UUID, datetime]]:
    """Whom these visits earned points, and when they were then."""
    entries = select(PointEntry.customer_id, PointEntry.occurred_at).where(
        col(PointEntry.visit_id).in_(visit_ids), col(PointEntry.kind) == "earn"
    )
    return [(row[0], row[1]) for row in session.exec(entries.distinct()).all()]


def list_by_ids(session: ScopedSession, table: type[Row], ids: Collection[UUID]) -> Sequence[Row]:
    """Orders or visits as they stand now."""
    rows = select(table).where(col(table.id).in_(ids)).order_by(col(table.id))
    return session.exec(rows.execution_options(populate_existing=True)).all()


def list_visits(
    session: ScopedSession, customer_ids: Collection[UUID], since: datetime, until: datetime
) -> Sequence[Visit]:
    """The visits of these customers from `since` on and before `until`, in their order."""
    visits = select(Visit).where(
        col(Visit.customer_id).in_(customer_ids), col(Visit.visited_at) >= since, col(Visit.visited_at) < until
    )
    return session.exec(visits.order_by(col(Visit.visited_at), col(Visit.id))).all()


def count_stamps(
    session: ScopedSession,
    customer_ids: Collection[UUID],
    since: datetime,
    until: datetime | None,
    *,
    most_per_day: int,
    zone: ZoneInfo,
) -> dict[UUID, int]:
    """How often each of these customers came in a span of time, each local day counted up to so many times."""
    day = func.date(func.timezone(str(zone), Visit.visited_at)).label("day")
    times = func.least(func.count(), most_per_day).label("times")
    came: Any = select(col(Visit.customer_id).label("customer_id"), day, times).where(
        col(Visit.customer_id).in_(customer_ids), col(Visit.visited_at) >= since
    )
    if until is not None:
        came = came.where(col(Visit.visited_at) < until)
    days = came.group_by(col(Visit.customer_id), day).subquery()
    sums: Any = select(days.c.customer_id, func.sum(days.c.times)).group_by(days.c.customer_id)
    return {row[0]: int(row[1]) for row in session.exec(sums).all()}


def list_events(session: ScopedSession, event_ids: Collection[UUID]) -> Sequence[Event]:
    """Events of these ids, in the order in which they became known."""
    events = select(Event).where(col(Event.id).in_(event_ids))
    return session.exec(events.order_by(col(Event.id))).all()


def list_earned(session: ScopedSession, customer_ids: Collection[UUID], origin: str) -> Sequence[PointEntry]:
    """The entries of these customers that came of `origin`, oldest first."""
    entries = select(PointEntry).where(col(PointEntry.customer_id).in_(customer_ids), col(PointEntry.origin) == origin)
    return session.exec(entries.order_by(col(PointEntry.id)).execution_options(populate_existing=True)).all()


def list_due(session: ScopedSession, after: UUID, now: datetime, most: int) -> list[UUID]:
    """Members of whose points some have expired, in the order of their ids."""
    due = select(LoyaltyMember.customer_id).where(
        col(LoyaltyMember.due_at) <= now, col(LoyaltyMember.customer_id) > after
    )
    return list(session.exec(due.order_by(col(LoyaltyMember.customer_id)).limit(most)).all())


def list_customer_ids(session: ScopedSession, after: UUID, most: int) -> list[UUID]:
    """Customers who are present, in the order of their ids."""
    ids = select(Customer.id).where(is_present(), col(Customer.id) > after)
    return list(session.exec(ids.order_by(col(Customer.id)).limit(most)).all())


def map_lines(session: ScopedSession, customer_ids: Collection[UUID]) -> Mapping[UUID, list[Line]]:
    """All that the ledger says of these customers. Needs a session of the whole brand."""
    columns = (PointEntry.customer_id, PointEntry.kind, PointEntry.delta, PointEntry.lot_id, PointEntry.expires_at)
    found: defaultdict[UUID, list[Line]] = defaultdict(list)
    entries: Any = select(*columns).where(col(PointEntry.customer_id).in_(customer_ids))  # type: ignore[call-overload]
    for customer_id, kind, delta, lot_id, expires_at in session.exec(entries).all():
        found[customer_id].append(Line(kind, delta, lot_id, expires_at))
    return found


def sum_spend(session: ScopedSession, customer_ids: Collection[UUID], since: datetime) -> dict[UUID, int]:
    """What these customers bought for since then, in yen, at all stores."""
    spent: Any = func.sum(col(Order.amount_yen) - col(Order.refunded_yen))
    bought = select(Order.customer_id, spent).where(
        col(Order.customer_id).in_(customer_ids), col(Order.ordered_at) >= since
    )
    found = session.exec(bought.group_by(col(Order.customer_id))).all()
    return {customer_id: int(yen) for customer_id, yen in found if customer_id is not None}


def sum_earned(session: ScopedSession, customer_ids: Collection[UUID], since: datetime) -> dict[UUID, int]:
    """What these customers earned since then, in points, less what of it was taken back."""
    earned: Any = func.sum(PointEntry.delta)
    entries = select(PointEntry.customer_id, earned).where(
        col(PointEntry.customer_id).in_(customer_ids),
        col(PointEntry.kind).in_(("earn", "refund")),
        col(PointEntry.occurred_at) >= since,
    )
    return {row[0]: int(row[1]) for row in session.exec(entries.group_by(col(PointEntry.customer_id))).all()}

"""What orders, visits and actions earn, brought to what they should have earned as they stand now.

Nothing is added up from what is told of a change: a job compares the order, as it stands, with what the ledger says of
it, and writes the difference. So it does not matter how often or in which order changes are told, and an order whose
amount shrank, or that turned out to be somebody else's, takes back what it had given.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.commerce.models import Order, Visit
from app.customers.locks import lock_customers, lock_found
from app.customers.models import Customer
from app.loyalty import ledger, queries
from app.loyalty.models import PointEntry, PointProgramme
from app.loyalty.queries import Given
from app.loyalty.rules import ACTIONS, Rules, expiry_of, points_for
from tenants.ids import encode_id, uuid7
from tenants.session import ScopedSession


@dataclass(frozen=True)
class Earning:
    """What an order or a visit should have earned as it stands: whom, where, when and how many points."""

    thing_id: UUID
    customer_id: UUID | None
    store_id: UUID
    store_no: int
    at: datetime
    points: int
    rules: Rules | None


@dataclass(frozen=True)
class Kind:
    """What tells orders from visits: the origin of their entries, the column that names them, the prefix of ids."""

    origin: str
    column: Any
    prefix: str


ORDERS: Final = Kind("order", PointEntry.order_id, "ord")
VISITS: Final = Kind("visit", PointEntry.visit_id, "vis")


def rules_at(programmes: Sequence[PointProgramme], at: datetime) -> Rules | None:
    """The rules in force at an instant; None before there was a programme."""
    return next((one.rules for one in reversed(programmes) if one.starts_at <= at), None)


def settle_orders(session: ScopedSession, order_ids: Collection[UUID], now: datetime) -> None:
    """Bring what these orders earned to what they should have earned. Needs the whole brand; nobody is locked yet."""
    programmes = queries.list_programmes(session)
    if not programmes:
        return

    def find() -> set[UUID]:
        return _list_people(queries.list_by_ids(session, Order, order_ids), session, ORDERS, order_ids)

    people = lock_found(session, find)
    earnings = []
    for order in queries.list_by_ids(session, Order, order_ids):
        rules = rules_at(programmes, order.ordered_at)
        points = points_for(rules, order.amount_yen - order.refunded_yen, order.store_id) if rules else 0
        whose = order.customer_id
        earnings.append(Earning(order.id, whose, order.store_id, order.store_no, order.ordered_at, points, rules))
    entries = _compare(session, ORDERS, earnings, people, now)
    ledger.add(session, entries, now, also={customer.id for customer in people.values()})


def settle_visits(session: ScopedSession, visit_ids: Collection[UUID], now: datetime) -> None:
    """Bring what these visits earned to what they should have earned, with all others of the same people and days."""
    programmes = queries.list_programmes(session)
    if not programmes:
        return

    def find() -> set[UUID]:
        return _list_people(queries.list_by_ids(session, Visit, visit_ids), session, VISITS, visit_ids)

    people = lock_found(session, find)
    zone = queries.zone_of(session)
    visits = {visit.id: visit for visit in queries.list_by_ids(session, Visit, visit_ids)}
    spans = {(one.customer_id, _day(one.visited_at, zone)) for one in visits.values() if one.customer_id is not None}
    spans |= {(who, _day(at, zone)) for who, at in queries.list_given_days(session, visit_ids)}
    visits |= {visit.id: visit for visit in _list_of_days(session, spans, zone)}
    earnings = list(_earn_by_day(visits.values(), programmes, zone))
    customer_ids = {customer.id for customer in people.values()}
    ledger.add(session, _compare(session, VISITS, earnings, people, now), now, also=customer_ids)
    settle_stamps(session, customer_ids, now)


def _list_people(
    rows: Iterable[Order | Visit], session: ScopedSession, kind: Kind, thing_ids: Collection[UUID]
) -> set[UUID]:
    """Whose these are, and to whom points were given for them."""
    given = {one.customer_id for one in queries.list_given(session, kind.column, thing_ids)}
    return given | {row.customer_id for row in rows if row.customer_id is not None}


def _day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _list_of_days(session: ScopedSession, spans: Collection[tuple[UUID, date]], zone: ZoneInfo) -> list[Visit]:
    """All visits of these people on these days."""
    if not spans:
        return []
    first, last = min(day for _, day in spans), max(day for _, day in spans)
    since = datetime.combine(first, time(), tzinfo=zone)
    until = datetime.combine(last + timedelta(days=1), time(), tzinfo=zone)
    found = queries.list_visits(session, {who for who, _ in spans}, since, until)
    return [one for one in found if (one.customer_id, _day(one.visited_at, zone)) in spans]


def _earn_by_day(visits: Iterable[Visit], programmes: Sequence[PointProgramme], zone: ZoneInfo) -> Iterable[Earning]:
    """What each visit should have earned: the first ones of a day, up to the day's limit."""
    times: dict[tuple[UUID | None, date], int] = {}
    for visit in sorted(visits, key=lambda one: (one.visited_at, one.id)):
        rules = rules_at(programmes, visit.visited_at)
        rule = rules.get("visits") if rules else None
        key = (visit.customer_id, _day(visit.visited_at, zone))
        points = rule["points"] if rule is not None and times.get(key, 0) < rule["most_per_day"] else 0
        times[key] = times.get(key, 0) + (1 if rule is not None else 0)
        yield Earning(visit.id, visit.customer_id, visit.store_id, visit.store_no, visit.visited_at, points, rules)


def _compare(
    session: ScopedSession, kind: Kind, earnings: Sequence[Earning], people: dict[UUID, Customer], now: datetime
) -> list[PointEntry]:
    """The entries that bring the ledger to these earnings; nothing of those who were erased."""
    zone = queries.zone_of(session)
    given: dict[UUID, list[Given]] = {}
    for one in queries.list_given(session, kind.column, [earning.thing_id for earning in earnings]):
        given.setdefault(one.thing_id, []).append(one)
    made: list[PointEntry] = []
    for earning in earnings:
        known = given.get(earning.thing_id, [])
        number = sum(one.entries for one in known)
        owner = people.get(earning.customer_id) if earning.customer_id is not None else None
        hers = [one for one in known if owner and (one.customer_id, one.store_no) == (owner.id, earning.store_no)]
        had = sum(one.points for one in hers)
        if owner is not None and earning.points > had:
            number += 1
            lot_id = hers[0].lot_id if hers else None
            entry = _give(kind, earning, owner.id, earning.points - had, lot_id, number, now)
            entry.expires_at = expiry_of(earning.rules or {}, earning.at, zone)
            made.append(entry)
        keep = earning.points
        for one in known:
            # What is too much of her own, or all that somebody else or another store was given for it.
            keeps = min(one.points, keep) if one in hers else 0
            keep -= keeps
            if one.points > keeps and one.customer_id in people:
                number += 1
                made += _take_back(session, kind, one, one.points - keeps, number, now)
    return made


def _give(
    kind: Kind, earning: Earning, customer_id: UUID, points: int, lot_id: UUID | None, number: int, now: datetime
) -> PointEntry:
    return PointEntry(
        id=uuid7(),
        created_at=now,
        customer_id=customer_id,
        kind="earn",
        origin=kind.origin,
        delta=points,
        source_ref=f"{encode_id(kind.prefix, earning.thing_id)}:{number}",
        store_id=earning.store_id,
        store_no=earning.store_no,
        payer=(earning.rules or {}).get("payer", "brand"),
        lot_id=lot_id,
        occurred_at=earning.at,
        order_id=earning.thing_id if kind is ORDERS else None,
        visit_id=earning.thing_id if kind is VISITS else None,
    )


def _take_back(
    session: ScopedSession, kind: Kind, given: Given, points: int, number: int, now: datetime
) -> list[PointEntry]:
    entry = PointEntry(
        id=uuid7(),
        created_at=now,
        customer_id=given.customer_id,
        kind="refund",
        origin=kind.origin,
        delta=-points,
        source_ref=f"{encode_id(kind.prefix, given.thing_id)}:{number}",
        store_id=given.store_id,
        store_no=given.store_no,
        payer=given.payer,
        lot_id=given.lot_id,
        occurred_at=now,
        order_id=given.thing_id if kind is ORDERS else None,
        visit_id=given.thing_id if kind is VISITS else None,
    )
    left = queries.sum_lot(session, given.lot_id, given.customer_id)
    return [*ledger.give_back_expired(entry, left, now), entry]


def settle_stamps(session: ScopedSession, customer_ids: Collection[UUID], now: datetime) -> None:
    """Bring what full cards of stamps gave these locked customers to what they should have given."""
    programmes = queries.list_programmes(session)
    wanted = dict.fromkeys(customer_ids, 0)
    zone = queries.zone_of(session)
    for rule, since, until in _list_stamp_rules(programmes):
        most = rule["most_per_day"]
        stamps = queries.count_stamps(session, customer_ids, since, until, most_per_day=most, zone=zone)
        for customer_id, count in stamps.items():
            wanted[customer_id] += count // rule["visits"] * rule["points"]
    entries: list[PointEntry] = []
    lots: dict[UUID, dict[UUID, int]] = {}
    for one in queries.list_earned(session, customer_ids, "stamps"):
        if one.lot_id is not None:
            lots.setdefault(one.customer_id, {}).setdefault(one.lot_id, 0)
            lots[one.customer_id][one.lot_id] += one.delta
    rules = rules_at(programmes, now) or {}
    for customer_id, points in wanted.items():
        over = sum(lots.get(customer_id, {}).values()) - points
        if over < 0:
            entry = _stamp(customer_id, "earn", -over, now)
            entry.expires_at = expiry_of(rules, now, zone)
            entries.append(entry)
        for lot_id, granted in reversed(lots.get(customer_id, {}).items()):
            taken = min(over, granted)
            if taken > 0:
                over -= taken
                entry = _stamp(customer_id, "refund", -taken, now)
                entry.lot_id = lot_id
                left = queries.sum_lot(session, lot_id, customer_id)
                entries += [*ledger.give_back_expired(entry, left, now), entry]
    if entries:
        ledger.add(session, entries, now)


def _list_stamp_rules(programmes: Sequence[PointProgramme]) -> list[tuple[Rules, datetime, datetime | None]]:
    """Each rule of stamps with the time in which it held: a change of other rules does not empty a card."""
    found: list[tuple[Rules, datetime, datetime | None]] = []
    spans = zip(programmes, [*(one.starts_at for one in programmes[1:]), None], strict=True)
    for programme, until in spans:
        rule = programme.rules.get("stamps")
        if rule and found and found[-1][0] == rule and found[-1][2] == programme.starts_at:
            found[-1] = (rule, found[-1][1], until)
        elif rule:
            found.append((rule, programme.starts_at, until))
    return found


def _stamp(customer_id: UUID, kind: str, delta: int, now: datetime) -> PointEntry:
    entry_id = uuid7()
    return PointEntry(
        id=entry_id,
        created_at=now,
        customer_id=customer_id,
        kind=kind,
        origin="stamps",
        delta=delta,
        source_ref=encode_id("pnt", entry_id),
        payer="brand",
        occurred_at=now,
    )


def settle_actions(session: ScopedSession, event_ids: Collection[UUID], now: datetime) -> None:
    """Give what these events earn, each once, and each action as often as the programme says for one customer."""
    programmes = queries.list_programmes(session)
    events = [
        one for one in queries.list_events(session, event_ids) if one.type in ACTIONS and one.customer_id is not None
    ]
    people = lock_customers(session, {one.customer_id for one in events if one.customer_id is not None})
    zone = queries.zone_of(session)
    given = queries.list_earned(session, {customer.id for customer in people.values()}, "action")
    known = {one.source_ref for one in given}
    times: dict[tuple[UUID, str], int] = {}
    for one in given:
        key = (one.customer_id, one.source_ref.partition(":")[0])
        times[key] = times.get(key, 0) + 1
    entries = []
    for event in events:
        customer = people.get(event.customer_id) if event.customer_id is not None else None
        rules = rules_at(programmes, event.occurred_at)
        for action in rules.get("actions", ()) if rules and customer else ():
            source_ref = f"{action['key']}:{encode_id('evt', event.id)}"
            if customer is None or action["event"] != event.type or source_ref in known:
                continue
            key = (customer.id, action["key"])
            times[key] = times.get(key, 0) + 1
            if times[key] > action["most"]:
                continue
            entry = PointEntry(
                id=uuid7(),
                created_at=now,
                customer_id=customer.id,
                kind="earn",
                origin="action",
                delta=action["points"],
                reason=action["key"],
                source_ref=source_ref,
                payer="brand",
                occurred_at=event.occurred_at,
                expires_at=expiry_of(rules or {}, event.occurred_at, zone),
            )
            entries.append(entry)
    if entries:
        ledger.add(session, entries, now)

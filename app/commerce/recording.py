"""What happened at a store, recorded once by the partner's own id, with the customer's summary exact beside it.

Orders and visits are recorded alike. What tells them apart stands in a `Kind`; see `service.py`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from app.commerce import queries
from app.commerce.models import Order, Visit
from app.commerce.schemas import CUSTOMER_FIELDS, Told
from app.customers.consents.service import CLOCKS_DIFFER_BY
from app.customers.events import CustomerCreated
from app.customers.joining.conflicts import disagree
from app.customers.locks import lock_found, lock_names
from app.customers.models import Customer, CustomerStore
from app.customers.queries import list_by_keys, sees
from app.customers.summary import settle_usual_stores
from app.events.facts import Fact
from app.events.service import record
from tenants.ids import uuid7
from tenants.problems import Conflict, Invalid, NotFound, Problem
from tenants.scope import Scope
from tenants.session import ScopedSession
from tenants.stores.models import Store

Row = TypeVar("Row", Order, Visit)


@dataclass(frozen=True)
class Said:
    """What is said of one order or visit: who was where, when, and for how much."""

    customer_id: UUID | None
    store_id: UUID
    store_no: int
    at: datetime
    amount_yen: int = 0
    refunded_yen: int = 0
    """What of it was given back, which only a refund changes."""

    @property
    def left_yen(self) -> int:
        """What is left of the amount, by which it counts."""
        return self.amount_yen - self.refunded_yen

    def place(self) -> tuple[UUID | None, UUID, datetime]:
        """Whose figures it counts in, and when."""
        return self.customer_id, self.store_id, self.at


@dataclass(frozen=True)
class Kind(Generic[Row]):
    """What tells orders from visits."""

    noun: str
    table: type[Row]
    at: str
    """The name of its instant, in bodies and rows."""
    last: str
    """The column of a summary that holds the newest such instant."""
    count: Callable[[ScopedSession, Customer, Store, int, Said, datetime], None]
    """Adds it to (1) or takes it from (-1) what a locked customer did."""
    tell: Callable[[Row, Said, int, int, datetime], Fact]
    """The fact of it, with the difference in yen and in number."""

    def read(self, source: Any, customer_id: UUID | None, store_id: UUID, store_no: int) -> Said:
        """What a body or a row says."""
        amount_yen, refunded_yen = getattr(source, "amount_yen", 0), getattr(source, "refunded_yen", 0)
        return Said(customer_id, store_id, store_no, getattr(source, self.at), amount_yen, refunded_yen)

    def columns(self, said: Said) -> dict[str, Any]:
        """What is said, by column."""
        place = {"customer_id": said.customer_id, "store_id": said.store_id, "store_no": said.store_no}
        amount: dict[str, Any] = {"amount_yen": said.amount_yen} if self.table is Order else {}
        return {**place, **amount, self.at: said.at}


@dataclass(frozen=True)
class Recorded(Generic[Row]):
    """An order or a visit as it stands, and whether it is new."""

    row: Row
    is_new: bool


@dataclass(frozen=True)
class _Known(Generic[Row]):
    """What a list names, as it stands."""

    stores: Mapping[UUID, Store]
    rows: Mapping[str, Row]
    customers: dict[UUID, Customer]
    """Locked: those who are named, and those to whom the rows belonged before."""
    people: dict[tuple[str, str], set[UUID]]
    """Customer ids by the kind and value of a key."""
    made: list[Customer]
    """Those of whom nothing was known but a key, not yet added to the session."""
    ties: Sequence[CustomerStore]
    """What these customers did at each store. A session forgets rows that nobody holds, and would read them again."""
    counted: dict[UUID, Customer]
    """Whose figures changed."""

    def customer_of(self, said: Said) -> Customer | None:
        """Who it was, unless nobody knows or she was erased."""
        return self.customers.get(said.customer_id) if said.customer_id else None


def upsert(
    session: ScopedSession,
    kind: Kind[Row],
    wanted: Sequence[Told],
    *,
    scope: Scope,
    makes_people: bool,
    now: datetime,
) -> list[Recorded[Row] | Problem]:
    """Record these, or change those known by their external_id; each is taken whole or is a problem.

    Needs a session that sees all stores; `scope` is the caller's, who names only stores of hers. A customer named by id
    must be one the caller sees; the till's keys (member number, phone) find anybody of the brand. With `makes_people`
    a key that nobody has makes her, so that the answer does not tell whom the brand knows; else she is not found.
    """
    lock_names(session, _names(kind, wanted))
    known = _look_up(session, kind, wanted)
    outcomes: list[Recorded[Row] | Problem] = []
    facts: list[Fact] = []
    done: set[str] = set()
    for one in wanted:
        try:
            if one.external_id in done:
                raise Invalid.at("/external_id", f"This {kind.noun} is in the list twice.")
            said = _check(kind, one, known, scope, now, makes_people=makes_people)
        except Problem as problem:
            problem.leave_note(session)
            outcomes.append(problem)
            continue
        done.add(one.external_id)
        facts += _add_made(session, known, said, now)
        row = known.rows.get(one.external_id)
        before = kind.read(row, row.customer_id, row.store_id, row.store_no) if row else None
        if row is None:
            row = kind.table(id=uuid7(), created_at=now, external_id=one.external_id, **kind.columns(said))
            session.add(row)
        outcomes.append(Recorded(row, before is None))
        if before != said:
            for name, value in kind.columns(said).items():
                setattr(row, name, value)
            if isinstance(row, Order) and before is not None and before.refunded_yen:
                queries.move_refunds(session, row)
            _move(session, kind, known, before, said, now)
            facts += _tell(kind, row, before, said, now)
    settle_usual_stores(session, known.counted.values())
    session.flush()
    record(session, *facts)
    return outcomes


def _names(kind: Kind[Row], wanted: Iterable[Told]) -> Iterable[str]:
    """What is locked by name: the rows, and the people whom they name by keys, as an upsert of people locks them."""
    for one in wanted:
        yield f"{kind.noun}:{one.external_id}"
        if (key := _key_of(one)) is not None:
            yield ":".join(key)


def _key_of(one: Told) -> tuple[str, str] | None:
    """The kind and value of the key by which its customer is named, if one is."""
    for key, field in _FIELD_OF.items():
        if (value := getattr(one, field)) is not None:
            return key, value
    return None


_FIELD_OF = {field.removeprefix("customer_"): field for field in CUSTOMER_FIELDS if field != "customer_id"}
"""The bodies' fields by the name of the customer's key."""


def _add_made(session: ScopedSession, known: _Known[Row], said: Said, now: datetime) -> list[CustomerCreated]:
    """Write down whom this made."""
    facts = []
    while known.made:
        person = known.made.pop()
        person.written_by = {key: said.store_no for key in _FIELD_OF if getattr(person, key) is not None}
        session.add(person)
        session.flush()
        fact = CustomerCreated(occurred_at=now, customer_id=person.id, store_no=said.store_no, source="api")
        facts.append(fact)
    return facts


def _look_up(session: ScopedSession, kind: Kind[Row], wanted: Sequence[Told]) -> _Known[Row]:
    external_ids = {one.external_id for one in wanted}
    rows = queries.map_rows(session, kind.table, external_ids)
    people: dict[tuple[str, str], set[UUID]] = {}
    for key, field in _FIELD_OF.items():
        values = {value for one in wanted if (value := getattr(one, field)) is not None}
        for customer_id, value in list_by_keys(session, key, values) if values else ():
            people.setdefault((key, value), set()).add(customer_id)
    named = {one.customer_id for one in wanted if one.customer_id is not None}.union(*people.values())

    def find() -> set[UUID]:
        nonlocal rows
        if rows:  # whose they are may have changed while we waited, by a merge or its undoing
            rows = queries.map_rows(session, kind.table, external_ids)
        return named | {row.customer_id for row in rows.values() if row.customer_id is not None}

    customers = lock_found(session, find)
    store_ids = {one.store_id for one in wanted} | {row.store_id for row in rows.values()}
    ties = queries.list_ties(session, customers.keys())
    return _Known(queries.map_stores(session, store_ids), rows, customers, people, [], ties, {})


def _check(kind: Kind[Row], one: Told, known: _Known[Row], scope: Scope, now: datetime, *, makes_people: bool) -> Said:
    """What is to be recorded. Raises NotFound for what is not the caller's, Conflict, KeysDisagree, or Invalid for what
    is still to come: it would be her last for as long, and nothing would be known of when she really was there."""
    if getattr(one, kind.at) > now + CLOCKS_DIFFER_BY:
        raise Invalid.at(f"/{kind.at}", "Must not lie in the future.")
    store = known.stores.get(one.store_id)
    if store is None or not scope.sees_store(store.no):
        raise NotFound
    row = known.rows.get(one.external_id)
    if row is not None and not scope.sees_store(row.store_no):
        raise Conflict(f"Another {kind.noun} has this external_id.")
    customer_id = _find_customer(one, known, scope, now, makes_people=makes_people)
    if customer_id is None and row is not None:
        customer_id = row.customer_id
    said = kind.read(one, customer_id, store.id, store.no)
    if isinstance(row, Order) and row.refunded_yen:
        if said.amount_yen < row.refunded_yen:
            raise Conflict(
                f"Of this order {row.refunded_yen:,} yen were refunded. Send what was paid, not what is left."
            )
        said = replace(said, refunded_yen=row.refunded_yen)
    return said


def _find_customer(one: Told, known: _Known[Row], scope: Scope, now: datetime, *, makes_people: bool) -> UUID | None:
    """Whom the body names, if anybody. A key that nobody has makes her, or is not found."""
    if one.customer_id is not None:
        customer = known.customers.get(one.customer_id)
        if customer is None or not sees(scope, customer):
            raise NotFound
        return customer.id
    key = _key_of(one)
    if key is None:
        return None
    found = {known.customers[one].id for one in known.people.get(key, ()) if one in known.customers}
    if len(found) > 1:
        raise disagree([_FIELD_OF[key[0]]], found, source="api", now=now)
    if found:
        return found.pop()
    if not makes_people:
        raise NotFound
    person = Customer(id=uuid7(), created_at=now, updated_at=now)
    setattr(person, *key)
    known.made.append(person)
    known.people[key], known.customers[person.id] = {person.id}, person
    return person.id


def _move(
    session: ScopedSession, kind: Kind[Row], known: _Known[Row], before: Said | None, said: Said, now: datetime
) -> None:
    """Take what was said before out of the customers' summaries, and put in what is said now."""
    former = known.customer_of(before) if before else None
    if before is not None and former is not None:
        kind.count(session, former, known.stores[before.store_id], -1, before, now)
        known.counted[former.id] = former
    customer = known.customer_of(said)
    if customer is not None:
        kind.count(session, customer, known.stores[said.store_id], 1, said, now)
        known.counted[customer.id] = customer
    if before is not None and former is not None and before.place() != said.place():
        _look_back(session, kind, former, before.store_id)


def _look_back(session: ScopedSession, kind: Kind[Row], customer: Customer, store_id: UUID) -> None:
    """Find again when it happened last: what was the last one may have moved."""
    session.flush()
    at_store = session.get_one(CustomerStore, (session.scope.brand_id, customer.id, store_id))
    setattr(customer, kind.last, queries.find_last_at(session, kind.table, kind.at, customer.id))
    setattr(at_store, kind.last, queries.find_last_at(session, kind.table, kind.at, customer.id, store_id))


def _tell(kind: Kind[Row], row: Row, before: Said | None, said: Said, now: datetime) -> list[Fact]:
    if before is None:
        return [kind.tell(row, said, said.left_yen, 1, now)]
    if before.place() != said.place():
        return [kind.tell(row, before, -before.left_yen, -1, now), kind.tell(row, said, said.left_yen, 1, now)]
    return [kind.tell(row, said, said.left_yen - before.left_yen, 0, now)]

"""Orders: recorded once by the partner's id, with the customer's summary exact beside them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from app.commerce import queries
from app.commerce.events import OrderPaid
from app.commerce.models import Order
from app.commerce.schemas import OrderUpsert
from app.customers.events import CustomerCreated
from app.customers.locks import lock_customers, lock_names
from app.customers.models import Customer, CustomerStore
from app.customers.problems import KeysDisagree
from app.customers.queries import sees
from app.customers.summary import add_orders
from app.events.facts import Fact
from app.events.service import record
from tenants.ids import uuid7
from tenants.problems import Conflict, Invalid, NotFound, Problem
from tenants.scope import Scope
from tenants.session import ScopedSession
from tenants.stores.models import Store


@dataclass(frozen=True)
class Recorded:
    """An order as it stands, and whether it is new."""

    order: Order
    is_new: bool


@dataclass(frozen=True)
class _Sale:
    """What an order says: who bought where, when and for how much."""

    customer_id: UUID | None
    store_id: UUID
    store_no: int
    amount_yen: int
    ordered_at: datetime

    def place(self) -> tuple[UUID | None, UUID, datetime]:
        """Whose figures it counts in, and when."""
        return self.customer_id, self.store_id, self.ordered_at


@dataclass(frozen=True)
class _Known:
    """What a list of orders names, as it stands."""

    stores: Mapping[UUID, Store]
    orders: Mapping[str, Order]
    customers: dict[UUID, Customer]
    """Locked: those who bought, and those to whom the orders belonged before."""
    people: dict[tuple[str, str], list[UUID]]
    """Customer ids by the kind and value of a key."""
    made: list[Customer]
    """Those of whom nothing was known but a key, not yet added to the session."""
    ties: Sequence[CustomerStore]
    """What these customers did at each store. A session forgets rows that nobody holds, and would read them again."""

    def customer_of(self, sale: _Sale) -> Customer | None:
        """Who bought, unless nobody knows or she was erased."""
        return self.customers.get(sale.customer_id) if sale.customer_id else None


def upsert_orders(
    session: ScopedSession, wanted: Sequence[OrderUpsert], *, scope: Scope, makes_people: bool = False, now: datetime
) -> list[Recorded | Problem]:
    """Record orders, or change those known by their external_id; each is taken whole or is a problem.

    Needs a session that sees all stores; `scope` is the caller's, who names only stores of hers. A customer named by id
    must be one the caller sees; the till's keys (member number, phone) find anybody of the brand. With `makes_people`
    a key that nobody has makes her, so that the answer does not tell whom the brand knows; else she is not found.
    """
    lock_names(session, _names(wanted))
    known = _look_up(session, wanted)
    outcomes: list[Recorded | Problem] = []
    facts: list[Fact] = []
    done: set[str] = set()
    for one in wanted:
        try:
            if one.external_id in done:
                raise Invalid.at("/external_id", "This order is in the list twice.")
            sale = _check(one, known, scope, now if makes_people else None)
        except Problem as problem:
            outcomes.append(problem)
            continue
        done.add(one.external_id)
        facts += _add_made(session, known, sale, now)
        order = known.orders.get(one.external_id)
        before = _sale_of(order) if order else None
        if order is None:
            order = Order(id=uuid7(), created_at=now, external_id=one.external_id, **asdict(sale))
            session.add(order)
        outcomes.append(Recorded(order, before is None))
        if before != sale:
            for name, value in asdict(sale).items():
                setattr(order, name, value)
            _move(session, known, before, sale, now)
            facts += _tell(order, before, sale, now)
    session.flush()
    record(session, *facts)
    return outcomes


def _names(wanted: Iterable[OrderUpsert]) -> Iterable[str]:
    """What is locked by name: the orders, and the people whom they name by keys, as an upsert locks them."""
    for one in wanted:
        yield f"order:{one.external_id}"
        if (key := _key_of(one)) is not None:
            yield ":".join(key)


def _key_of(one: OrderUpsert) -> tuple[str, str] | None:
    """The kind and value of the key by which an order names its customer, if it does so."""
    for key, field in _FIELD_OF.items():
        if (value := getattr(one, field)) is not None:
            return key, value
    return None


def _add_made(session: ScopedSession, known: _Known, sale: _Sale, now: datetime) -> list[CustomerCreated]:
    """Write down whom this sale made."""
    facts = []
    while known.made:
        person = known.made.pop()
        person.written_by = {key: sale.store_no for key in _FIELD_OF if getattr(person, key) is not None}
        session.add(person)
        session.flush()
        fact = CustomerCreated(occurred_at=now, customer_id=person.id, store_no=sale.store_no, source="api")
        facts.append(fact)
    return facts


def _look_up(session: ScopedSession, wanted: Sequence[OrderUpsert]) -> _Known:
    orders = queries.map_orders(session, {one.external_id for one in wanted})
    store_ids = {one.store_id for one in wanted} | {order.store_id for order in orders.values()}
    people: dict[tuple[str, str], list[UUID]] = {}
    for key, field in _FIELD_OF.items():
        values = {value for one in wanted if (value := getattr(one, field)) is not None}
        for customer_id, value in queries.list_people(session, key, values) if values else ():
            people.setdefault((key, value), []).append(customer_id)
    named = {one.customer_id for one in wanted} | {order.customer_id for order in orders.values()}
    ids = {customer_id for customer_id in named if customer_id is not None}
    customers = lock_customers(session, ids.union(*people.values()))
    ties = queries.list_ties(session, customers.keys())
    return _Known(queries.map_stores(session, store_ids), orders, customers, people, [], ties)


_FIELD_OF = {"external_id": "customer_external_id", "member_number": "member_number", "phone": "phone"}


def _check(one: OrderUpsert, known: _Known, scope: Scope, making_at: datetime | None) -> _Sale:
    """What the order is to say. Raises NotFound for what is not the caller's, Conflict or KeysDisagree."""
    store = known.stores.get(one.store_id)
    if store is None or not scope.sees_store(store.no):
        raise NotFound
    order = known.orders.get(one.external_id)
    if order is not None and not scope.sees_store(order.store_no):
        raise Conflict("Another order has this external_id.")
    customer_id = _find_customer(one, known, scope, making_at)
    if customer_id is None and order is not None:
        customer_id = order.customer_id
    return _Sale(customer_id, store.id, store.no, one.amount_yen, one.ordered_at)


def _find_customer(one: OrderUpsert, known: _Known, scope: Scope, making_at: datetime | None) -> UUID | None:
    """Whom the order names, if anybody. A key that nobody has makes her at this instant, or is not found (None)."""
    if one.customer_id is not None:
        customer = known.customers.get(one.customer_id)
        if customer is None or not sees(scope, customer):
            raise NotFound
        return customer.id
    key = _key_of(one)
    if key is None:
        return None
    found = known.people.get(key, [])
    if len(found) > 1:
        raise KeysDisagree([_FIELD_OF[key[0]]])
    if found:
        return found[0]
    if making_at is None:
        raise NotFound
    person = Customer(id=uuid7(), created_at=making_at, updated_at=making_at)
    setattr(person, *key)
    known.made.append(person)
    known.people[key], known.customers[person.id] = [person.id], person
    return person.id


def _sale_of(order: Order) -> _Sale:
    return _Sale(order.customer_id, order.store_id, order.store_no, order.amount_yen, order.ordered_at)


def _move(session: ScopedSession, known: _Known, before: _Sale | None, sale: _Sale, now: datetime) -> None:
    """Take what an order said before out of the customers' summaries, and put in what it says now."""
    former = known.customer_of(before) if before else None
    if before is not None and former is not None:
        add_orders(session, former, known.stores[before.store_id], orders=-1, spend_yen=-before.amount_yen, now=now)
    customer = known.customer_of(sale)
    if customer is not None:
        store = known.stores[sale.store_id]
        amounts = {"orders": 1, "spend_yen": sale.amount_yen}
        add_orders(session, customer, store, **amounts, ordered_at=sale.ordered_at, now=now)
    if before is not None and former is not None and before.place() != sale.place():
        _look_back(session, former, before.store_id)


def _look_back(session: ScopedSession, customer: Customer, store_id: UUID) -> None:
    """Find again when she last bought something: what was the last order may have moved."""
    session.flush()
    customer.last_order_at = queries.find_last_ordered_at(session, customer.id)
    at_store = session.get_one(CustomerStore, (session.scope.brand_id, customer.id, store_id))
    at_store.last_order_at = queries.find_last_ordered_at(session, customer.id, store_id)


def _tell(order: Order, before: _Sale | None, sale: _Sale, now: datetime) -> list[OrderPaid]:
    if before is None:
        return [_fact(order, sale, sale.amount_yen, 1, now)]
    if before.place() != sale.place():
        return [_fact(order, before, -before.amount_yen, -1, now), _fact(order, sale, sale.amount_yen, 1, now)]
    return [_fact(order, sale, sale.amount_yen - before.amount_yen, 0, now)]


def _fact(order: Order, sale: _Sale, amount_yen: int, orders_delta: int, now: datetime) -> OrderPaid:
    return OrderPaid(
        occurred_at=sale.ordered_at,
        customer_id=sale.customer_id,
        store_no=sale.store_no,
        order_id=order.id,
        amount_yen=amount_yen,
        orders_delta=orders_delta,
        told_at=now,
    )

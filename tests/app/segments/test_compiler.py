"""A rule chooses in SQL whom it chooses in plain Python, whoever the people are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlmodel import select

from app.customers.models import Customer, CustomerStore, Tag
from app.segments.compiler import compile_where
from tenants.brands.queries import next_no
from tenants.ids import encode_id, uuid7
from tenants.line_accounts.models import LineAccount
from tenants.problems import Invalid
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session
from tenants.stores.models import Store
from tests import make

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
JAPAN = ZoneInfo("Asia/Tokyo")


@dataclass
class World:
    """Everything that rules may name. The tag "両方" exists twice: of the brand and of the first store."""

    stores: list[Store]
    tags: list[Tag]
    accounts: list[LineAccount]
    areas: dict[str, set[int]] = field(default_factory=dict)
    """Store numbers by the area's id, those of areas below included."""


@dataclass(frozen=True)
class Person:
    """What a customer's row and her rows at stores say."""

    tag_nos: frozenset[int] = frozenset()
    account_nos: frozenset[int] = frozenset()
    home_store_no: int | None = None
    at: tuple[tuple[int, int, int, datetime | None], ...] = ()
    """Store number, order count, spend and last order of each store she is tied to."""
    erased: bool = False

    @property
    def orders(self) -> int:
        return sum(count for _, count, _, _ in self.at)

    @property
    def spend(self) -> int:
        return sum(spend for _, _, spend, _ in self.at)

    @property
    def last_order_at(self) -> datetime | None:
        return max((last for *_, last in self.at if last), default=None)

    @property
    def store_nos(self) -> set[int]:
        return {no for no, *_ in self.at}


def make_world(session: ScopedSession) -> World:
    """Three stores, four tags of three names, two accounts, two areas of which one holds the other."""
    stores = [make.store(session) for _ in range(3)]
    owners = [(None, "常連"), (None, "両方"), (stores[0], "両方"), (None, "空")]
    tags = [
        Tag(
            no=next_no(session, "tag"),
            name=name,
            store_id=owner.id if owner else None,
            store_no=owner.no if owner else None,
        )
        for owner, name in owners
    ]
    session.add_all(tags)
    accounts = [make.line_account(session, *stores[:2]), make.line_account(session, stores[2])]
    upper = make.area(session, stores[0])
    lower = make.area(session, stores[1], parent_id=upper.id)
    session.flush()
    areas = {encode_id("area", upper.id): {stores[0].no, stores[1].no}, encode_id("area", lower.id): {stores[1].no}}
    return World(stores, tags, accounts, areas)


def add_person(session: ScopedSession, world: World, person: Person) -> Customer:
    """The rows of a person, with the summary that belongs to them."""
    row = Customer(
        tag_nos=sorted(person.tag_nos),
        account_nos=sorted(person.account_nos),
        store_nos=sorted(person.store_nos),
        home_store_no=person.home_store_no,
        order_count=person.orders,
        spend_yen=person.spend,
        last_order_at=person.last_order_at,
        erased_at=NOW if person.erased else None,
    )
    session.add(row)
    session.flush()
    ids = {store.no: store.id for store in world.stores}
    for no, count, spend, last in person.at:
        session.add(
            CustomerStore(
                customer_id=row.id,
                store_id=ids[no],
                store_no=no,
                order_count=count,
                spend_yen=spend,
                last_order_at=last,
            )
        )
    session.flush()
    return row


def chosen(session: ScopedSession, rule: object) -> set[Any]:
    """Ids of the customers whom a rule chooses in this session's scope."""
    return set(session.exec(select(Customer.id).where(compile_where(session, rule, NOW))).all())


INSTANTS = [NOW - timedelta(days=days, hours=hours) for days in (0, 1, 7, 30) for hours in (0, 3, 12)]


@st.composite
def people(draw: Any) -> Person:
    """A person of the world of three stores, five tags and two accounts, all numbered from 1."""
    last = st.none() | st.sampled_from(INSTANTS)
    ties = {no: (draw(st.integers(0, 2)), draw(st.integers(0, 3)) * 1000, draw(last)) for no in draw(numbers(3))}
    return Person(
        tag_nos=draw(numbers(4)),
        account_nos=draw(numbers(2)),
        home_store_no=draw(st.none() | st.integers(1, 3)),
        at=tuple((no, *ties[no]) for no in sorted(ties)),
        erased=draw(st.integers(0, 9)) == 0,
    )


def numbers(most: int) -> st.SearchStrategy[frozenset[int]]:
    return st.frozensets(st.integers(1, most), max_size=most)


def leaves(world: World) -> st.SearchStrategy[dict[str, Any]]:
    """Leaves that name things of this world."""
    names = ["常連", "両方", "空", *(encode_id("tag", tag.id) for tag in world.tags)]
    stores = [encode_id("store", store.id) for store in world.stores]
    accounts = [encode_id("acc", account.id) for account in world.accounts]
    comparison = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
    moments = st.sampled_from(
        [moment.isoformat() for moment in INSTANTS] + ["2026-11-21", "2026-11-20", "2026-11-14", "2026-10-22"]
    )
    pairs = st.lists(st.integers(0, 6), min_size=2, max_size=2).map(sorted)

    def leaf(name: str, op: Any, value: Any) -> Any:
        ops = st.just(op) if isinstance(op, str) else op
        return st.fixed_dictionaries({"field": st.just(name), "op": ops, "value": value})

    return st.one_of(
        leaf("tag", "has", st.sampled_from(names)),
        leaf("tag", st.sampled_from(["has_any", "has_all"]), st.lists(st.sampled_from(names), min_size=1, max_size=3)),
        leaf(
            "store",
            st.sampled_from(["in", "friend_of", "bought_at", "home"]),
            st.lists(st.sampled_from(stores), min_size=1, max_size=3),
        ),
        leaf("area", "in", st.lists(st.sampled_from(sorted(world.areas)), min_size=1, max_size=3)),
        leaf("line_account", "in", st.lists(st.sampled_from(accounts), min_size=1, max_size=3)),
        leaf("order_count", comparison, st.integers(-1, 6)),
        leaf("spend_yen", comparison, st.integers(-1, 9).map(lambda thousands: thousands * 1000)),
        leaf("order_count", "between", pairs),
        leaf("last_order_at", comparison, moments),
        leaf("last_order_at", "between", st.lists(moments, min_size=2, max_size=2).map(_in_order)),
        leaf("last_order_at", st.sampled_from(["within_days", "before_days"]), st.sampled_from([0, 1, 7, 29, 30])),
        st.just({"field": "last_order_at", "op": "never"}),
    )


def _in_order(pair: list[str]) -> list[str]:
    return sorted(pair, key=lambda text: span(text)[0])


def rules(world: World) -> st.SearchStrategy[Any]:
    """Rules of this world, up to a few levels deep."""
    return st.recursive(
        leaves(world),
        lambda inner: st.one_of(
            st.fixed_dictionaries({"all": st.lists(inner, max_size=3)}),
            st.fixed_dictionaries({"any": st.lists(inner, max_size=3)}),
            st.fixed_dictionaries({"not": inner}),
        ),
        max_leaves=8,
    )


def span(text: str) -> tuple[datetime, datetime]:
    """The first instant of a moment and the first after it."""
    if len(text) == 10:
        start = datetime.combine(date.fromisoformat(text), datetime.min.time(), tzinfo=JAPAN)
        return start, start + timedelta(days=1)
    moment = datetime.fromisoformat(text)
    return moment, moment + timedelta(microseconds=1)


COMPARE: dict[str, Callable[[Any, Any, Any], bool]] = {
    "=": lambda x, start, end: start <= x < end,
    "!=": lambda x, start, end: not start <= x < end,
    "<": lambda x, start, end: x < start,
    "<=": lambda x, start, end: x < end,
    ">": lambda x, start, end: x >= end,
    ">=": lambda x, start, end: x >= start,
}


def holds(world: World, rule: Any, person: Person) -> bool:  # noqa: PLR0912 - one branch for each field
    """The rule read word for word."""
    if "all" in rule:
        return all(holds(world, part, person) for part in rule["all"])
    if "any" in rule:
        return any(holds(world, part, person) for part in rule["any"])
    if "not" in rule:
        return not holds(world, rule["not"], person)
    op, value = rule["op"], rule.get("value")
    values = value if isinstance(value, list) else [value]
    stores = {encode_id("store", store.id): store.no for store in world.stores}
    match rule["field"]:
        case "tag":
            carried = [carries(world, tag, person) for tag in values]
            return any(carried) if op == "has_any" else all(carried)
        case "store" if op == "bought_at":
            return any(count and no in {stores[one] for one in values} for no, count, _, _ in person.at)
        case "store" if op == "home":
            return person.home_store_no in {stores[one] for one in values}
        case "store" if op == "friend_of":
            wanted = {stores[one] for one in values}
            return any(a.no in person.account_nos for a in world.accounts if wanted & set(a.store_nos))
        case "store":
            return bool(person.store_nos & {stores[one] for one in values})
        case "area":
            return bool(person.store_nos & set().union(*(world.areas[one] for one in values)))
        case "line_account":
            return any(encode_id("acc", a.id) in values and a.no in person.account_nos for a in world.accounts)
        case "last_order_at":
            return dated(op, value, person.last_order_at)
        case name:
            number = person.orders if name == "order_count" else person.spend
            if op == "between":
                return bool(value[0] <= number <= value[1])
            return COMPARE[op](number, value, value + 1)


def carries(world: World, wanted: str, person: Person) -> bool:
    return any(tag.no in person.tag_nos and wanted in (tag.name, encode_id("tag", tag.id)) for tag in world.tags)


def dated(op: str, value: Any, last: datetime | None) -> bool:
    if op == "never":
        return last is None
    if last is None:
        return False
    if op == "within_days":
        return last >= NOW - timedelta(days=value)
    if op == "before_days":
        return last < NOW - timedelta(days=value)
    if op == "between":
        return span(value[0])[0] <= last < span(value[1])[1]
    return COMPARE[op](last, *span(value))


@pytest.fixture
def world(session: ScopedSession) -> World:
    return make_world(session)


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sql_chooses_whom_the_rule_chooses(session: ScopedSession, world: World, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(people(), max_size=12))
    wanted = data.draw(st.lists(rules(world), min_size=1, max_size=6))
    savepoint = session.begin_nested()
    try:
        rows = {add_person(session, world, person).id: person for person in drawn}
        for rule in wanted:
            expected = {key for key, person in rows.items() if not person.erased and holds(world, rule, person)}
            assert chosen(session, rule) == expected
    finally:
        savepoint.rollback()


@pytest.mark.parametrize(
    ("rule", "held"),
    [
        ({"field": "last_order_at", "op": "within_days", "value": 7}, True),
        ({"field": "last_order_at", "op": "before_days", "value": 7}, False),
        ({"field": "last_order_at", "op": "before_days", "value": 6}, True),
        ({"field": "last_order_at", "op": "=", "value": "2026-11-14"}, True),
        ({"field": "last_order_at", "op": "=", "value": "2026-11-14T12:00:00+09:00"}, True),
        ({"field": "last_order_at", "op": ">", "value": "2026-11-14"}, False),
        ({"field": "last_order_at", "op": "<=", "value": "2026-11-14"}, True),
        ({"field": "last_order_at", "op": "between", "value": ["2026-11-01", "2026-11-14"]}, True),
        ({"field": "spend_yen", "op": "between", "value": [1000, 1000]}, True),
        ({"field": "spend_yen", "op": "!=", "value": 1000}, False),
        ({"field": "order_count", "op": "<", "value": 2**40}, True),
    ],
)
def test_edges_belong_where_they_are_said_to(
    session: ScopedSession, world: World, rule: dict[str, Any], held: bool
) -> None:
    row = add_person(session, world, Person(at=((1, 1, 1000, NOW - timedelta(days=7)),)))
    assert chosen(session, rule) == ({row.id} if held else set())
    assert chosen(session, {"not": rule}) == (set() if held else {row.id})


@pytest.mark.parametrize(
    ("field_", "op", "value"),
    [("last_order_at", "<", "2026-11-14"), ("last_order_at", "!=", "2026-11-14"), ("last_order_at", "within_days", 9)],
)
def test_what_a_customer_does_not_have_compares_with_nothing(
    session: ScopedSession, world: World, field_: str, op: str, value: Any
) -> None:
    row = add_person(session, world, Person())
    home = {"field": "store", "op": "home", "value": encode_id("store", world.stores[0].id)}
    for rule in ({"field": field_, "op": op, "value": value}, home):
        assert chosen(session, rule) == set()
        assert chosen(session, {"not": rule}) == {row.id}


@pytest.fixture
def first_store(session: ScopedSession, world: World) -> Iterator[ScopedSession]:
    """A session in the scope of the first store."""
    scope = Scope(session.scope.brand_id, frozenset({world.stores[0].no}))
    with open_session(session.connection(), scope, join_transaction_mode="create_savepoint") as narrow:
        yield narrow


def test_a_store_counts_only_what_was_spent_with_it(
    session: ScopedSession, world: World, first_store: ScopedSession
) -> None:
    here, elsewhere = world.stores[0].no, world.stores[1].no
    person = Person(at=((here, 1, 1000, NOW - timedelta(days=40)), (elsewhere, 5, 9000, NOW)))
    row = add_person(session, world, person)
    for field_, op, mine, brand in (
        ("spend_yen", "=", 1000, 10000),
        ("order_count", "=", 1, 6),
        ("last_order_at", "within_days", 41, 1),
    ):
        assert chosen(first_store, {"field": field_, "op": op, "value": mine}) == {row.id}
        assert chosen(session, {"field": field_, "op": op, "value": brand}) == {row.id}
    assert chosen(first_store, {"field": "last_order_at", "op": "within_days", "value": 39}) == set()


def test_a_store_cannot_name_what_it_does_not_see(world: World, first_store: ScopedSession) -> None:
    hidden = {
        "store": encode_id("store", world.stores[1].id),
        "line_account": encode_id("acc", world.accounts[1].id),
    }
    for name, key in hidden.items():
        with pytest.raises(Invalid) as caught:
            compile_where(first_store, {"not": {"field": name, "op": "in", "value": [key]}}, NOW)
        assert caught.value.errors[0]["pointer"] == "/rule/not/value/0"


def test_what_a_rule_names_must_exist(session: ScopedSession) -> None:
    unknown = {
        "tag": ("has", "知らない"),
        "store": ("home", encode_id("store", uuid7())),
        "area": ("in", encode_id("area", uuid7())),
        "line_account": ("in", encode_id("acc", uuid7())),
    }
    for name, (op, value) in unknown.items():
        with pytest.raises(Invalid) as caught:
            compile_where(session, {"any": [{"field": name, "op": op, "value": value}]}, NOW)
        assert caught.value.errors[0]["pointer"] == "/rule/any/0/value"


def test_a_rule_stands_inside_a_larger_statement_of_the_driver(session: ScopedSession, world: World) -> None:
    row = add_person(session, world, Person(frozenset({1}), frozenset({1}), 1, ((1, 1, 500, NOW),)))
    rule = {
        "all": [
            {"field": "store", "op": "bought_at", "value": encode_id("store", world.stores[0].id)},
            {"field": "store", "op": "home", "value": encode_id("store", world.stores[0].id)},
            {"field": "tag", "op": "has", "value": "常連"},
            {"field": "last_order_at", "op": "within_days", "value": 1},
            {"field": "spend_yen", "op": ">=", "value": 500},
        ]
    }
    people = select(Customer.id).where(compile_where(session, rule, NOW))
    compiled = people.compile(
        dialect=PGDialect_psycopg(),  # type: ignore[no-untyped-call]
        compile_kwargs={"render_postcompile": True},
    )
    found = session.connection().exec_driver_sql(
        f"WITH people AS ({compiled.string}) SELECT id FROM people", compiled.params
    )
    assert found.scalars().all() == [row.id]

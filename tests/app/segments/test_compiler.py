"""What the random rules may miss: edges, what a rule may name, and segments that name segments."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from app.customers.models import Customer, CustomerStore
from app.segments.compiler import MAX_LEAVES_IN_ALL, MAX_NESTING, compile_where
from tenants.ids import encode_id, uuid7
from tenants.problems import Invalid
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session
from tenants.stores.models import Store
from tests import make
from tests.app.segments.world import NOW, World, make_world


@pytest.fixture
def world(session: ScopedSession) -> World:
    return make_world(session)


@pytest.fixture
def first_store(session: ScopedSession, world: World) -> Iterator[ScopedSession]:
    """A session in the scope of the first store."""
    scope = Scope(session.scope.brand_id, frozenset({world.stores[0].no}))
    with open_session(session.connection(), scope, join_transaction_mode="create_savepoint") as narrow:
        yield narrow


def add_person(session: ScopedSession, *stores: Store, **changes: Any) -> Customer:
    """Somebody who bought at each of these stores for 1,000 yen a week ago."""
    bought = NOW - timedelta(days=7)
    figures: dict[str, Any] = {"order_count": 1, "spend_yen": 1000, "last_order_at": bought}
    row = make.customer(session, **{**figures, "store_nos": [one.no for one in stores], **changes})
    session.add_all(CustomerStore(customer_id=row.id, store_id=one.id, store_no=one.no, **figures) for one in stores)
    session.flush()
    return row


def chosen(session: ScopedSession, rule: object, now: datetime = NOW) -> set[Any]:
    """Ids of the customers whom a rule chooses in this session's scope."""
    return set(session.exec(select(Customer.id).where(compile_where(session, rule, now))).all())


def leaf(field: str, op: str, value: Any) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


def pointer_of(session: ScopedSession, rule: object, **options: Any) -> str:
    """Where the first error of a rule stands."""
    with pytest.raises(Invalid) as caught:
        compile_where(session, rule, NOW, **options)
    return caught.value.errors[0]["pointer"]


@pytest.mark.parametrize(
    ("rule", "held"),
    [
        (leaf("last_order_at", "within_days", 7), True),
        (leaf("last_order_at", "before_days", 7), False),
        (leaf("last_order_at", "before_days", 6), True),
        (leaf("last_order_at", "=", "2026-11-14"), True),
        (leaf("last_order_at", "=", "2026-11-14T12:00:00+09:00"), True),
        (leaf("last_order_at", ">", "2026-11-14"), False),
        (leaf("last_order_at", "<=", "2026-11-14"), True),
        (leaf("last_order_at", "between", ["2026-11-01", "2026-11-14"]), True),
        (leaf("spend_yen", "between", [1000, 1000]), True),
        (leaf("spend_yen", "!=", 1000), False),
        (leaf("order_count", "<", 2**40), True),
    ],
)
def test_edges_belong_where_they_are_said_to(session: ScopedSession, rule: dict[str, Any], held: bool) -> None:
    row = add_person(session)
    assert chosen(session, rule) == ({row.id} if held else set())
    assert chosen(session, {"not": rule}) == (set() if held else {row.id})


@pytest.mark.parametrize(
    ("born", "now", "age"),
    [
        (date(1990, 11, 21), datetime(2026, 11, 20, 14, 59, tzinfo=UTC), 35),
        (date(1990, 11, 21), datetime(2026, 11, 20, 15, 0, tzinfo=UTC), 36),  # midnight in Japan
        (date(2000, 2, 29), datetime(2027, 2, 28, 3, 0, tzinfo=UTC), 26),
        (date(2000, 2, 29), datetime(2027, 3, 1, 3, 0, tzinfo=UTC), 27),
        (date(2000, 2, 29), datetime(2028, 2, 28, 3, 0, tzinfo=UTC), 27),
        (date(2000, 2, 29), datetime(2028, 2, 29, 3, 0, tzinfo=UTC), 28),
        (date(2001, 2, 28), datetime(2028, 2, 29, 3, 0, tzinfo=UTC), 27),
        (date(2001, 3, 1), datetime(2028, 2, 29, 3, 0, tzinfo=UTC), 26),
    ],
)
def test_she_is_a_year_older_on_her_birthday(session: ScopedSession, born: date, now: datetime, age: int) -> None:
    row = add_person(session, birthday_on=born)
    for number in (age - 1, age, age + 1):
        assert chosen(session, leaf("age", "=", number), now) == ({row.id} if number == age else set())
        assert chosen(session, leaf("age", ">=", number), now) == ({row.id} if number <= age else set())


@pytest.mark.parametrize(
    "rule",
    [
        leaf("last_order_at", "<", "2026-11-14"),
        leaf("last_order_at", "!=", "2026-11-14"),
        leaf("last_visit_at", "within_days", 9),
        leaf("age", "!=", 30),
        leaf("birthday_month", "!=", 3),
        leaf("gender", "starts_with", "f"),
        leaf("prefecture", "=", "東京都"),
        leaf("attribute.level", "!=", 3),
        leaf("attribute.colour", "=", "red"),
        leaf("friend_source", "in", ["follow"]),
    ],
)
def test_what_a_customer_does_not_have_compares_with_nothing(
    session: ScopedSession, world: World, rule: dict[str, Any]
) -> None:
    row = make.customer(session)
    assert chosen(session, rule) == set()
    assert chosen(session, {"not": rule}) == {row.id}


def test_who_was_merged_or_erased_is_chosen_by_nothing(session: ScopedSession) -> None:
    here = add_person(session)
    add_person(session, merged_into_id=here.id)
    add_person(session, erased_at=NOW)
    assert chosen(session, {"all": []}) == {here.id}
    assert chosen(session, {"not": {"any": []}}) == {here.id}


def test_a_store_counts_only_what_was_spent_with_it(
    session: ScopedSession, world: World, first_store: ScopedSession
) -> None:
    row = add_person(session, *world.stores[:2], order_count=2, spend_yen=2000)
    assert chosen(first_store, leaf("spend_yen", "=", 1000)) == {row.id}
    assert chosen(session, leaf("spend_yen", "=", 2000)) == {row.id}


def test_a_store_is_not_told_where_she_goes_most(
    session: ScopedSession, world: World, first_store: ScopedSession
) -> None:
    store = world.stores[0]
    usual = add_person(session, store, usual_store_no=store.no)
    stated = add_person(session, store, home_store_no=store.no, home_store_id=store.id)
    home = leaf("store", "home", encode_id("store", store.id))
    assert chosen(session, home) == {usual.id, stated.id}
    assert chosen(first_store, home) == {stated.id}


@pytest.mark.parametrize("type_", ["order.paid", "visit.recorded"])
def test_a_correction_is_no_second_sale_or_visit(session: ScopedSession, type_: str) -> None:
    row = add_person(session)
    delta = {"order.paid": "orders_delta", "visit.recorded": "visits_delta"}[type_]
    for number, change in enumerate((1, 0, 1, -1)):
        data = {delta: change}
        make.event(session, type=type_, customer_id=row.id, occurred_at=NOW, data=data, dedupe_key=f"{row.id}{number}")
    assert chosen(session, leaf("event", "did", {"type": type_})) == {row.id}
    assert chosen(session, leaf("event", "did", {"type": type_, "at_least": 2})) == set()


def test_what_a_rule_names_must_exist(session: ScopedSession) -> None:
    unknown = {
        "tag": ("has", "知らない"),
        "store": ("home", encode_id("store", uuid7())),
        "area": ("in", encode_id("area", uuid7())),
        "line_account": ("in", encode_id("acc", uuid7())),
        "coupon": ("holds", encode_id("cpn", uuid7())),
        "segment": ("in", encode_id("seg", uuid7())),
    }
    for name, (op, value) in unknown.items():
        assert pointer_of(session, {"any": [leaf(name, op, value)]}) == "/rule/any/0/value"
    campaign = leaf("message", "received", {"campaign_id": encode_id("cmp", uuid7())})
    assert pointer_of(session, campaign) == "/rule/value/campaign_id"
    event = leaf("event", "did", {"type": "order.paid", "store_id": encode_id("store", uuid7())})
    assert pointer_of(session, event) == "/rule/value/store_id"


def test_a_store_cannot_name_what_it_does_not_see(world: World, first_store: ScopedSession) -> None:
    hidden = {
        "store": ("in", encode_id("store", world.stores[1].id)),
        "line_account": ("in", encode_id("acc", world.accounts[1].id)),
        "coupon": ("used", encode_id("cpn", world.coupons[2].id)),
        "segment": ("in", encode_id("seg", world.segments[1].id)),
    }
    for name, (op, key) in hidden.items():
        assert pointer_of(first_store, {"not": leaf(name, op, [key])}) == "/rule/not/value/0"


def test_an_attribute_is_asked_by_its_declared_type(session: ScopedSession, world: World) -> None:
    wrong = [("level", "=", "3"), ("vip", "=", 1), ("since_on", "<", "2026"), ("memo", "=", 3), ("size", "in", [1])]
    for name, op, value in wrong:
        assert pointer_of(session, leaf(f"attribute.{name}", op, value)).startswith("/rule/value")
    for name, op in (("level", "starts_with"), ("vip", "<"), ("size", "starts_with"), ("memo", ">")):
        assert pointer_of(session, leaf(f"attribute.{name}", op, "x")) == "/rule/op"


def named(*segments: Any) -> dict[str, Any]:
    """A rule that names these segments."""
    return leaf("segment", "in", [encode_id("seg", one.id) for one in segments])


def test_a_segment_may_not_lead_back_to_itself(session: ScopedSession) -> None:
    first = make.segment(session)
    second = make.segment(session, rule={"not": named(first)})
    assert pointer_of(session, {"all": [named(first)]}, within=first.id) == "/rule/all/0/value/0"
    assert pointer_of(session, named(second), within=first.id) == "/rule/value/0"
    compile_where(session, named(second), NOW, within=uuid7())


def test_an_archived_segment_chooses_nobody_and_says_so(session: ScopedSession) -> None:
    gone = make.segment(session, archived_at=NOW)
    outer = make.segment(session, rule=named(gone))
    assert pointer_of(session, named(gone)) == "/rule/value/0"
    with pytest.raises(Invalid) as caught:
        compile_where(session, named(outer), NOW)
    detail = "The segment 全員 cannot be used: The segment 全員 is archived."
    assert caught.value.errors == [{"pointer": "/rule/value/0", "detail": detail}]


def test_segments_name_one_another_only_so_deep(session: ScopedSession) -> None:
    segment = make.segment(session)
    for _ in range(MAX_NESTING - 1):
        segment = make.segment(session, rule=named(segment))
    compile_where(session, named(segment), NOW)
    assert pointer_of(session, named(make.segment(session, rule=named(segment)))) == "/rule/value/0"


def test_segments_together_hold_only_so_many_comparisons(session: ScopedSession) -> None:
    large = [make.segment(session, rule={"any": [leaf("order_count", "=", 1)] * 99}) for _ in range(6)]
    compile_where(session, named(*large[:5]), NOW)
    assert 99 * 5 < MAX_LEAVES_IN_ALL < 99 * 6
    assert pointer_of(session, named(*large)) == "/rule"
    assert pointer_of(session, {"any": [named(*large[:3])] * 2}) == "/rule"

"""A rule chooses in SQL whom it chooses in plain Python, whatever it says, whoever the people are, and whoever asks."""

from collections.abc import Iterator
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import ColumnElement, Engine, true
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlmodel import col, select

from app.customers.models import Customer
from app.segments import queries
from app.segments.compiler import compile_where
from app.segments.fields.base import overlap
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import ScopedSession, open_session
from tests import make
from tests.app.segments.draws import ALL, NOWS, draw_leaf, draw_rule
from tests.app.segments.oracle import Oracle
from tests.app.segments.world import NOW, World, add_person, make_world

pytestmark = pytest.mark.slow

DICE = st.integers(0, 2**32 - 1).map(Random)


@pytest.fixture(scope="module")
def brand(engine: Engine, keyring: Keyring) -> Iterator[ScopedSession]:
    """A transaction in the scope of a brand, for all tests of this module; each leaves it as it was."""
    with engine.connect() as connection:
        transaction = connection.begin()
        row = make.new_brand(keyring)
        with open_session(connection, Scope(row.id), join_transaction_mode="create_savepoint") as session:
            session.add(row)
            session.flush()
            yield session
        transaction.rollback()


@pytest.fixture(scope="module")
def world(brand: ScopedSession) -> World:
    return make_world(brand)


@pytest.fixture(scope="module")
def crowd(brand: ScopedSession, world: World) -> Oracle:
    """Forty people who have been drawn once."""
    dice = Random(5)
    for _ in range(40):
        add_person(brand, world, dice)
    return Oracle.of(brand, world)


def choose(session: ScopedSession, rule: Any, now: datetime) -> set[UUID]:
    """Ids of those whom SQL chooses in this session's scope, as counts and lists ask it."""
    where = compile_where(session, rule, now, skip_unseen=True, joined=True)
    return set(session.exec(queries.of_scope(session, select(Customer.id)).where(where)).all())


def freeze(session: ScopedSession, where: ColumnElement[bool], eyes: frozenset[int] | None) -> set[UUID]:
    """Ids of those who meet a condition, as a send asks it: by the driver, and over the stores' wall."""
    mine = true() if eyes is None else overlap(Customer.store_nos, eyes)
    people = select(Customer.id).where(col(Customer.brand_id) == session.scope.brand_id, mine, where)
    dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
    compiled = people.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    query = f"WITH people AS ({compiled.string}) SELECT id FROM people"
    return set(session.connection().exec_driver_sql(query, compiled.params).scalars())


def check(session: ScopedSession, oracle: Oracle, rules: list[Any], now: datetime) -> None:
    """Ask these rules with every pair of eyes, half of them in one way and half in the other."""
    nos = [store.no for store in oracle.world.stores]
    for eyes in (None, frozenset(nos[:1]), frozenset(nos[:2])):
        expected = [oracle.choose(rule, now, eyes) for rule in rules]
        scope = Scope(session.scope.brand_id, eyes)
        with open_session(session.connection(), scope, join_transaction_mode="create_savepoint") as inside:
            found = [choose(inside, rule, now) for rule in rules[::2]]
            frozen = [compile_where(inside, rule, now, skip_unseen=True) for rule in rules[1::2]]
        for rule, ids, wanted in zip(rules[::2], found, expected[::2], strict=True):
            assert ids == wanted, (eyes, rule)
        for rule, where, wanted in zip(rules[1::2], frozen, expected[1::2], strict=True):
            assert freeze(session, where, eyes) == wanted, (eyes, rule)


@pytest.mark.parametrize("name", ALL)
@given(dice=DICE)
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_operator_of_every_field_chooses_whom_it_should(
    brand: ScopedSession, crowd: Oracle, name: str, dice: Random
) -> None:
    times = -(-6 // len(ALL[name]))
    leaves = [draw_leaf(dice, crowd.world, name, op) for op in ALL[name] * times]
    rules = [dice.choice([leaf, {"not": leaf}]) for leaf in leaves]
    dice.shuffle(rules)
    check(brand, crowd, rules, dice.choice(NOWS))


@given(dice=DICE)
@settings(max_examples=8, deadline=None)
def test_any_rule_over_any_people_chooses_whom_it_should(brand: ScopedSession, world: World, dice: Random) -> None:
    savepoint = brand.begin_nested()
    try:
        for _ in range(dice.randrange(8)):
            add_person(brand, world, dice)
        check(brand, Oracle.of(brand, world), [draw_rule(dice, world) for _ in range(4)], NOW)
    finally:
        savepoint.rollback()

"""Whatever stands where a rule compares is refused with its pointer, or asked; it never breaks a statement."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col
from starlette.exceptions import HTTPException

from app.customers.models import Customer
from app.routes import parse_json
from app.segments.compiler import compile_where
from app.segments.rules import parse_rule
from tenants.problems import Invalid, Problem
from tenants.session import ScopedSession
from tests import make
from tests.app.segments.draws import ALL
from tests.app.segments.world import ATTRIBUTES, NOW, World, make_world
from tests.fuzz.corpus import CORPUS


@pytest.fixture
def world(session: ScopedSession) -> World:
    make.customer(session, attributes={"memo": "%", "free": 3, "level": 1.5}, gender="female")
    return make_world(session)


def read_corpus() -> Iterator[Any]:
    """The values of the corpus that a body may hold at all."""
    for written in CORPUS.values():
        try:
            yield parse_json(f'{{"value": {written}}}'.encode("utf-8", "surrogatepass"))["value"]
        except (Problem, HTTPException):
            continue


POISON = Random().sample([value for value in read_corpus() if len(repr(value)) < 30_000], 30)
"""Another part of it each time; all of it takes a quarter of a minute."""
MEMBERS = ("within_days", "at_least", "store_id", "line_account_id", "campaign_id", "days", "coupon_id")


def values_of(name: str) -> list[Any]:
    values = [*POISON, *([one, one] for one in POISON)]
    if name in ("event", "message", "coupon"):
        base = {"type": "order.paid"} if name == "event" else {}
        values += [{**base, member: one} for member in MEMBERS for one in POISON]
    if name == "event":
        values += [{"type": one} for one in POISON]
        values += [{"type": "order.paid", "where": {"text": one}} for one in POISON]
        values += [{"type": "order.paid", "where": {one: 1}} for one in POISON if isinstance(one, str)]
    return values


@pytest.mark.parametrize("name", ALL)
def test_no_value_breaks_a_comparison(session: ScopedSession, world: World, name: str) -> None:
    asked, pointers = list[Any](), set[str]()
    for op in ALL[name]:
        for value in values_of(name):
            rule = {"field": name, "op": op, "value": value}
            try:
                parse_rule(rule, declared=lambda: ATTRIBUTES)
                if name != "tag" or op == "has_all":  # the others look up the same names
                    asked.append(compile_where(session, rule, NOW))
            except Invalid as invalid:
                pointers.update(error["pointer"] for error in invalid.errors)
    assert all(pointer.startswith("/rule/") for pointer in pointers)
    for first in range(0, len(asked), 100):
        session.execute(select(col(Customer.id), *asked[first : first + 100])).all()

"""P11: what row-level security costs the customer list and a segment's count, for head office and for one store."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from time import perf_counter
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Engine, event

from app.bench.brand import BenchBrand, seed_brand
from app.bench.place import Place, open_place
from app.bench.results import Bar, Failed, Line, Result, Size
from app.customers import queries, showing
from app.customers.models import Customer, Tag
from app.customers.queries import CustomerFilters
from app.database import async_conninfo
from app.paging import Paging, list_page
from app.segments import service as segments
from tenants.brands.queries import next_no
from tenants.ids import uuid7
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session, scope_statement

STORES = 100
TAGS = 20
PEOPLE = {Size.CI: 100_000, Size.FULL: 1_000_000}
ROUNDS = {Size.CI: 15, Size.FULL: 11}
_LEAST_SECONDS = 0.05
"""A round repeats what takes less than this, so that the clock's grain does not count."""
_WARM_UP = 12
"""From the sixth time on a statement is prepared, and from the eleventh its plan may be one for any values."""

Work = Callable[[ScopedSession], Any]
Statement = tuple[str, Any]


@dataclass(frozen=True)
class _Brand:
    """The brand that is measured, the small number of the store that asks, and the names of its tags."""

    scope: Scope
    store_no: int
    tags: Sequence[str]


@dataclass(frozen=True)
class _Timed:
    """Median seconds of the same statements behind the wall and without it."""

    walled: float
    bare: float


def run(size: Size) -> Result:
    """Let the product's own functions say which statements they send; then time these in both ways, by turns."""
    people = PEOPLE[size]
    with open_place() as place:
        brand = _seed(place, people)
        lines = [
            _line(f"{who}: {what}", _time(place, scope, work, ROUNDS[size]))
            for who, scope in (("HQ", brand.scope), (f"one store of {STORES}", _store_scope(brand)))
            for what, work in _works(brand)
        ]
    return Result(
        id="P11",
        title=f"Row-level security over {people:,} customers",
        lines=tuple(lines),
        notes=(
            "Reference: the same statements with the same brand's constant, sent by a superuser, whom no policy stops.",
            f"A quarter as many customers of another brand lie in the same tables. Median of {ROUNDS[size]} rounds;"
            " behind the wall each includes setting the scope.",
        ),
    )


def _line(work: str, timed: _Timed) -> Line:
    bar = Bar(at_most=1.25)
    return Line(work=work, figure=timed.walled * 1000, unit="ms", reference=timed.bare * 1000, bar=bar)


def _store_scope(brand: _Brand) -> Scope:
    return Scope(brand.scope.brand_id, frozenset({brand.store_no}))


def _works(brand: _Brand) -> Sequence[tuple[str, Work]]:
    """What a caller asks for, as the routers do it."""
    tag, other, third = brand.tags[:3]
    rule = {
        "all": [
            {"field": "tag", "op": "has_any", "value": [tag, other]},
            {"field": "spend_yen", "op": ">=", "value": 3000},
            {"field": "last_order_at", "op": "within_days", "value": 60},
            {"not": {"field": "tag", "op": "has", "value": third}},
        ]
    }
    now = datetime.now(UTC)
    return (
        ("customers, first page", lambda session: _list(session, CustomerFilters())),
        ("customers with a tag, first page", lambda session: _list(session, CustomerFilters(tag=tag))),
        ("customers by part of a name, first page", lambda session: _list(session, CustomerFilters(q="花子77"))),
        ("segment count, 4 conditions", lambda session: segments.preview(session, rule, now, with_sample=False)),
    )


def _list(session: ScopedSession, filters: CustomerFilters) -> None:
    paging = Paging(50, None, b"", lambda text: b"")
    rows, _ = list_page(session, queries.list_customers(session, filters), Customer.id, paging)
    showing.read_customers(session, rows, session.scope)


def _time(place: Place, scope: Scope, work: Work, rounds: int) -> _Timed:
    """Both ways take turns, so that a busy moment of the machine is no one's disadvantage."""
    statements = _record(place.engine, scope, work)
    with (
        psycopg.connect(async_conninfo(place.urls.app)) as app,
        psycopg.connect(async_conninfo(place.admin_url)) as admin,
    ):
        sides: tuple[tuple[psycopg.Connection[Any], Scope | None], ...] = ((app, scope), (admin, None))
        _compare(statements, *(_send(connection, of, statements) for connection, of in sides))
        repeats = 1
        for _ in range(_WARM_UP):
            seconds = min(_measure(connection, of, statements, 1) for connection, of in sides)
            repeats = max(1, round(_LEAST_SECONDS / seconds))
        taken: list[list[float]] = [[], []]
        for turn in range(rounds):
            for side in (0, 1) if turn % 2 else (1, 0):
                connection, of = sides[side]
                taken[side].append(_measure(connection, of, statements, repeats))
    return _Timed(median(taken[0]), median(taken[1]))


def _measure(
    connection: psycopg.Connection[Any], scope: Scope | None, statements: Sequence[Statement], repeats: int
) -> float:
    began = perf_counter()
    for _ in range(repeats):
        _send(connection, scope, statements)
    return (perf_counter() - began) / repeats


def _send(
    connection: psycopg.Connection[Any], scope: Scope | None, statements: Sequence[Statement]
) -> list[list[tuple[Any, ...]]]:
    """What the statements answer, in a transaction of their own; with a scope it is set first, as the product does."""
    with connection.transaction(), connection.cursor() as cursor:
        if scope is not None:
            connection.execute(scope_statement(scope))
        return [cursor.execute(sql, values).fetchall() for sql, values in statements]


def _compare(statements: Sequence[Statement], walled: list[list[Any]], bare: list[list[Any]]) -> None:
    """Raises Failed unless both ways answer the same of customers; a store's accounts only the wall picks out."""
    for (sql, _), one, other in zip(statements, walled, bare, strict=True):
        if "FROM customer" in sql and sorted(map(repr, one)) != sorted(map(repr, other)):
            raise Failed("With and without row-level security the answers differ.")


def _record(engine: Engine, scope: Scope, work: Work) -> list[Statement]:
    """The statements that a piece of work sends in this scope, with their values."""
    with _listening(engine) as statements, open_session(engine, scope) as session:
        work(session)
    return statements


@contextmanager
def _listening(engine: Engine) -> Iterator[list[Statement]]:
    sent: list[Statement] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        if not statement.startswith("SET LOCAL"):
            sent.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _seed(place: Place, people: int) -> _Brand:
    """A brand whose people each go to one store, a third of them to another too; and a neighbour in the same tables."""
    brand, neighbour = seed_brand(place, accounts=STORES), seed_brand(place, accounts=1)
    tags = _add_tags(place, brand)
    _add_people(place, brand, people)
    _add_people(place, neighbour, people // 4)
    with psycopg.connect(place.admin_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE customer, customer_store, customer_tag, identity, tag, store, line_account")
        row = connection.execute(
            "SELECT no FROM store WHERE brand_id = %s ORDER BY no OFFSET %s", [brand.scope.brand_id, STORES // 2]
        ).fetchone()
    assert row is not None
    return _Brand(brand.scope, row[0], tags)


def _add_tags(place: Place, brand: BenchBrand) -> list[str]:
    names = [f"タグ{number}" for number in range(TAGS)]
    with open_session(place.engine, brand.scope) as session:
        session.add_all(Tag(id=uuid7(), no=next_no(session, "tag"), name=name) for name in names)
        session.commit()
    return names


def _add_people(place: Place, brand: BenchBrand, people: int) -> None:
    values: dict[str, int | UUID | str] = {
        "brand": brand.scope.brand_id,
        "people": people,
        "stores": len(brand.accounts),
        "provider": brand.provider_id,
    }
    with psycopg.connect(place.admin_url) as connection:
        for statement in (_CUSTOMERS, _TIES, _TAGS, _IDENTITIES):
            connection.execute(statement, values)
        connection.commit()


_CUSTOMERS = """
WITH place AS MATERIALIZED (
    SELECT store.id, store.no, account.no AS account_no, row_number() OVER (ORDER BY store.no) - 1 AS turn
    FROM store JOIN line_account account ON account.brand_id = store.brand_id AND account.store_nos[1] = store.no
    WHERE store.brand_id = %(brand)s
), tags AS MATERIALIZED (
    SELECT coalesce(array_agg(no ORDER BY no), '{}') AS nos FROM tag WHERE brand_id = %(brand)s
)
INSERT INTO customer (brand_id, id, created_at, updated_at, member_number, name, attributes, home_store_id,
                      home_store_no, tag_nos, store_nos, account_nos, order_count, spend_yen, last_order_at)
SELECT %(brand)s, uuidv7(), now(), now() - number %% 90 * interval '1 day', 'M' || lpad(number::text, 8, '0'),
       '山田 花子' || number, '{}', home.id, home.no,
       CASE WHEN tags.nos = '{}' THEN '{}'
            ELSE ARRAY[tags.nos[1 + number * 7 %% 20], tags.nos[1 + (number / 20 + 3) %% 20]] END,
       CASE WHEN number %% 3 = 0 AND other.no <> home.no THEN ARRAY[home.no, other.no] ELSE ARRAY[home.no] END,
       ARRAY[home.account_no], number %% 12, number %% 12 * 900, now() - number %% 180 * interval '1 day'
FROM generate_series(1, %(people)s::int) AS number CROSS JOIN tags
JOIN place home ON home.turn = number * 31 %% %(stores)s
JOIN place other ON other.turn = (number * 17 + 5) %% %(stores)s
"""
_TIES = """
INSERT INTO customer_store (brand_id, customer_id, store_id, store_no, order_count, spend_yen, last_order_at)
SELECT customer.brand_id, customer.id, store.id, store.no,
       CASE WHEN store.no = home_store_no THEN order_count ELSE 0 END,
       CASE WHEN store.no = home_store_no THEN spend_yen ELSE 0 END,
       CASE WHEN store.no = home_store_no THEN last_order_at END
FROM customer CROSS JOIN LATERAL unnest(customer.store_nos) AS tie (no)
JOIN store ON store.brand_id = customer.brand_id AND store.no = tie.no
WHERE customer.brand_id = %(brand)s
"""
_TAGS = """
INSERT INTO customer_tag (brand_id, customer_id, tag_id, tag_no, source, tagged_at)
SELECT DISTINCT customer.brand_id, customer.id, tag.id, tag.no, 'bench', now()
FROM customer CROSS JOIN LATERAL unnest(customer.tag_nos) AS one (no)
JOIN tag ON tag.brand_id = customer.brand_id AND tag.no = one.no
WHERE customer.brand_id = %(brand)s
"""
_IDENTITIES = """
INSERT INTO identity (brand_id, id, created_at, customer_id, provider_id, line_user_id, display_name, profile_at)
SELECT brand_id, uuidv7(), now(), id, %(provider)s, 'U' || md5(id::text), name, now()
FROM customer WHERE brand_id = %(brand)s
"""

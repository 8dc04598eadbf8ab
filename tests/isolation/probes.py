"""What each wall must keep, as questions put to the database itself: a probe is silent while its wall stands.

Rows are made as a superuser with foreign keys off, of whatever the columns take; then the app's role tries, in plain
SQL without a filter. The tests ask every table; the mutation check breaks one policy and asks again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Connection,
    Date,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    Uuid,
    insert,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import ProgrammingError
from sqlmodel.sql.sqltypes import AutoString

from migrations.models import metadata
from tenants.scope import Scope
from tenants.session import scope_statement
from tests.isolation.catalogue import APPEND_ONLY, INTAKE, LOOKED_UP, UNWALLED

MINE, OTHERS = UUID(int=1), UUID(int=2)
MY_STORE, OTHER_STORE = 1, 2
A_STORE, ANOTHER_STORE = Scope(MINE, frozenset({MY_STORE})), Scope(MINE, frozenset({OTHER_STORE}))

TABLES = [
    table
    for table in metadata.sorted_tables
    if table.name != UNWALLED and ("brand_id" in table.c or table.name == "brand")
]

VALUES: list[tuple[type[Any], Any]] = [
    (ARRAY, []),
    (JSONB, {}),
    (Boolean, False),
    (BigInteger, 1),
    (Integer, 1),
    (Float, 1.0),
    (DateTime, datetime(2026, 6, 1, tzinfo=UTC)),
    (Date, date(2026, 6, 1)),
    (LargeBinary, b""),
    (String, ""),
    (AutoString, ""),
]


class Breach(AssertionError):
    """A wall has a hole, or keeps out those who belong inside."""


@dataclass(frozen=True)
class Probe:
    """One question; `asks` says of which tables."""

    ask: Callable[[Connection, Table], None]
    asks: Callable[[Table], bool]

    def __str__(self) -> str:
        return self.ask.__name__


PROBES: list[Probe] = []


def probe(asks: Callable[[Table], bool]) -> Callable[[Callable[[Connection, Table], None]], None]:
    """List a question under the tables that it is asked of."""

    def keep(ask: Callable[[Connection, Table], None]) -> None:
        PROBES.append(Probe(ask, asks))

    return keep


def is_any(table: Table) -> bool:
    """Every table with a brand."""
    return True


def is_changeable(table: Table) -> bool:
    """Tables whose rows the app may change."""
    return table.name not in APPEND_ONLY


def is_by_store(table: Table) -> bool:
    """Tables whose rows say whose store they are."""
    return bool({"store_no", "store_nos"} & set(table.c.keys())) or table.name == "store"


def is_shared(table: Table) -> bool:
    """Tables whose rows may be head office's."""
    return "store_no" in table.c and bool(table.c.store_no.nullable)


def brand_column(table: Table) -> str:
    """Where a row says its brand."""
    return "id" if table.name == "brand" else "brand_id"


def store_column(table: Table) -> str:
    """Where a row says its store or stores."""
    return "no" if table.name == "store" else "store_no" if "store_no" in table.c else "store_nos"


@contextmanager
def aside(connection: Connection) -> Iterator[None]:
    """What happens inside is undone at the end: rows, roles, policies."""
    inside = connection.begin_nested()
    try:
        yield
    finally:
        inside.rollback()


def make_row(connection: Connection, table: Table, **changes: Any) -> None:
    """A row with a value in every column that needs one; ids are new."""
    row = {column.name: make_value(column.type) for column in table.c if not column.nullable}
    known = {brand_column(table): MINE, "store_no": MY_STORE, "store_nos": [MY_STORE], **changes}
    if table.name == "store":
        known["no"] = known["store_no"]
    row |= {name: value for name, value in known.items() if name in table.c}
    connection.execute(insert(table).values(row))


def make_value(kind: Any) -> Any:
    """Any value of a column's type."""
    if isinstance(kind, Uuid):
        return uuid4()
    return next(value for wanted, value in VALUES if isinstance(kind, wanted))


def enter(connection: Connection, scope: Scope | None, role: str = "noren_app") -> None:
    """Go on as the app, or as another role, in this scope or in none."""
    connection.exec_driver_sql(f"SET LOCAL ROLE {role}")
    if scope is not None:
        connection.exec_driver_sql(scope_statement(scope))


def count_rows(connection: Connection, table: Table) -> int:
    """How many rows a SELECT of everything finds."""
    return int(connection.exec_driver_sql(f'SELECT count(*) FROM "{table.name}"').scalar_one())


def count_changeable(connection: Connection, table: Table) -> int:
    """How many rows an UPDATE and a DELETE of everything reach; where rows are only added, neither is allowed."""
    column = brand_column(table)
    reached = 0
    for statement in (f'UPDATE "{table.name}" SET {column} = {column}', f'DELETE FROM "{table.name}"'):
        try:
            with aside(connection):
                reached += connection.exec_driver_sql(statement).rowcount
        except ProgrammingError as error:
            if "row-level security" in str(error):
                reached += 1  # the row was found, and only what it would become was refused
            elif table.name not in APPEND_ONLY or "permission denied" not in str(error):
                raise
    return reached


def expect(found: int, wanted: int, what: str) -> None:
    """Raises Breach unless as many were found as belong there."""
    if found != wanted:
        raise Breach(f"{what}: {found}, not {wanted}")


def expect_refusal(connection: Connection, attempt: Callable[[], Any], what: str) -> None:
    """Raises Breach unless row-level security refuses."""
    try:
        with aside(connection):
            attempt()
    except ProgrammingError as error:
        if "row-level security" not in str(error):
            raise
        return
    raise Breach(f"{what}: nobody refused")


@probe(is_any)
def a_brand_reaches_its_own_row(connection: Connection, table: Table) -> None:
    make_row(connection, table)
    enter(connection, Scope(MINE))
    expect(count_rows(connection, table), 1, "rows seen")
    expect(count_changeable(connection, table), 2 if is_changeable(table) else 0, "rows changed")


@probe(is_any)
def another_brand_does_not_reach_it(connection: Connection, table: Table) -> None:
    make_row(connection, table)
    enter(connection, Scope(OTHERS))
    expect(count_rows(connection, table), 0, "rows of another brand seen")
    expect(count_changeable(connection, table), 0, "rows of another brand changed")


@probe(is_any)
def without_a_scope_nothing_is_reached(connection: Connection, table: Table) -> None:
    make_row(connection, table)
    enter(connection, None)
    expect(count_rows(connection, table), 0, "rows seen without a scope")
    expect(count_changeable(connection, table), 0, "rows changed without a scope")


@probe(is_any)
def the_owner_is_inside_the_wall_too(connection: Connection, table: Table) -> None:
    make_row(connection, table)
    enter(connection, Scope(OTHERS), role="noren_owner")
    expect(count_rows(connection, table), 0, "rows of another brand seen by the owner")


@probe(lambda table: table.name not in INTAKE)
def a_brand_cannot_put_a_row_into_another(connection: Connection, table: Table) -> None:
    enter(connection, Scope(OTHERS))
    expect_refusal(connection, lambda: make_row(connection, table), "a row put into another brand")


@probe(is_changeable)
def a_brand_cannot_give_its_row_to_another(connection: Connection, table: Table) -> None:
    make_row(connection, table)
    enter(connection, Scope(MINE))
    give = f"UPDATE \"{table.name}\" SET {brand_column(table)} = '{OTHERS}'"
    expect_refusal(connection, lambda: connection.exec_driver_sql(give), "a row given to another brand")


@probe(lambda table: table.name in INTAKE)
def intake_takes_rows_of_several_brands(connection: Connection, table: Table) -> None:
    enter(connection, None)
    try:
        with connection.begin_nested():
            make_row(connection, table)
            make_row(connection, table, brand_id=OTHERS)
    except ProgrammingError as error:
        raise Breach("intake cannot insert without a scope") from error
    expect(count_rows(connection, table), 0, "rows that intake can read back")
    expect(count_changeable(connection, table), 0, "rows that intake can change")


@probe(lambda table: table.name in LOOKED_UP)
def the_look_up_role_finds_rows_of_all_brands(connection: Connection, table: Table) -> None:
    make_row(connection, table)
    make_row(connection, table, **{brand_column(table): OTHERS})
    enter(connection, None, role="noren_lookup")
    column = brand_column(table)
    count = f"SELECT count({column}) FROM \"{table.name}\" WHERE {column} IN ('{MINE}', '{OTHERS}')"
    expect(int(connection.exec_driver_sql(count).scalar_one()), 2, "rows found")


@probe(is_by_store)
def a_store_reaches_its_own_row(connection: Connection, table: Table) -> None:
    make_row(connection, table)
    enter(connection, A_STORE)
    expect(count_rows(connection, table), 1, "rows seen")
    expect(count_changeable(connection, table), 2 if is_changeable(table) else 0, "rows changed")


@probe(is_by_store)
def another_store_does_not_reach_it(connection: Connection, table: Table) -> None:
    make_row(connection, table)
    enter(connection, ANOTHER_STORE)
    expect(count_rows(connection, table), 0, "rows of another store seen")
    expect(count_changeable(connection, table), 0, "rows of another store changed")


@probe(is_by_store)
def a_key_without_stores_reaches_nothing(connection: Connection, table: Table) -> None:
    make_row(connection, table)
    enter(connection, Scope(MINE, frozenset()))
    expect(count_rows(connection, table), 0, "rows seen without a store")
    expect(count_changeable(connection, table), 0, "rows changed without a store")


@probe(is_by_store)
def a_store_cannot_put_a_row_into_another(connection: Connection, table: Table) -> None:
    enter(connection, ANOTHER_STORE)
    expect_refusal(connection, lambda: make_row(connection, table), "a row put into another store")


@probe(lambda table: is_by_store(table) and is_changeable(table))
def a_store_cannot_give_its_row_to_another(connection: Connection, table: Table) -> None:
    make_row(connection, table)
    enter(connection, A_STORE)
    column = store_column(table)
    other = f"'{{{OTHER_STORE}}}'" if column == "store_nos" else str(OTHER_STORE)
    give = f'UPDATE "{table.name}" SET {column} = {other}'
    expect_refusal(connection, lambda: connection.exec_driver_sql(give), "a row given to another store")


@probe(is_shared)
def a_store_never_changes_what_is_head_offices(connection: Connection, table: Table) -> None:
    make_row(connection, table, store_no=None)
    enter(connection, A_STORE)
    expect(count_changeable(connection, table), 0, "rows of head office changed")


@probe(lambda table: is_shared(table) and is_changeable(table))
def a_store_cannot_give_its_row_to_head_office(connection: Connection, table: Table) -> None:
    make_row(connection, table)
    enter(connection, A_STORE)
    give = f'UPDATE "{table.name}" SET store_no = NULL'
    expect_refusal(connection, lambda: connection.exec_driver_sql(give), "a row given to head office")


@probe(is_shared)
def a_store_cannot_put_a_row_into_head_office(connection: Connection, table: Table) -> None:
    enter(connection, A_STORE)
    expect_refusal(connection, lambda: make_row(connection, table, store_no=None), "a row put into head office")


def list_probes(table: Table) -> list[Probe]:
    """The questions that a table is asked."""
    return [one for one in PROBES if one.asks(table)]


def find_breaches(connection: Connection, table: Table) -> Iterator[str]:
    """The probes that find their wall broken, each with what it found; lazily, one after another."""
    for one in list_probes(table):
        with aside(connection):
            try:
                one.ask(connection, table)
            except Breach as breach:
                yield f"{one}: {breach}"

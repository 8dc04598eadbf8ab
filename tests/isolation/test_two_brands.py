"""Row-level security alone keeps every table's rows from another brand, from no scope and from another store.

Rows are made as a superuser with foreign keys off, of whatever the columns take; then the app's role tries, in plain
SQL without a filter.
"""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
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
from tests.isolation.catalogue import APPEND_ONLY, INTAKE, UNWALLED

MINE, OTHERS = UUID(int=1), UUID(int=2)
MY_STORE, OTHER_STORE = 1, 2

TABLES = [
    table
    for table in metadata.sorted_tables
    if table.name != UNWALLED and ("brand_id" in table.c or table.name == "brand")
]
WALLED_BY_STORE = [
    table for table in TABLES if {"store_no", "store_nos"} & set(table.c.keys()) or table.name == "store"
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


def make_row(connection: Connection, table: Table, **changes: Any) -> None:
    """A row with a value in every column that needs one; ids are new."""
    row = {column.name: make_value(column.type) for column in table.c if not column.nullable}
    brand = "id" if table.name == "brand" else "brand_id"
    known = {brand: MINE, "store_no": MY_STORE, "store_nos": [MY_STORE], **changes}
    if table.name == "store":
        known["no"] = known["store_no"]
    row |= {name: value for name, value in known.items() if name in table.c}
    connection.execute(insert(table).values(row))


def make_value(kind: Any) -> Any:
    """Any value of a column's type."""
    if isinstance(kind, Uuid):
        return uuid4()
    return next(value for wanted, value in VALUES if isinstance(kind, wanted))


def enter(connection: Connection, scope: Scope | None) -> None:
    """Go on as the app, in this scope or in none."""
    connection.exec_driver_sql("SET LOCAL ROLE noren_app")
    if scope is not None:
        connection.exec_driver_sql(scope_statement(scope))


def count_rows(connection: Connection, table: Table) -> int:
    return int(connection.exec_driver_sql(f'SELECT count(*) FROM "{table.name}"').scalar_one())


def count_changeable(connection: Connection, table: Table) -> int:
    """How many rows an UPDATE and a DELETE of everything reach; where rows are only added, neither is allowed."""
    brand = "id" if table.name == "brand" else "brand_id"
    reached = 0
    for statement in (f'UPDATE "{table.name}" SET {brand} = {brand}', f'DELETE FROM "{table.name}"'):
        attempt = connection.begin_nested()
        if table.name in APPEND_ONLY:
            with pytest.raises(ProgrammingError, match="permission denied"):
                connection.exec_driver_sql(statement)
        else:
            reached += connection.exec_driver_sql(statement).rowcount
        attempt.rollback()
    return reached


@pytest.fixture
def database(admin: Connection) -> Connection:
    """A transaction that keeps no references."""
    admin.exec_driver_sql("SET LOCAL session_replication_role = replica")
    return admin


def by_name(table: Table) -> str:
    return str(table.name)


@pytest.mark.parametrize("table", TABLES, ids=by_name)
def test_a_brand_reaches_its_own_row(table: Table, database: Connection) -> None:
    make_row(database, table)
    enter(database, Scope(MINE))
    assert count_rows(database, table) == 1
    assert count_changeable(database, table) == (0 if table.name in APPEND_ONLY else 2)


@pytest.mark.parametrize("table", TABLES, ids=by_name)
def test_another_brand_does_not_reach_it(table: Table, database: Connection) -> None:
    make_row(database, table)
    enter(database, Scope(OTHERS))
    assert count_rows(database, table) == 0
    assert count_changeable(database, table) == 0


@pytest.mark.parametrize("table", TABLES, ids=by_name)
def test_without_a_scope_nothing_is_reached(table: Table, database: Connection) -> None:
    make_row(database, table)
    enter(database, None)
    assert count_rows(database, table) == 0
    assert count_changeable(database, table) == 0


@pytest.mark.parametrize("table", TABLES, ids=by_name)
def test_a_brand_cannot_put_a_row_into_another(table: Table, database: Connection) -> None:
    enter(database, Scope(OTHERS))
    if table.name in INTAKE:
        make_row(database, table)
        assert count_rows(database, table) == 0
    else:
        with pytest.raises(ProgrammingError, match="row-level security"):
            make_row(database, table)


@pytest.mark.parametrize("table", WALLED_BY_STORE, ids=by_name)
def test_a_store_reaches_its_own_row(table: Table, database: Connection) -> None:
    make_row(database, table)
    enter(database, Scope(MINE, frozenset({MY_STORE})))
    assert count_rows(database, table) == 1
    assert count_changeable(database, table) == 2


@pytest.mark.parametrize("table", WALLED_BY_STORE, ids=by_name)
def test_another_store_does_not_reach_it(table: Table, database: Connection) -> None:
    make_row(database, table)
    enter(database, Scope(MINE, frozenset({OTHER_STORE})))
    assert count_rows(database, table) == 0
    assert count_changeable(database, table) == 0


@pytest.mark.parametrize("table", WALLED_BY_STORE, ids=by_name)
def test_a_key_without_stores_reaches_nothing(table: Table, database: Connection) -> None:
    make_row(database, table)
    enter(database, Scope(MINE, frozenset()))
    assert count_rows(database, table) == 0
    assert count_changeable(database, table) == 0


@pytest.mark.parametrize("table", WALLED_BY_STORE, ids=by_name)
def test_a_store_cannot_put_a_row_into_another(table: Table, database: Connection) -> None:
    enter(database, Scope(MINE, frozenset({OTHER_STORE})))
    with pytest.raises(ProgrammingError, match="row-level security"):
        make_row(database, table)


@pytest.mark.parametrize(
    "table", [table for table in WALLED_BY_STORE if "store_no" in table.c and table.c.store_no.nullable], ids=by_name
)
def test_a_store_never_changes_what_is_head_offices(table: Table, database: Connection) -> None:
    make_row(database, table, store_no=None)
    enter(database, Scope(MINE, frozenset({MY_STORE})))
    assert count_changeable(database, table) == 0


def test_every_table_of_the_models_is_tried(database: Connection) -> None:
    assert {table.name for table in TABLES} >= {"brand", "store", "customer", "event", "daily_metric"}
    assert len(TABLES) > 25

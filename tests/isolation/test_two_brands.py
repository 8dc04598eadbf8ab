"""Row-level security alone keeps every table's rows from another brand, from no scope and from another store."""

import pytest
from sqlalchemy import Connection, Table

from tests.isolation.probes import PROBES, TABLES, Probe, list_probes


@pytest.fixture
def database(admin: Connection) -> Connection:
    """A transaction that keeps no references."""
    admin.exec_driver_sql("SET LOCAL session_replication_role = replica")
    return admin


@pytest.mark.parametrize(
    ("probe", "table"),
    [pytest.param(one, table, id=f"{table.name}-{one}") for table in TABLES for one in list_probes(table)],
)
def test_the_wall_stands(probe: Probe, table: Table, database: Connection) -> None:
    probe.ask(database, table)


def test_every_table_of_the_models_is_tried() -> None:
    assert {table.name for table in TABLES} >= {"brand", "store", "customer", "event", "daily_metric"}
    assert len(TABLES) > 25


def test_every_question_is_put_to_some_table() -> None:
    assert [str(one) for one in PROBES if not any(one.asks(table) for table in TABLES)] == []

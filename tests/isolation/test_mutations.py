"""The probes can fail: whichever policy is dropped, opened or widened, one of its table's probes notices."""

import pytest
from sqlalchemy import Connection

from tests.isolation.mutations import Mutation, find_breach, list_mutations
from tests.isolation.probes import TABLES


@pytest.fixture
def database(admin: Connection) -> Connection:
    """A transaction that keeps no references."""
    admin.exec_driver_sql("SET LOCAL session_replication_role = replica")
    return admin


@pytest.mark.slow
def test_whatever_is_broken_is_noticed(database: Connection) -> None:
    mutations = list_mutations(database)
    unnoticed = [str(one) for one in mutations if find_breach(database, one) is None]
    assert unnoticed == []


def test_every_policy_is_broken_at_least_once(database: Connection) -> None:
    rows = database.exec_driver_sql("SELECT tablename, policyname FROM pg_policies WHERE schemaname = 'public'")
    policies = {(row.tablename, row.policyname) for row in rows}
    dropped = {(one.table, one.policy) for one in list_mutations(database) if one.how == "drop"}
    assert dropped == policies
    assert len(policies) > len(TABLES)


def test_a_breakage_that_changes_nothing_is_not_noticed(database: Connection) -> None:
    harmless = Mutation("coupon", "brand", "leave alone", "ALTER POLICY brand ON coupon TO PUBLIC")
    assert find_breach(database, harmless) is None

"""The matrix goes red when a wall is opened: what it says of the standing ones is worth something."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine

from tests.walls.filters import strip, switched_off
from tests.walls.matrix import Matrix

# None of these shows head office another brand's persons: the audit log would tell of it for good, and be right.
OPENED = [
    ("coupon", "brand", "GET /v1/coupons/{coupon_id}"),
    ("segment", "brand", "GET /v1/segments"),
    ("staff", "brand", "POST /v1/staff/{staff_id}/sign-out"),
    ("order", "stores", "GET /v1/orders/{order_id}"),
    ("line_account", "stores", "GET /v1/line-accounts/{line_account_id}"),
    ("tag", "stores_select", "GET /v1/tags"),
]


@contextmanager
def opened(admin: Engine, table: str, policy: str) -> Iterator[None]:
    """A policy that lets everyone see past it, put back at the end."""
    with admin.begin() as connection:
        query = f"SELECT qual FROM pg_policies WHERE tablename = '{table}' AND policyname = '{policy}'"
        sees = connection.exec_driver_sql(query).scalar_one()
        connection.exec_driver_sql(f'ALTER POLICY {policy} ON "{table}" USING (true)')
    try:
        yield
    finally:
        with admin.begin() as connection:
            connection.exec_driver_sql(f'ALTER POLICY {policy} ON "{table}" USING ({sees})')


@pytest.mark.parametrize(("table", "policy", "name"), OPENED)
def test_an_open_policy_is_noticed(table: str, policy: str, name: str, matrix: Matrix) -> None:
    operation = matrix.document.read(name)
    seats = matrix.credentials.scopes(operation.permission)
    if table == "segment":
        matrix.world.their_office.make("seg")  # the newest: it stands on the first page, whatever else there is
    with opened(matrix.world.admin, table, policy), switched_off(matrix.engine):
        assert matrix.try_operation(operation, seats).faults
    assert not matrix.try_operation(operation, seats).faults


def test_filters_are_there_to_be_switched_off(matrix: Matrix) -> None:
    operation = matrix.document.read("PATCH /v1/customers/{customer_id}")
    with switched_off(matrix.engine) as stripped:
        matrix.try_operation(operation, matrix.credentials.scopes(operation.permission))
    assert stripped.statements > 10


@pytest.mark.parametrize(
    ("statement", "stripped"),
    [
        (
            "SELECT 1 FROM store WHERE store.brand_id = %(a)s::UUID AND id = %(b)s",
            "SELECT 1 FROM store WHERE true AND id = %(b)s",
        ),
        ("DELETE FROM tag WHERE no = 1 AND brand_id = %(a)s", "DELETE FROM tag WHERE no = 1 AND true"),
        ("SELECT 1 WHERE (%(a)s = x.brand_id) OR y", "SELECT 1 WHERE (true) OR y"),
        ("SELECT 1 FROM a JOIN b ON a.brand_id = b.brand_id", "SELECT 1 FROM a JOIN b ON a.brand_id = b.brand_id"),
        ("UPDATE tag SET brand_id=%(a)s WHERE id = %(b)s", "UPDATE tag SET brand_id=%(a)s WHERE id = %(b)s"),
        ("SELECT 1 FROM r WHERE deleted_brand_id = %(a)s", "SELECT 1 FROM r WHERE deleted_brand_id = %(a)s"),
        (
            "UPDATE lane SET due_at = now() WHERE brand_id = %(a)s",
            "UPDATE lane SET due_at = now() WHERE brand_id = %(a)s",
        ),
    ],
)
def test_only_comparisons_with_a_value_are_cut_out(statement: str, stripped: str) -> None:
    assert strip(statement) == stripped

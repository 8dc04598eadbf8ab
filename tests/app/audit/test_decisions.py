"""What must be decided anew for each new operation and each new column of people."""

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.testclient import TestClient
from sqlalchemy import ARRAY, Column, Date, LargeBinary, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel.sql.sqltypes import AutoString

from app.audit.requests import READING
from app.auth import open_brand_wide, open_scoped, read_caller
from app.routes import ApiRoute
from app.till.devices import open_till, read_till
from migrations.models import metadata

OF_PEOPLE = {"customer_id", "staff_id", "line_user_id", "email", "phone"}
"""A table that has one of these columns holds people, but for those below."""
HOLD_NO_PEOPLE = {"audit_entry"}
"""The log itself, which tells nothing of itself."""


def list_operations(api: TestClient) -> dict[str, APIRoute]:
    """Every operation that a caller of a brand or a till may use, by name."""
    contexts = iter_route_contexts(api.app.routes)  # type: ignore[attr-defined]
    routes = [one.original_route for one in contexts if isinstance(one.original_route, APIRoute)]
    return {route.name: route for route in routes if depends_on(route, read_caller, read_till)}


def depends_on(route: APIRoute, *wanted: object) -> bool:
    waiting = [route.dependant]
    while waiting:
        dependant = waiting.pop()
        if dependant.call in wanted:
            return True
        waiting += dependant.dependencies
    return False


def test_every_operation_of_a_caller_is_recorded(api: TestClient) -> None:
    operations = list_operations(api)
    assert len(operations) > 80
    assert [name for name, route in operations.items() if not isinstance(route, ApiRoute)] == []


def test_every_change_has_a_transaction_to_be_written_in(api: TestClient) -> None:
    changing = {name: route for name, route in list_operations(api).items() if route.methods != {"GET"}}
    assert len(changing) > 40
    without = [
        name for name, route in changing.items() if not depends_on(route, open_scoped, open_brand_wide, open_till)
    ]
    assert [name for name in without if name not in READING] == []


def test_what_is_said_only_to_read_is_an_operation_that_posts(api: TestClient) -> None:
    operations = list_operations(api)
    assert {name for name in READING if operations[name].methods == {"POST"}} == READING


def list_columns_of_people() -> list[Column[object]]:
    """Columns that could hold something of a person: texts, JSON and dates."""
    tables = [
        table
        for table in metadata.sorted_tables
        if (table.name in ("customer", "staff") or OF_PEOPLE & set(table.c.keys())) and table.name not in HOLD_NO_PEOPLE
    ]
    kinds = (String, AutoString, JSONB, Date)
    return [
        column
        for table in tables
        for column in table.c
        if isinstance(column.type, kinds)
        or (isinstance(column.type, ARRAY) and isinstance(column.type.item_type, kinds))
    ]


@pytest.mark.parametrize("column", list_columns_of_people(), ids=str)
def test_every_text_about_people_is_shown_or_masked_by_decision(column: Column[object]) -> None:
    assert isinstance(column.info.get("masked"), bool), "say MASKED or SHOWN, of tenants.tables"


def test_what_tells_who_somebody_is_is_masked() -> None:
    masked = {
        ("customer", name)
        for name in (
            "external_id", "member_number", "name", "phone", "email", "birthday_on", "gender", "attributes",
        )
    } | {
        ("identity", "line_user_id"), ("identity", "display_name"), ("identity", "picture_url"),
        ("staff", "name"), ("staff", "email"), ("staff", "subject"), ("line_event", "body"),
        ("delivery", "line_user_id"), ("issued_coupon", "code"),
    }  # fmt: skip
    told = {(column.table.name, column.name) for column in list_columns_of_people() if column.info.get("masked")}
    assert masked <= told


def test_secrets_are_kept_as_bytes_which_are_never_told() -> None:
    secret = ("digest", "secret", "wrapped_key", "answer")
    named = [
        column
        for table in metadata.sorted_tables
        for column in table.c
        if any(column.name == word or column.name.endswith(f"_{word}") for word in secret)
    ]
    assert len(named) > 5
    assert [str(column) for column in named if not isinstance(column.type, LargeBinary)] == []

"""Every column that names a customer changes hands in a merge, or stays on purpose."""

import pytest
from sqlalchemy import Column, UniqueConstraint

from app.customers.joining.tables import KEPT, MOVED, Moved
from migrations.models import metadata


def list_columns() -> list[Column[object]]:
    """Every column of ours that names customers."""
    named = ("customer_id", "customer_ids", "merged_into_id")
    columns = [column for table in metadata.tables.values() for column in table.columns]
    return [column for column in columns if column.name.endswith(named)]


def test_every_column_that_names_a_customer_is_moved_or_left_on_purpose() -> None:
    decided = {f"{one.table}.customer_id" for one in MOVED} | KEPT.keys()
    assert {f"{column.table.name}.{column.name}" for column in list_columns()} == decided


@pytest.mark.parametrize("one", MOVED, ids=lambda one: one.table)
def test_rows_are_noted_by_what_tells_them_apart(one: Moved) -> None:
    table = metadata.tables[one.table]
    key = {column.name for column in table.primary_key.columns} - {"brand_id", "customer_id"}
    assert {name for name, _ in one.keys} == key


@pytest.mark.parametrize("one", MOVED, ids=lambda one: one.table)
def test_a_row_that_cannot_move_beside_its_twin_stays(one: Moved) -> None:
    table = metadata.tables[one.table]
    unique = [constraint for constraint in table.constraints if isinstance(constraint, UniqueConstraint)]
    sets = [{column.name for column in constraint.columns} for constraint in unique]
    sets += [{column.name for column in index.columns} for index in table.indexes if index.unique]
    sets.append({column.name for column in table.primary_key.columns})
    with_her = [names - {"brand_id", "customer_id"} for names in sets if "customer_id" in names]
    assert with_her == ([set(one.twins_by)] if one.twins_by else [])

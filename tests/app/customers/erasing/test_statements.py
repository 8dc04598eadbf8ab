"""What erasure reaches, held against the models: a new column of personal data is emptied, or kept for a reason."""

from sqlalchemy import Table

from app.customers.erasing.statements import EMPTIED, FIRST, LEFT, STAYING, STEPS
from migrations.models import metadata

OTHERS = {"staff"}
"""Tables of personal data of people who are no customers."""
SET_BY_HAND = {"attributes", "written_by"}
"""Fields of the customer's row that become empty and not null."""


def test_every_column_of_personal_data_goes_or_stays_for_a_reason() -> None:
    masked = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.c
        if column.info.get("masked") and table.name not in OTHERS
    }
    gone = {f"customer.{name}" for name in {*EMPTIED, *SET_BY_HAND}}
    for step in (FIRST, *STEPS):
        names = step.columns or [column.name for column in metadata.tables[step.table].c]
        gone |= {f"{step.table}.{name}" for name in names}
    assert masked - gone - set(LEFT) == set()
    assert set(LEFT) & gone == set(), "what is emptied is not said to stay"
    assert set(LEFT) - masked == set(), "what is said to stay is there"


def test_every_table_that_refers_to_a_person_is_reached_or_stays_for_a_reason() -> None:
    of_people = {str(table.name) for table in metadata.sorted_tables if _refers_to_a_person(table)}
    assert of_people - {step.table for step in STEPS} - set(STAYING) == set()
    assert set(STAYING) <= of_people


def _refers_to_a_person(table: Table) -> bool:
    return any(
        name.endswith(("customer_id", "customer_ids", "line_user_id", "identity_id")) for name in list(table.c.keys())
    )

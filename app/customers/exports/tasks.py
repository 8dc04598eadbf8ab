"""Writing files of customers, batch by batch: a worker that dies is followed by one that goes on where it was."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement

from app.customers.by_segment import chosen_by, chosen_by_rule
from app.customers.exports.columns import COLUMNS, choose
from app.customers.exports.people import count_people, list_attribute_names, list_people, list_systems
from app.customers.exports.writing import SheetWriter, write_line
from app.jobs.queue import Work, task
from app.operations.models import Operation
from app.operations.service import FileWriter, fail, finish, lock_running, report
from tenants.brands.queries import get_brand
from tenants.problems import Problem
from tenants.session import ScopedSession

BATCH_ROWS: Final = 5_000
IMPORTABLE: Final = [*(name for name, column in COLUMNS.items() if not column.is_ours), "external_ids", "attributes"]
"""The columns that an import takes: what NDJSON holds where nobody says otherwise."""


@dataclass
class _Place:
    """How far a file is: the last one written, what was counted, and what its columns are made of.

    The latter is looked up once: a file has the same columns from its first row to its last.
    """

    after: UUID | None
    rows: int
    replaced: int
    attributes: list[str]
    systems: list[str]

    @classmethod
    def find(cls, session: ScopedSession, operation: Operation) -> "_Place":
        kept = operation.checkpoint
        if kept is None:
            return cls(None, 0, 0, list_attribute_names(session), list_systems(session))
        after = UUID(kept["after"]) if kept["after"] else None
        return cls(after, operation.done, kept["replaced"], kept["attributes"], kept["systems"])

    def to_json(self) -> dict[str, Any]:
        return {
            "after": str(self.after) if self.after else None,
            "replaced": self.replaced,
            "attributes": self.attributes,
            "systems": self.systems,
        }


@task
def export_customers(work: Work, operation_id: UUID) -> None:
    """Write a file of customers to its end. Each batch and how far it came are one transaction."""
    while True:
        with work.session() as session:
            operation = lock_running(session, operation_id)
            if operation is None:
                return
            try:
                goes_on = write_batch(session, operation, work)
            except Problem as problem:  # the segment went, or names what went
                fail(session, operation, problem, work.now)
                return
        if not goes_on:
            return


def choose_people(session: ScopedSession, operation: Operation) -> ColumnElement[bool] | None:
    """Who is in the file, as of the moment when it was asked for; None is everybody. Raises NotFound, Invalid."""
    wanted = operation.arguments
    if wanted["segment_id"] is not None:
        return chosen_by(session, UUID(wanted["segment_id"]), operation.created_at)
    if wanted["rule"] is not None:
        return chosen_by_rule(session, wanted["rule"], operation.created_at)
    return None


def write_batch(session: ScopedSession, operation: Operation, work: Work) -> bool:
    """Write the next people; whether there may be more."""
    place, wanted = _Place.find(session, operation), operation.arguments
    chosen = choose_people(session, operation)
    is_first = operation.checkpoint is None
    total = count_people(session, chosen) if is_first else None
    zone = ZoneInfo(get_brand(session, session.scope.brand_id).timezone)
    people = list_people(session, chosen, place.after, BATCH_ROWS)
    columns = choose(wanted["columns"], place.attributes, place.systems)
    name = f"customers.{wanted['format']}"
    with FileWriter(session, operation, name) as file:
        if wanted["format"] == "csv":
            sheet = SheetWriter(columns, wanted["encoding"], zone, japanese=wanted["language"] == "ja")
            if is_first:
                file.write(sheet.head())
            for person in people:
                file.write(sheet.row(person))
            place.replaced += sheet.replaced
        else:
            for person in people:
                file.write(write_line(columns, person))
    place.rows += len(people)
    place.after = people[-1].customer.id if people else place.after
    report(session, operation, done=place.rows, total=total, checkpoint=place.to_json(), now=work.now)
    if len(people) == BATCH_ROWS:
        return True
    finish(session, operation, {"rows": place.rows, "letters_replaced": place.replaced}, work.now)
    return False

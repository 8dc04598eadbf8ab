"""Work of the clock on long work."""

from datetime import datetime, timedelta

from sqlalchemy import text

from app.jobs.queue import Clockwork, periodic
from app.operations.kinds import UPLOAD
from app.operations.service import fail_stuck
from tenants.brands.queries import list_brand_ids
from tenants.session import ScopedSession

KEPT = timedelta(days=90)
"""How long it can be looked up that something was done."""

ARRIVES_WITHIN = timedelta(days=1)
"""What of a file has arrived by then and is not work yet never becomes it: the process that received it is gone."""


@periodic("23 * * * *")
def forget_files(clock: Clockwork) -> None:
    """Drop files whose time is over and operations that nobody asks for any more, and end those that are stuck."""
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            fail_stuck(session, clock.now)
            forget(session, clock.now)


def forget(session: ScopedSession, now: datetime) -> None:
    """Drop what a brand's long work has left behind, as far as its time is over."""
    values = {
        "brand_id": session.scope.brand_id, "now": now, "before": now - KEPT,
        "upload": UPLOAD, "arrived_before": now - ARRIVES_WITHIN,
    }  # fmt: skip
    for statement in (_FORGET_FILES, _FORGET_OPERATIONS):
        session.connection().execute(statement, values)


_FORGET_FILES = text(
    "DELETE FROM operation_file USING operation WHERE operation_file.brand_id = :brand_id"
    " AND operation.brand_id = :brand_id AND operation.id = operation_file.operation_id"
    " AND (operation.files_until < :now OR operation.kind = :upload AND operation.created_at < :arrived_before)"
)
_FORGET_OPERATIONS = text(
    "DELETE FROM operation WHERE brand_id = :brand_id AND ("
    " finished_at < :before AND files_until < :now OR kind = :upload AND created_at < :arrived_before)"
)

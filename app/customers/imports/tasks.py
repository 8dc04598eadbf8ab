"""Work for later on imports."""

from uuid import UUID

from app.customers.imports.work import run_turn
from app.jobs.queue import Work, defer, task


@task
def import_customers(work: Work, operation_id: UUID) -> None:
    """Take some of a file in; what is left is another job's. Goes on where it was after a crash."""
    if run_turn(work, operation_id):
        with work.session() as session:
            defer(session, import_customers, once_key=f"import:{operation_id}", operation_id=operation_id)

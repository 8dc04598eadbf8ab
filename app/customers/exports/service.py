"""Exports: a file of customers is begun in the request that asks for it, and written by a worker."""

from datetime import datetime

from app.customers.exports import tasks
from app.customers.exports.schemas import CustomersExport
from app.jobs.queue import defer
from app.operations.kinds import register
from app.operations.models import Operation
from app.operations.service import start
from tenants.session import ScopedSession

KIND = register("customer_export", permission="customers:export")


def begin_export(session: ScopedSession, wanted: CustomersExport, *, started_by: str, now: datetime) -> Operation:
    """Begin a file of customers. Raises NotFound for a segment that is not there, Invalid for a rule that is none."""
    columns = wanted.columns
    if columns is None and wanted.format == "ndjson":
        columns = tasks.IMPORTABLE
    arguments = {
        "segment_id": str(wanted.segment_id) if wanted.segment_id else None,
        "rule": wanted.rule,
        "columns": columns,
        "format": wanted.format,
        "encoding": wanted.encoding,
        "language": wanted.language,
    }
    operation = start(session, KIND, arguments=arguments, started_by=started_by, now=now)
    tasks.choose_people(session, operation)
    defer(session, tasks.export_customers, operation_id=operation.id)
    return operation

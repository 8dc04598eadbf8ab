"""Imports: begun with a file that has arrived, carried on by a task."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from app.callers import CallerInfo
from app.customers.imports.columns import IGNORED, read_column
from app.customers.imports.plan import Options
from app.customers.imports.tasks import import_customers
from app.jobs.queue import defer
from app.operations.kinds import register
from app.operations.models import Operation
from app.operations.uploads import take_upload
from tenants.line_accounts.queries import get_account
from tenants.problems import Invalid, NotFound
from tenants.session import ScopedSession

IMPORT = register("customer_import", permission="customers:import")


def check_options(session: ScopedSession, options: Options, caller: CallerInfo) -> None:
    """Raises Invalid for a store or an account that is not there or another brand's, and for a mapping to nothing."""
    errors = [{"pointer": f"/query/{name}", "detail": _MISSING} for name in _list_missing(session, options, caller)]
    errors += [{"pointer": "/query/mapping", "detail": detail} for detail in _list_wrong(options.mapping)]
    if errors:
        raise Invalid(errors[:20])


_MISSING: Final = "There is no such thing."
"""The same of a foreign id as of an unknown one."""


def _list_missing(session: ScopedSession, options: Options, caller: CallerInfo) -> Iterator[str]:
    if options.store_id is not None:
        try:
            is_there = caller.store(session, options.store_id).archived_at is None
        except NotFound:
            is_there = False
        if not is_there:
            yield "store_id"
    if options.line_account_id is not None:
        try:
            get_account(session, options.line_account_id)
        except NotFound:
            yield "line_account_id"


def _list_wrong(mapping: dict[str, str]) -> Iterator[str]:
    for target in dict.fromkeys(mapping.values()):
        if target != IGNORED and read_column(target) is None:
            yield f"There is no field {target[:64]!r} to map a heading to."


def begin_import(
    session: ScopedSession, upload_id: UUID, lines: int, options: Options, *, started_by: str, now: datetime
) -> Operation:
    """Make an import of a file that has arrived, and have it worked on."""
    operation = take_upload(session, upload_id, IMPORT, arguments=options.as_json(), started_by=started_by, now=now)
    operation.total = max(0, lines - (options.format == "csv"))
    session.flush()
    defer(session, import_customers, once_key=f"import:{operation.id}", operation_id=operation.id)
    return operation

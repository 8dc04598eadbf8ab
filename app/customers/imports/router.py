"""Imports over HTTP."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import TypeAdapter, ValidationError

from app.auth import Caller, Now, ScopedSession, allow
from app.customers.imports.plan import Options
from app.customers.imports.schemas import FILE, Delimiter, DryRun, Encoding, Mapping, TagName
from app.customers.imports.service import begin_import, check_options
from app.operations import service as operations
from app.operations.receiving import Upload, media_type_of, receive, upload_route
from app.operations.schemas import OperationRead
from app.schemas import LineAccountId, StoreId
from tenants.problems import Invalid, PermissionMissing
from tenants.session import open_session

PERMISSION = "customers:import"
FORMATS = {"text/csv": "csv", "application/x-ndjson": "ndjson"}

router = APIRouter(prefix="/v1/customers", tags=["customers"], route_class=upload_route(*FORMATS))
routers = [router]

_mapping = TypeAdapter(dict[str, str])


def require_whole_brand(caller: Caller) -> None:
    """Raises PermissionMissing for who sees some stores only: a file may name anybody of the brand."""
    if caller.is_stores:
        raise PermissionMissing(PERMISSION)


IMPORT: Any = [allow(PERMISSION), Depends(require_whole_brand)]


def read_options(
    request: Request,
    caller: Caller,
    encoding: Encoding = "auto",
    delimiter: Delimiter = "auto",
    mapping: Mapping = None,
    store_id: StoreId | None = None,
    line_account_id: LineAccountId | None = None,
    tag: TagName = None,
    dry_run: DryRun = False,
) -> Options:
    """What is said of the file, checked before the file is received. Raises Invalid."""
    options = Options(
        format=FORMATS[media_type_of(request)],
        encoding=encoding,
        delimiter=delimiter,
        mapping=_read_mapping(mapping),
        store_id=store_id,
        line_account_id=line_account_id,
        tag=tag,
        is_dry_run=dry_run,
    )
    with open_session(request.app.state.engine, caller.scope) as session:
        check_options(session, options, caller)
    return options


def _read_mapping(mapping: str | None) -> dict[str, str]:
    if mapping is None:
        return {}
    try:
        return _mapping.validate_json(mapping)
    except ValidationError as error:
        detail = 'Must be a JSON object of headings and fields, such as {"お名前": "name"}.'
        raise Invalid.at("/query/mapping", detail) from error


Chosen = Annotated[Options, Depends(read_options, scope="function")]


async def receive_file(request: Request, caller: Caller, options: Chosen, now: Now) -> AsyncIterator[Upload]:
    """The file, which has arrived."""
    async with receive(request, caller.scope, now) as upload:
        yield upload


Received = Annotated[Upload, Depends(receive_file, scope="function")]


@router.post("/import", status_code=202, openapi_extra=FILE, dependencies=IMPORT)
def import_customers(
    received: Received, options: Chosen, session: ScopedSession, caller: Caller, now: Now
) -> OperationRead:
    """Take customers in out of a CSV or NDJSON, or a friend list of another tool. Head office only.

    Answers the operation that does it, before it is done: rows that cannot be taken are in its file `errors.csv`, with
    line and reason. People are found as `POST /v1/customers` finds them; empty cells say nothing. The same file twice
    changes nothing. LINE user ids need the account whose friends they are, as `line_account_id`.
    """
    operation = begin_import(session, received.id, received.lines, options, started_by=caller.name, now=now)
    return operations.show(session, operation)

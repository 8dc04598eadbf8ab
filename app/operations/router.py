"""Long work over HTTP."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from app.auth import Caller, Now, ScopedSession
from app.callers import CallerInfo
from app.operations import queries, service
from app.operations.kinds import list_visible
from app.operations.models import Operation
from app.operations.schemas import OperationRead
from app.paging import PagingParams, list_page
from app.routes import ApiRoute
from app.schemas import OperationId, Page
from tenants.ids import encode_id
from tenants.problems import NotFound
from tenants.session import open_session

router = APIRouter(prefix="/v1/operations", tags=["operations"], route_class=ApiRoute)
routers = [router]

FileName = Annotated[str, Path(pattern=r"^[a-z][a-z-]{0,40}\.[a-z]{2,8}$", examples=["errors.csv"])]
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson", "json": "application/json"}
BYTES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    }
}


@router.get("")
def list_operations(session: ScopedSession, caller: Caller, paging: PagingParams) -> Page[OperationRead]:
    """Imports, exports and other long work that the caller may start, newest first."""
    kinds = list_visible(caller.permissions)
    rows, next_cursor = list_page(session, queries.list_operations(kinds), Operation.id, paging)
    return Page(items=service.show_all(session, list(rows)), next_cursor=next_cursor)


@router.get("/{operation_id}")
def get_operation(operation_id: OperationId, session: ScopedSession, caller: Caller) -> OperationRead:
    """How far long work is, and what came of it."""
    kinds = list_visible(caller.permissions)
    return service.show(session, queries.get_operation(session, operation_id, kinds))


@router.post("/{operation_id}/cancel")
def cancel_operation(operation_id: OperationId, session: ScopedSession, caller: Caller, now: Now) -> OperationRead:
    """Stop long work where it is; what was done until then stays. It has failed then, as `operation-cancelled`."""
    operation = queries.get_operation(session, operation_id, list_visible(caller.permissions))
    service.cancel(session, operation, now)
    return service.show(session, operation)


@router.get("/{operation_id}/files/{file_name}", response_class=Response, responses=BYTES)
def read_operation_file(
    operation_id: OperationId, file_name: FileName, request: Request, session: ScopedSession, caller: Caller
) -> StreamingResponse:
    """A file that came of long work, such as the rows that an import could not take, with the reasons."""
    operation = queries.get_operation(session, operation_id, list_visible(caller.permissions))
    first = queries.find_piece(session, operation.id, file_name, 0)
    if first is None:
        raise NotFound
    saved_as = f"{operation.kind.replace('_', '-')}-{encode_id('op', operation.id)}-{file_name}"
    return StreamingResponse(
        _stream(request, caller, operation, file_name, first),
        media_type=MEDIA_TYPES.get(file_name.rpartition(".")[2], "application/octet-stream"),
        headers={
            "Content-Disposition": f'attachment; filename="{saved_as}"',
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


async def _stream(
    request: Request, caller: CallerInfo, operation: Operation, name: str, first: bytes
) -> AsyncIterator[bytes]:
    """The pieces one by one, each read in a short transaction: a slow reader holds no connection."""
    state = request.app.state

    def find(no: int) -> bytes | None:
        with open_session(state.engine, caller.scope) as session:
            return queries.find_piece(session, operation.id, name, no)

    piece: bytes | None = first
    no = 0
    while piece is not None:
        yield piece
        no += 1
        async with state.slots:
            piece = await run_in_threadpool(find, no)

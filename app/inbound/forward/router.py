"""Forwarding over HTTP."""

from fastapi import APIRouter

from app.auth import Now, ScopedSession, allow
from app.inbound.forward import queries, service
from app.inbound.forward.schemas import ForwardCallRead, ForwardPut, ForwardRead, State
from app.inbound.models import LineForward, LineForwardCall
from app.inbound.public_url import PublicUrl
from app.paging import PagingParams, make_page
from app.routes import ApiRoute
from app.schemas import LineAccountId, LineForwardCallId, Page
from tenants.line_accounts.queries import get_account, lock_account
from tenants.session import ScopedSession as Session

router = APIRouter(prefix="/v1/line-accounts/{line_account_id}/forward", tags=["line-accounts"], route_class=ApiRoute)


@router.get("", dependencies=[allow("line_accounts:read")])
def read_forward(line_account_id: LineAccountId, session: ScopedSession) -> ForwardRead:
    """The other tool that gets this account's webhook calls too."""
    get_account(session, line_account_id)
    return _read(session, queries.get_forward(session, line_account_id))


@router.put("", dependencies=[allow("line_accounts:write")])
def put_forward(
    line_account_id: LineAccountId, body: ForwardPut, session: ScopedSession, public_url: PublicUrl, now: Now
) -> ForwardRead:
    """Have this account's webhook calls go on to another tool, byte for byte and with LINE's signature.

    It counts for calls that come half a minute later at the latest. What waits goes to the new address.
    """
    lock_account(session, line_account_id)
    forward = service.put_forward(
        session, line_account_id, url=body.url, active=body.active, public_url=public_url, now=now
    )
    return _read(session, forward)


@router.delete("", status_code=204, dependencies=[allow("line_accounts:write")])
def delete_forward(line_account_id: LineAccountId, session: ScopedSession) -> None:
    """Send nothing on any more. What waits, and what was given up, is forgotten."""
    lock_account(session, line_account_id)
    service.delete_forward(session, line_account_id)


@router.get("/calls", dependencies=[allow("line_accounts:read")])
def list_forward_calls(
    line_account_id: LineAccountId, session: ScopedSession, paging: PagingParams, state: State | None = None
) -> Page[ForwardCallRead]:
    """The calls that go on, newest first: what waits, what was given up, and for a week what was sent."""
    get_account(session, line_account_id)
    calls = queries.list_calls(line_account_id, state)
    return make_page(session, calls, LineForwardCall.id, paging, ForwardCallRead.model_validate)


@router.post("/calls/{call_id}/retry", dependencies=[allow("line_accounts:write")])
def retry_forward_call(
    line_account_id: LineAccountId, call_id: LineForwardCallId, session: ScopedSession, now: Now
) -> ForwardCallRead:
    """Try a call again that was given up, before all that wait."""
    get_account(session, line_account_id)
    return ForwardCallRead.model_validate(service.retry_call(session, line_account_id, call_id, now))


@router.post("/retry", dependencies=[allow("line_accounts:write")])
def retry_forward(line_account_id: LineAccountId, session: ScopedSession, now: Now) -> ForwardRead:
    """Try all calls again that were given up, in the order in which they came."""
    get_account(session, line_account_id)
    return _read(session, service.retry_all(session, line_account_id, now))


def _read(session: Session, forward: LineForward) -> ForwardRead:
    unsent = queries.count_unsent(session, forward.line_account_id)
    counts = {"waiting": unsent.get("waiting", 0), "dead": unsent.get("dead", 0)}
    return ForwardRead.model_validate({**forward.model_dump(), **counts})

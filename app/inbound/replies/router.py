"""Answers to LINE's events over HTTP."""

from fastapi import APIRouter

from app.auth import ScopedSession, allow
from app.inbound.models import LineReply
from app.inbound.replies.queries import list_replies as replies_of
from app.inbound.replies.schemas import ReplyRead, Status
from app.paging import PagingParams, make_page
from app.routes import ApiRoute
from app.schemas import LineAccountId, Page
from tenants.line_accounts.queries import get_account

router = APIRouter(prefix="/v1/line-accounts/{line_account_id}/replies", tags=["line-accounts"], route_class=ApiRoute)


@router.get("", dependencies=[allow("line_accounts:read")])
def list_replies(
    line_account_id: LineAccountId, session: ScopedSession, paging: PagingParams, status: Status | None = None
) -> Page[ReplyRead]:
    """How this account has answered events by their reply tokens, newest first, for 90 days."""
    get_account(session, line_account_id)
    return make_page(session, replies_of(line_account_id, status), LineReply.id, paging, ReplyRead.model_validate)

"""Content of messages over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from app.auth import Caller, allow, brand_key_of
from app.inbound.content.answer import ContentAnswer
from app.inbound.content.service import get_content
from app.line.client import LineClient
from app.line.hosts import NoTestHost
from app.routes import ApiRoute
from app.schemas import LineAccountId
from tenants.line_accounts.queries import get_account
from tenants.line_accounts.service import open_secret
from tenants.problems import Conflict
from tenants.sealing import Unsealable
from tenants.session import open_session

router = APIRouter(prefix="/v1/line-accounts/{line_account_id}/messages", tags=["line-accounts"], route_class=ApiRoute)

MessageId = Annotated[
    str, Path(pattern=r"^[0-9]{1,32}$", description="LINE's id of the message, as `message.received` tells it.")
]
Preview = Annotated[bool, Query(description="A small picture of an image or a video in place of all of it.")]
BYTES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The content as LINE has it.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/{message_id}/content", response_class=Response, responses=BYTES, dependencies=[allow("customers:read")])
def read_message_content(
    line_account_id: LineAccountId, message_id: MessageId, request: Request, caller: Caller, preview: Preview = False
) -> ContentAnswer:
    """The picture, video, recording or file that a customer sent to an account, passed on from LINE.

    LINE keeps content for a time that it does not tell, so fetch soon what you want to keep. A 409 `content-preparing`
    says when to come again for a long video; a 410 says that LINE has it no more.
    """
    state = request.app.state
    # Closed again before LINE is asked: a video may take minutes.
    with open_session(state.engine, caller.scope) as session:
        account = get_account(session, line_account_id)
        content = get_content(session, account.id, message_id)
        customer_id = content.customer_id
        try:
            secret = open_secret(account, brand_key_of(session, state.keyring))
            line = LineClient(state.settings, account.channel_id, secret, mode=account.mode)
        except (Unsealable, NoTestHost) as error:
            raise Conflict("LINE cannot be asked for this account; check the account to learn why.") from error
    return ContentAnswer(request, line, message_id=message_id, preview=preview, customer_id=customer_id)

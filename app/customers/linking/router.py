"""Account links over HTTP."""

from threading import BoundedSemaphore
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request

from app.auth import BrandWide, Caller, Now, allow, brand_key_of
from app.customers.linking import service
from app.customers.linking.schemas import AccountLinkCreate, AccountLinkSecret, LinkToken, LinkTokenCreate
from app.line.client import LineClient
from app.line.errors import LineRefused, LineUnavailable
from app.line.hosts import NoTestHost, line_hosts
from app.problems import Refused
from app.routes import ApiRoute
from app.schemas import LineAccountId
from tenants.line_accounts.queries import get_account
from tenants.line_accounts.service import open_secret
from tenants.problems import Conflict
from tenants.sealing import Unsealable
from tenants.session import open_session

links = APIRouter(prefix="/v1/account-links", tags=["customers"], route_class=ApiRoute)
tokens = APIRouter(prefix="/v1/line-accounts", tags=["line-accounts"], route_class=ApiRoute)
TURN_SECONDS: Final = 1.0
"""How long a request waits for one of the turns in which requests may wait for LINE."""


@links.post("", status_code=201, dependencies=[allow("customers:merge")])
def create_account_link(body: AccountLinkCreate, request: Request, session: BrandWide, now: Now) -> AccountLinkSecret:
    """A nonce for a customer whom your own service has signed in, for LINE's account link; shown once, for 10 minutes.

    When she comes back from LINE's dialogue with it, she and whoever uses LINE there are joined, with that as proof.
    """
    request.state.answer_is_secret = True
    account = get_account(session, body.line_account_id)
    consented_at = now if body.consent else None
    link, nonce = service.create_link(session, body.customer_id, account, consented_at=consented_at, now=now)
    return AccountLinkSecret(id=link.id, nonce=nonce, expires_at=link.expires_at)


def ask_link_token(
    line_account_id: LineAccountId, body: LinkTokenCreate, request: Request, caller: Caller
) -> LinkToken:
    """What LINE issues for the friend that the body names. No transaction is open meanwhile."""
    state = request.app.state
    with open_session(state.engine, caller.scope.brand_wide()) as session:
        account = get_account(session, line_account_id)
        named = body.model_dump()
        line_user_id = service.find_line_user_id(session, account, **named)
        try:
            secret = open_secret(account, brand_key_of(session, state.keyring))
            line = LineClient(state.settings, account.channel_id, secret, mode=account.mode)
            login_url = line_hosts(state.settings, account.mode).login_url
        except (Unsealable, NoTestHost) as error:
            raise Conflict("LINE cannot be asked for this account; check the account to learn why.") from error
    turns: BoundedSemaphore = state.line_turns
    if not turns.acquire(timeout=TURN_SECONDS):
        raise Refused(503, "Many requests wait for LINE just now; try again in a moment.")
    try:
        token = line.issue_link_token(line_user_id)
    except LineRefused as error:
        raise Conflict(f"LINE issues no link token for her at this account ({error}); check the account.") from error
    except LineUnavailable as error:
        raise Refused(503, "LINE does not answer; try again in a moment.") from error
    finally:
        turns.release()
    link_url = f"{login_url}/dialog/bot/accountLink?linkToken={quote(token, safe='')}"
    return LinkToken(link_token=token, link_url=link_url)


AskedToken = Annotated[LinkToken, Depends(ask_link_token)]


@tokens.post("/{line_account_id}/link-token", status_code=201, dependencies=[allow("customers:merge")])
def create_link_token(
    line_account_id: LineAccountId, body: LinkTokenCreate, asked: AskedToken, request: Request, session: BrandWide
) -> LinkToken:
    """Have LINE issue a link token for a friend of the account, to be sent to her in a message that leads to LINE."""
    request.state.answer_is_secret = True
    return asked


routers = [links, tokens]

"""LINE accounts over HTTP."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from app.admin import patches
from app.admin.line_accounts import service
from app.admin.line_accounts.checks import Findings, examine
from app.admin.line_accounts.queries import map_quotas
from app.admin.line_accounts.schemas import (
    CheckRead,
    ChecksRead,
    LineAccountCreate,
    LineAccountPatch,
    LineAccountRead,
    Quota,
)
from app.auth import Caller, Now, OpenedKey, ScopedSession, allow, brand_key_of
from app.line.client import LineClient
from app.messaging.models import QuotaMonth
from app.paging import PagingParams, list_page
from app.routes import ApiRoute, Precondition
from app.schemas import LineAccountId, Page
from tenants.ids import encode_id
from tenants.line_accounts import queries
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.service import archive_account as archive
from tenants.line_accounts.service import open_secret, replace_secret
from tenants.session import open_session

router = APIRouter(prefix="/v1/line-accounts", tags=["line-accounts"], route_class=ApiRoute)


def read_public_url(request: Request) -> str:
    """The address under which LINE reaches us."""
    url: str = request.app.state.settings.public_url
    return url.rstrip("/")


PublicUrl = Annotated[str, Depends(read_public_url)]


@router.get("", dependencies=[allow("line_accounts:read")])
def list_line_accounts(
    session: ScopedSession, paging: PagingParams, public_url: PublicUrl, now: Now
) -> Page[LineAccountRead]:
    """The LINE accounts, newest first."""
    accounts, next_cursor = list_page(session, queries.live_accounts(), LineAccount.id, paging)
    return Page(items=_read_all(session, accounts, public_url, now), next_cursor=next_cursor)


@router.post("", status_code=201, dependencies=[allow("line_accounts:write")])
def register_line_account(
    body: LineAccountCreate, session: ScopedSession, key: OpenedKey, public_url: PublicUrl, now: Now
) -> LineAccountRead:
    """Register a LINE account. Check it next: that connects its webhook."""
    values = {name: getattr(body, name) for name in _COLUMNS}
    secret = body.channel_secret.get_secret_value()
    account = service.register_account(session, key, values, secret=secret, store_ids=body.store_ids)
    return _read(session, account, public_url, now)


_COLUMNS = ("name", "channel_id", "provider_id", "login_channel_id", "area_id", "plan")


@router.get("/{line_account_id}", dependencies=[allow("line_accounts:read")])
def read_line_account(
    line_account_id: LineAccountId, session: ScopedSession, public_url: PublicUrl, now: Now
) -> LineAccountRead:
    """A LINE account."""
    return _read(session, queries.get_account(session, line_account_id), public_url, now)


@router.patch("/{line_account_id}", dependencies=[allow("line_accounts:write")])
def change_line_account(
    line_account_id: LineAccountId,
    body: LineAccountPatch,
    session: ScopedSession,
    key: OpenedKey,
    public_url: PublicUrl,
    now: Now,
    if_match: Precondition,
) -> LineAccountRead:
    """Change a LINE account. A new channel secret counts from now on; LINE has ended the old one already."""
    account = queries.lock_account(session, line_account_id)
    if_match.check(_read(session, account, public_url, now))
    changes = patches.changes_of(body)
    secret, store_ids = changes.pop("channel_secret", None), changes.pop("store_ids", None)
    if store_ids is not None:
        changes["area_id"] = None
    service.change_account(session, account, changes, store_ids=store_ids)
    if secret is not None:
        replace_secret(account, key, secret.get_secret_value())
    return _read(session, account, public_url, now)


@router.delete("/{line_account_id}", status_code=204, dependencies=[allow("line_accounts:write")])
def archive_line_account(line_account_id: LineAccountId, session: ScopedSession, now: Now) -> None:
    """Take a LINE account out of use. Its channel may be registered again; its friends and history stay."""
    archive(queries.lock_account(session, line_account_id), now)


def examine_account(
    line_account_id: LineAccountId, request: Request, caller: Caller, public_url: PublicUrl
) -> Findings:
    """What LINE says of an account: asked after one transaction has closed and before the request's own begins."""
    state = request.app.state
    with open_session(state.engine, caller.scope) as session:
        account = queries.get_account(session, line_account_id)
        secret = open_secret(account, brand_key_of(session, state.keyring))
    line = LineClient(state.settings, account.channel_id, secret)
    return examine(line, _webhook_url(public_url, account), account.bot_user_id)


@router.post("/{line_account_id}/check", dependencies=[allow("line_accounts:write")])
def check_line_account(
    line_account_id: LineAccountId,
    findings: Annotated[Findings, Depends(examine_account, scope="function")],
    session: ScopedSession,
    now: Now,
) -> ChecksRead:
    """Check a LINE account at LINE, point its webhook here, and read its quota.

    Another tool that had the account's webhook loses it.
    """
    account = service.note_findings(session, line_account_id, findings, now)
    checks = [CheckRead.model_validate(one) for one in findings.checks]
    return ChecksRead(status=account.status, checks=checks)


def _read(session: ScopedSession, account: LineAccount, public_url: str, now: datetime) -> LineAccountRead:
    return _read_all(session, [account], public_url, now)[0]


def _read_all(
    session: ScopedSession, accounts: Sequence[LineAccount], public_url: str, now: datetime
) -> list[LineAccountRead]:
    ids = [account.id for account in accounts]
    stores, quotas = queries.list_store_ids(session, ids), map_quotas(session, ids, now)
    return [
        LineAccountRead.model_validate(
            {
                **account.model_dump(exclude={"sealed_secret"}),
                "store_ids": stores[account.id],
                "webhook_url": _webhook_url(public_url, account),
                "quota": _quota(quotas.get(account.id)),
            }
        )
        for account in accounts
    ]


def _quota(row: QuotaMonth | None) -> Quota | None:
    if row is None:
        return None
    return Quota(limit=row.limit, used=row.used, reserved=row.reserved, month=f"{row.month_on:%Y-%m}")


def _webhook_url(public_url: str, account: LineAccount) -> str:
    return f"{public_url}/line/webhook/{encode_id('acc', account.id)}"

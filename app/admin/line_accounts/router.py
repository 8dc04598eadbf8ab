"""LINE accounts over HTTP."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from app.admin import patches
from app.admin.brand.schemas import StopSending
from app.admin.hearing import HEARD
from app.admin.line_accounts import service
from app.admin.line_accounts.asking import AskedAll, AskedChange, AskedRegistration, keep_new
from app.admin.line_accounts.findings import find_trouble, weightiest_first
from app.admin.line_accounts.manual_steps import MANUAL_STEPS
from app.admin.line_accounts.queries import map_quotas
from app.admin.line_accounts.schemas import (
    CheckRead,
    ChecksRead,
    LineAccountPatch,
    LineAccountRead,
    ManualStepRead,
    Quota,
)
from app.admin.line_accounts.tasks import check_account
from app.auth import Caller, Now, OpenedKey, ScopedSession, allow
from app.callers import CallerInfo
from app.customers.backfill import start_backfill
from app.jobs.queue import defer
from app.messaging import stopping
from app.messaging.models import QuotaMonth
from app.paging import PagingParams, list_page
from app.routes import ApiRoute, Precondition
from app.schemas import LineAccountId, Page
from tenants.line_accounts import queries
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.service import archive_account as archive
from tenants.line_accounts.service import holds_secret, replace_login_secret, replace_secret
from tenants.problems import PermissionMissing

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
    registration: AskedRegistration, request: Request, session: ScopedSession, public_url: PublicUrl, now: Now
) -> LineAccountRead:
    """Register a LINE account: LINE is asked whether id and secret fit, its webhook is set to here and tried.

    Where LINE refuses them, so is the registration. Where it cannot be reached, the account is kept `unchecked`, and
    checked as soon as LINE answers. `findings` says what is left to do. Another tool that had the webhook loses it.
    """
    if registration.account_id is None:
        account = keep_new(request, session, registration.body)
    else:
        account = queries.lock_account(session, registration.account_id)
    if registration.asked is not None:
        service.note_check(session, account, registration.asked, now)
    session.flush()
    return _read(session, account, public_url, now)


@router.get("/{line_account_id}", dependencies=[allow("line_accounts:read")])
def read_line_account(
    line_account_id: LineAccountId, session: ScopedSession, public_url: PublicUrl, now: Now
) -> LineAccountRead:
    """A LINE account."""
    return _read(session, queries.get_account(session, line_account_id), public_url, now)


@router.patch("/{line_account_id}", dependencies=[allow("line_accounts:write")])
def change_line_account(
    line_account_id: LineAccountId,
    asked: AskedChange,
    body: LineAccountPatch,
    session: ScopedSession,
    key: OpenedKey,
    public_url: PublicUrl,
    now: Now,
    if_match: Precondition,
) -> LineAccountRead:
    """Change a LINE account. A new channel secret is tried at LINE first, which has ended the old one already.

    For `previous_secret_valid_seconds` webhooks that the old one signed are taken beside it: LINE sent them before.
    """
    account = queries.lock_account(session, line_account_id)
    if_match.check(_read(session, account, public_url, now))
    changes = patches.changes_of(body)
    secret, store_ids = changes.pop("channel_secret", None), changes.pop("store_ids", None)
    valid_seconds = changes.pop("previous_secret_valid_seconds", body.previous_secret_valid_seconds)
    login_secret = changes.pop("login_channel_secret", None)
    if store_ids is not None:
        changes["area_id"] = None
    was = (account.channel_id, account.mode, account.login_channel_id)
    service.change_account(session, account, changes, store_ids=store_ids)
    is_moved = was[:2] != (account.channel_id, account.mode)
    if secret is not None and (is_moved or not holds_secret(account, key, secret.get_secret_value())):
        until = None if is_moved or not valid_seconds else now + timedelta(seconds=valid_seconds)
        replace_secret(account, key, secret.get_secret_value(), previous_until=until)
    if "login_channel_secret" in body.model_fields_set or was[2] != account.login_channel_id:
        replace_login_secret(account, key, login_secret.get_secret_value() if login_secret is not None else None)
    if asked is not None:
        service.note_check(session, account, asked, now)
        # The webhook is tried once the new secret is there to answer with.
        defer(session, check_account, once_key=f"check:{account.id}", line_account_id=account.id)
    session.flush()
    return _read(session, account, public_url, now)


@router.delete("/{line_account_id}", status_code=204, dependencies=[allow("line_accounts:write")])
def archive_line_account(line_account_id: LineAccountId, session: ScopedSession, now: Now) -> None:
    """Take a LINE account out of use. Its channel may be registered again; its friends and history stay."""
    archive(queries.lock_account(session, line_account_id), now)


@router.post("/{line_account_id}/check", dependencies=[allow("line_accounts:write")])
def check_line_account(line_account_id: LineAccountId, asked: AskedAll, session: ScopedSession, now: Now) -> ChecksRead:
    """Check a LINE account at LINE, point its webhook here and have LINE try it, and read its quota.

    Another tool that had the account's webhook loses it.
    """
    account = queries.lock_account(session, line_account_id)
    findings = service.note_check(session, account, asked, now)
    checks = [CheckRead.model_validate(one) for one in findings]
    steps = [ManualStepRead(**step._asdict()) for step in MANUAL_STEPS]
    return ChecksRead(status=account.status, checks=checks, manual_steps=steps)


@router.post("/{line_account_id}/backfill", status_code=202, dependencies=[allow("line_accounts:write")])
def backfill_line_account(
    line_account_id: LineAccountId, session: ScopedSession, public_url: PublicUrl, now: Now
) -> LineAccountRead:
    """Read those who followed before the account was connected; `backfill` of the account says how far that is.

    LINE lists them for verified and premium accounts only. It begins by itself after the first good check.
    """
    account = queries.lock_account(session, line_account_id)
    start_backfill(session, account, now)
    return _read(session, account, public_url, now)


@router.post("/{line_account_id}/stop-sending", dependencies=[HEARD, allow("campaigns:launch")])
def stop_sending_of_line_account(
    line_account_id: LineAccountId,
    body: StopSending,
    session: ScopedSession,
    caller: Caller,
    public_url: PublicUrl,
    now: Now,
) -> LineAccountRead:
    """Stop all sending from one account at once, whichever campaign or weather rule it is of.

    Once this has answered no call to LINE begins for it; those in flight end. A store stops an account that speaks
    for its stores only.
    """
    account = _lock_own(session, caller, line_account_id)
    stopping.stop_account(session, account, caller.scope, body.reason, now)
    return _read(session, account, public_url, now)


@router.post("/{line_account_id}/resume-sending", dependencies=[allow("campaigns:launch")])
def resume_sending_of_line_account(
    line_account_id: LineAccountId, session: ScopedSession, caller: Caller, public_url: PublicUrl, now: Now
) -> LineAccountRead:
    """Let one account send again: what waited goes on where it stopped. What head office stopped no store resumes."""
    account = _lock_own(session, caller, line_account_id)
    stopping.resume_account(session, account, caller.scope, now)
    return _read(session, account, public_url, now)


def _lock_own(session: ScopedSession, caller: CallerInfo, account_id: UUID) -> LineAccount:
    """An account that speaks for nobody but the caller's stores. Raises NotFound, PermissionMissing."""
    account = queries.lock_account(session, account_id)
    if not all(caller.scope.sees_store(no) for no in account.store_nos):
        raise PermissionMissing("campaigns:launch")
    return account


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
                **account.model_dump(exclude=_SEALED),
                **_read_state(session, account),
                "has_login_secret": account.sealed_login_secret is not None,
                "store_ids": stores[account.id],
                "webhook_url": service.webhook_url(public_url, account.id),
                "quota": _quota(quotas.get(account.id)),
            }
        )
        for account in accounts
    ]


_SEALED = {"sealed_secret", "sealed_previous_secret", "sealed_login_secret", "findings"}


def _read_state(session: ScopedSession, account: LineAccount) -> dict[str, Any]:
    """What is wrong, as far as the scope may know of it."""
    findings = service.see_findings(session, account)
    if findings is None:
        return {"findings": None}
    state: dict[str, Any] = {"findings": [one for one in weightiest_first(findings) if one.severity != "ok"]}
    if session.scope.store_nos is not None:
        state["status_detail"] = find_trouble(findings)
        if account.status == "trouble" and state["status_detail"] is None:
            state["status"] = "ok"
    return state


def _quota(row: QuotaMonth | None) -> Quota | None:
    if row is None:
        return None
    return Quota(limit=row.limit, used=row.used, reserved=row.reserved, month=f"{row.month_on:%Y-%m}")

"""Verbs on LINE accounts that reach over to areas, friends and quotas."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.admin.line_accounts.checks import Findings
from app.admin.line_accounts.queries import has_friends
from app.customers.tasks import defer_retie
from app.messaging.quota import store_line_quota
from tenants.areas.queries import get_area, list_stores
from tenants.line_accounts import queries, service
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.problems import ChannelFixed
from tenants.sealing import BrandKey
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.stores.queries import get_stores


def register_account(
    session: ScopedSession, key: BrandKey, values: Mapping[str, Any], *, secret: str, store_ids: Sequence[UUID] | None
) -> LineAccount:
    """A new account of these stores, or of the stores of its area. Raises NotFound, ChannelTaken."""
    stores = _list_stores(session, values["area_id"], store_ids)
    return service.register_account(session, key, values, secret=secret, stores=stores)


def change_account(
    session: ScopedSession,
    account: LineAccount,
    changes: Mapping[str, Any],
    *,
    store_ids: Sequence[UUID] | None,
) -> None:
    """Change columns of an account, and its stores where they or its area are given.

    Raises NotFound, ChannelTaken, and ChannelFixed for another channel or provider once it has friends.
    """
    fixed = {"channel_id": account.channel_id, "provider_id": account.provider_id}
    moves = any(changes.get(name, present) != present for name, present in fixed.items())
    if moves and has_friends(session, account.id):
        raise ChannelFixed
    stores = None
    if store_ids is not None or changes.get("area_id") is not None:
        stores = _list_stores(session, changes.get("area_id"), store_ids)
    service.change_account(session, account, changes)
    if stores is not None:
        service.set_stores(session, account, stores)
        defer_retie(session, account.id)


def note_findings(session: ScopedSession, account_id: UUID, findings: Findings, now: datetime) -> LineAccount:
    """Write what a check at LINE found. Raises NotFound when the account went meanwhile."""
    account = queries.lock_account(session, account_id)
    account.status_detail = findings.trouble
    account.status = "ok" if account.status_detail is None else "trouble"
    if findings.bot is not None and account.bot_user_id in (None, findings.bot.user_id):
        account.bot_user_id, account.basic_id = findings.bot.user_id, findings.bot.basic_id
    if findings.used is not None:
        store_line_quota(session, account, limit=findings.limit, used=findings.used, now=now)
    return account


def _list_stores(session: ScopedSession, area_id: UUID | None, store_ids: Sequence[UUID] | None) -> Sequence[Store]:
    if area_id is None:
        return get_stores(session, store_ids or [])
    get_area(session, area_id)
    return list_stores(session, area_id)

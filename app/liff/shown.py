"""What the page that joins shows: the brand, its accounts by provider, and which of these are proven."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from fastapi import Request
from sqlmodel import col, select

from app.customers.models import Friend
from app.liff.places import find_brand_id, trust
from app.liff.proving import Standing
from app.liff.sealed import find_key
from app.line.hosts import NoTestHost, line_hosts
from tenants.brands.models import Brand
from tenants.ids import decode_id
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.queries import live_accounts
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session

if TYPE_CHECKING:
    from app.liff.pages import Notice


class NoSuchPage(Exception):
    """The address names no account that is in use."""


@dataclass(frozen=True)
class ProviderShown:
    """One of LINE's providers: its accounts, and how one is proven there."""

    accounts: tuple[str, ...]
    login_channel_id: str | None
    """None: nobody can be proven there yet."""
    login_url: str
    is_proven: bool


@dataclass(frozen=True)
class Shown:
    """The page's contents."""

    brand_id: UUID
    brand: str
    account_id: UUID
    path: str
    providers: tuple[ProviderShown, ...]
    name: str | None
    """Who uses this browser, as LINE calls her."""
    joined: int
    """How many accounts are one now; 0 while there is something left to prove."""
    notice: "Notice | None"


@contextmanager
def open_door(request: Request, line_account_id: str) -> Iterator[tuple[ScopedSession, UUID, list[LineAccount]]]:
    """A session of the brand behind an account's address, that account, and all that the brand uses.

    Raises NoSuchPage.
    """
    try:
        account_id = decode_id("acc", line_account_id)
    except ValueError as error:
        raise NoSuchPage from error
    brand_id = find_brand_id(request, account_id)
    if brand_id is None:
        raise NoSuchPage
    with open_session(request.app.state.engine, Scope(brand_id)) as session:
        if find_key(request, session) is None:
            raise NoSuchPage
        accounts = list(session.exec(live_accounts().order_by(col(LineAccount.no))).all())
        if account_id not in {account.id for account in accounts}:
            raise NoSuchPage
        yield session, account_id, accounts


def read_shown(request: Request, line_account_id: str, standing: Standing | None, notice: "Notice | None") -> Shown:
    """What the page of an account shows to who stands there. Raises NoSuchPage."""
    with open_door(request, line_account_id) as (session, account_id, accounts):
        brand_id = session.scope.brand_id
        if standing is not None and standing.brand_id != brand_id:
            standing = None
        providers = group_providers(request, accounts, standing)
        return Shown(
            brand_id=brand_id,
            brand=session.exec(select(Brand.name)).one(),
            account_id=account_id,
            path=f"/liff/join/{line_account_id}",
            providers=providers,
            name=standing.display_name or standing.customer.name if standing is not None else None,
            joined=_count_joined(session, standing, providers),
            notice=notice,
        )


def group_providers(
    request: Request, accounts: list[LineAccount], standing: Standing | None
) -> tuple[ProviderShown, ...]:
    """These accounts by provider, and which of the providers have proven who stands there."""
    proven = {one.identity.provider_id for one in standing.proven} if standing is not None else set()
    by_provider: dict[str, list[LineAccount]] = defaultdict(list)
    for account in accounts:
        by_provider[account.provider_id].append(account)
    return tuple(_describe(request, mine, provider_id in proven) for provider_id, mine in by_provider.items())


def _describe(request: Request, accounts: list[LineAccount], is_proven: bool) -> ProviderShown:
    trusted = trust(accounts, accounts)
    able = next((one for one in trusted if one.login_channel_id and one.sealed_login_secret is not None), None)
    login_url = ""
    if able is not None:
        try:
            login_url = line_hosts(request.app.state.settings, able.mode).login_url
        except NoTestHost:
            able = None
    names = tuple(account.display_name or account.name for account in accounts)
    return ProviderShown(names, able.login_channel_id if able is not None else None, login_url, is_proven)


def _count_joined(session: ScopedSession, standing: Standing | None, providers: tuple[ProviderShown, ...]) -> int:
    """At how many accounts she is known as one, once something was there to be joined."""
    if standing is None or not standing.is_joined:
        return 0
    if len(standing.proven) < 2 and sum(one.login_channel_id is not None for one in providers) > 1:
        return 0
    hers = select(Friend.line_account_id).where(col(Friend.customer_id) == standing.customer.id).distinct()
    count = len(session.exec(hers).all())
    return count if count > 1 else 0

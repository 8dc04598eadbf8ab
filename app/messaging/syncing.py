"""LINE's figures of quotas, asked and written down: by the clock, before a launch, and when LINE says a month is spent.

No transaction is open while LINE answers. Where LINE is away the figures before stand, with their age.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import Engine, or_
from sqlmodel import col, select

from app.jobs import lanes
from app.line.client import LineClient
from app.line.errors import LineError
from app.messaging import line_quota, quota
from app.messaging.models import QuotaMonth
from app.messaging.service import SEND_LANE
from app.settings import Settings
from tenants.brands.queries import get_brand
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.queries import live_accounts
from tenants.line_accounts.service import open_secret
from tenants.scope import Scope
from tenants.sealing import Keyring, Unsealable
from tenants.session import ScopedSession, open_session

log = structlog.get_logger("quota")

FRESH: Final = timedelta(minutes=10)
"""How old LINE's figures may be when a run is planned."""
ASKED_AGAIN: Final = timedelta(minutes=1)
"""How long LINE is left in peace about an account of which it told nothing."""
HOURLY: Final = timedelta(minutes=55)
PATIENCE_SECONDS: Final = 3.0
"""How long whoever plans a run waits for LINE."""
MOST_AT_ONCE: Final = 40
"""Accounts that are asked about before a run is planned: those whose figures are oldest."""

_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="quota")
"""Wait for LINE, and touch no database."""


@dataclass(frozen=True)
class Target:
    """An account to ask about."""

    account_id: UUID
    channel_id: str
    mode: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Told:
    """What LINE told of an account, or why it did not."""

    limit: int | None = None
    used: int = 0
    error: str | None = None


def ask(settings: Settings, target: Target) -> Told:
    """LINE's figures of one account."""
    try:
        line = LineClient(settings, target.channel_id, target.secret, mode=target.mode)
        # In this order what is sent in between can only be missing in what LINE has counted.
        used = line.get_consumption()
        return Told(limit=line.get_quota(), used=used)
    except LineError as error:
        return Told(error=str(error) or type(error).__name__)


def sync_account(
    engine: Engine, keyring: Keyring, settings: Settings, brand_id: UUID, account_id: UUID, now: datetime
) -> Told | None:
    """Ask LINE about one account, and write down what it tells; None where there is nothing to ask with."""
    with open_session(engine, Scope(brand_id)) as session:
        targets = _describe(session, keyring, [account_id])
    if not targets:
        return None
    told = ask(settings, targets[0])
    _write(engine, brand_id, {account_id: told}, now)
    return told


def sync_stale(
    engine: Engine,
    keyring: Keyring,
    settings: Settings,
    brand_id: UUID,
    now: datetime,
    line_account_ids: Iterable[UUID] | None = None,
) -> None:
    """Ask LINE about those of these accounts (None: all) whose figures are older than ten minutes, before a launch.

    Waits three seconds at most, whatever LINE does; what it has not told by then is left as it was.
    """
    with open_session(engine, Scope(brand_id)) as session:
        due = list_due_ids(session, now, FRESH, MOST_AT_ONCE, line_account_ids)
        targets = _describe(session, keyring, due)
    if not targets:
        return
    asked: dict[UUID, Future[Told]] = {one.account_id: _threads.submit(partial(ask, settings, one)) for one in targets}
    wait(asked.values(), timeout=PATIENCE_SECONDS)
    told: dict[UUID, Told] = {}
    for account_id, future in asked.items():
        if future.done():
            told[account_id] = future.result()
        else:
            future.cancel()
            told[account_id] = Told(error="it did not answer in time")
    _write(engine, brand_id, told, now)


def list_due_ids(
    session: ScopedSession,
    now: datetime,
    age: timedelta,
    most: int,
    line_account_ids: Iterable[UUID] | None = None,
) -> Sequence[UUID]:
    """Accounts whose figures are older than this, the oldest first; of these ids, where some are given.

    Of one that was never checked at LINE nobody has asked for it, as in an import.
    """
    due = (
        live_accounts()
        .outerjoin(
            QuotaMonth,
            (col(QuotaMonth.brand_id) == col(LineAccount.brand_id))
            & (col(QuotaMonth.line_account_id) == col(LineAccount.id))
            & (col(QuotaMonth.month_on) == quota.quota_month(now)),
        )
        .where(
            col(LineAccount.checked_at).is_not(None),
            or_(col(QuotaMonth.synced_at).is_(None), col(QuotaMonth.synced_at) < now - age),
            or_(col(QuotaMonth.asked_at).is_(None), col(QuotaMonth.asked_at) < now - min(age, ASKED_AGAIN)),
        )
    )
    if line_account_ids is not None:
        due = due.where(col(LineAccount.id).in_(list(line_account_ids)))
    accounts = session.exec(due.order_by(col(QuotaMonth.asked_at).nulls_first()).limit(most)).all()
    return [account.id for account in accounts]


def note_figures(
    session: ScopedSession, account: LineAccount, *, limit: int | None, used: int, now: datetime
) -> QuotaMonth:
    """Write down what LINE told of an account; where it may send more than before, what waits goes on."""
    standings = quota.list_standings(session, [account.no], quota.quota_month(now))
    before = standings[0].limit if standings else None
    row = line_quota.store_line_quota(session, account, limit=limit, used=used, now=now)
    if before is not None and (limit is None or limit > before):
        lanes.touch(session, SEND_LANE, session.scope.brand_id, [account.id])
    return row


def _describe(session: ScopedSession, keyring: Keyring, account_ids: Sequence[UUID]) -> list[Target]:
    """What it takes to ask about these accounts; those whose secret does not open cannot be asked about."""
    if not account_ids:
        return []
    brand = get_brand(session, session.scope.brand_id)
    key = keyring.open(brand.id, brand.master_key_id, brand.wrapped_key)
    accounts = session.exec(select(LineAccount).where(col(LineAccount.id).in_(account_ids))).all()
    found = []
    for account in accounts:
        try:
            found.append(Target(account.id, account.channel_id, account.mode, open_secret(account, key)))
        except Unsealable:
            log.warning("quota_not_asked", account=str(account.id), detail="its secret does not open")
    return found


def _write(engine: Engine, brand_id: UUID, told: dict[UUID, Told], now: datetime) -> None:
    with open_session(engine, Scope(brand_id)) as session:
        wanted = live_accounts().where(col(LineAccount.id).in_(list(told)))
        for account in session.exec(wanted.order_by(col(LineAccount.id))).all():
            one = told[account.id]
            if one.error is None:
                note_figures(session, account, limit=one.limit, used=one.used, now=now)
            else:
                line_quota.store_ask_error(session, account, one.error, now)
        session.commit()

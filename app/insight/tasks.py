"""What the clock does for units: asks LINE, once a day, what came of each."""

from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlmodel import col, select

from app.auth import brand_key_of
from app.insight import queries
from app.insight.models import InsightUnit
from app.jobs.queue import Clockwork, Work, defer, periodic, task
from app.line.client import LineClient
from app.line.errors import LineError, LineRateLimited, LineUnavailable
from tenants.brands.queries import get_brand, list_brand_ids
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.service import open_secret
from tenants.session import ScopedSession

log = structlog.get_logger("insight")

JAPAN: Final = ZoneInfo("Asia/Tokyo")
AN_HOUR: Final = 50
"""Units asked for at one account in one hour: LINE takes 60 such calls."""
MOST_DAYS: Final = 30
"""Between the first and the last day that LINE is asked for at once."""


@periodic("41 * * * *")
def fetch_due_insight(clock: Clockwork) -> None:
    """Ask for what is due, account by account; what does not fit into this hour has its turn in the next."""
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            if get_brand(session, brand_id).status == "deleting":
                continue
            for account_id in queries.list_due_accounts(session, clock.now):
                defer(session, fetch_insight, once_key=f"insight:{account_id}", line_account_id=account_id)


@task
def fetch_insight(work: Work, line_account_id: UUID) -> None:
    """Ask LINE what came of an account's units that are due. What it refuses is asked for again tomorrow."""
    with work.session() as session:
        account = session.exec(select(LineAccount).where(col(LineAccount.id) == line_account_id)).one_or_none()
        if account is None or account.archived_at is not None:
            return
        secret = open_secret(account, brand_key_of(session, work.keyring))
        units = [(one.name, one.created_at) for one in queries.list_due_units(session, account.id, work.now, AN_HOUR)]
        channel_id, mode = account.channel_id, account.mode
    line = LineClient(work.settings, channel_id, secret, mode=mode)
    for name, created_at in units:
        from_on, to_on = _read_days(created_at, work.now)
        try:
            figures = line.get_unit_statistics(name, from_on, to_on)
        except LineUnavailable:
            raise
        except LineRateLimited:
            return
        except LineError as refused:
            log.info("insight_refused", line_account_id=str(line_account_id), unit=name, outcome=refused.outcome)
            return
        with work.session() as session:
            _keep(session, line_account_id, name, figures, work.now)


def _read_days(created_at: datetime, now: datetime) -> tuple[date, date]:
    """The days to ask for: since the launch, as many as LINE answers for at once, to yesterday."""
    last = now.astimezone(JAPAN).date() - timedelta(days=1)
    first = max(created_at.astimezone(JAPAN).date(), last - timedelta(days=MOST_DAYS))
    return min(first, last), last


def _keep(session: ScopedSession, line_account_id: UUID, name: str, figures: dict[str, Any], now: datetime) -> None:
    wanted = select(InsightUnit).where(
        col(InsightUnit.line_account_id) == line_account_id, col(InsightUnit.name) == name
    )
    unit = session.exec(wanted.with_for_update()).one_or_none()
    if unit is not None:
        unit.figures, unit.asked_at = figures, now
        session.add(unit)

"""How accounts stand in a month, with what it will come to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from app.campaigns.scheduled import count_scheduled
from app.messaging.quota import JAPAN, Standing, list_standings, month_after, quota_month
from app.reports.quotas.schemas import QuotaRead, QuotaTotalRead
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession


@dataclass(frozen=True)
class Outlook:
    """An account's month, and what is to come in it."""

    standing: Standing
    scheduled: int
    forecast: int


def look_out(session: ScopedSession, accounts: Sequence[LineAccount], month_on: date, now: datetime) -> list[Outlook]:
    """The outlook of each of these accounts, in their order."""
    standings = {one.account_no: one for one in list_standings(session, [one.no for one in accounts], month_on)}
    scheduled: Mapping[int, int] = count_scheduled(session, month_on, now)
    found = []
    for account in accounts:
        standing, coming = standings[account.no], scheduled.get(account.no, 0)
        found.append(Outlook(standing, coming, _forecast(standing, now) + coming))
    return found


def _forecast(standing: Standing, now: datetime) -> int:
    if standing.month_on != quota_month(now):
        return standing.used + standing.reserved
    elapsed_days = (now.astimezone(JAPAN).date() - standing.month_on).days + 1
    month_days = (month_after(standing.month_on) - standing.month_on).days
    return round(standing.used * month_days / elapsed_days) + standing.reserved


def show(account_id: object, outlook: Outlook) -> QuotaRead:
    """An account's month as it is shown."""
    standing = outlook.standing
    return QuotaRead.model_validate(
        {
            "line_account_id": account_id,
            "month": f"{standing.month_on:%Y-%m}",
            "plan": standing.plan,
            "limit": standing.limit,
            "used": standing.used,
            "sent": standing.sent,
            "others": standing.others,
            "reserved": standing.reserved,
            "scheduled": outlook.scheduled,
            "available": standing.available,
            "forecast": outlook.forecast,
            "alert": standing.alert,
            "synced_at": standing.synced_at,
            "sync_error": standing.ask_error,
        }
    )


def total(outlooks: Sequence[Outlook], month_on: date) -> QuotaTotalRead:
    """All of these accounts together."""
    standings = [one.standing for one in outlooks]
    return QuotaTotalRead(
        month=f"{month_on:%Y-%m}",
        accounts=len(standings),
        unlimited_accounts=sum(one.limit is None for one in standings),
        alerted_accounts=sum(one.alert is not None for one in standings),
        limit=sum(one.limit or 0 for one in standings),
        used=sum(one.used for one in standings),
        sent=sum(one.sent for one in standings),
        others=sum(one.others for one in standings),
        reserved=sum(one.reserved for one in standings),
        scheduled=sum(one.scheduled for one in outlooks),
        available=sum(one.available or 0 for one in standings),
        forecast=sum(one.forecast for one in outlooks),
    )

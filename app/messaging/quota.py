"""What accounts may still send this month: LINE's figures, and what our runs hold reserved."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlmodel import col, select

from app.messaging.models import QuotaMonth
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession

JAPAN = ZoneInfo("Asia/Tokyo")


def quota_month(now: datetime) -> date:
    """The first day of LINE's calendar month: LINE counts in Japan's time."""
    return now.astimezone(JAPAN).date().replace(day=1)


def store_line_quota(
    session: ScopedSession, account: LineAccount, *, limit: int | None, used: int, now: datetime
) -> QuotaMonth:
    """Write what LINE answered for this account's month; reservations stay as they are."""
    month_on = quota_month(now)
    row = session.exec(
        select(QuotaMonth).where(col(QuotaMonth.line_account_id) == account.id, col(QuotaMonth.month_on) == month_on)
    ).one_or_none()
    if row is None:
        row = QuotaMonth(line_account_id=account.id, month_on=month_on, account_no=account.no)
        session.add(row)
    row.limit, row.used, row.synced_at = limit, used, now
    session.flush()
    return row


def lock_available(session: ScopedSession, account_nos: Sequence[int], now: datetime) -> dict[int, int]:
    """How many messages each account may still take on, and lock these figures until the transaction ends.

    An account without a known limit is not in the answer.
    """
    return _available(session.exec(_of_accounts(account_nos, now).with_for_update()).all())


def find_available(session: ScopedSession, account_nos: Sequence[int], now: datetime) -> dict[int, int]:
    """The same, without holding anybody up."""
    return _available(session.exec(_of_accounts(account_nos, now)).all())


def _of_accounts(account_nos: Sequence[int], now: datetime) -> Any:
    of_month = col(QuotaMonth.month_on) == quota_month(now)
    rows = select(QuotaMonth).where(col(QuotaMonth.account_no).in_(account_nos), of_month)
    return rows.order_by(col(QuotaMonth.account_no))


def _available(rows: Sequence[QuotaMonth]) -> dict[int, int]:
    return {row.account_no: max(0, row.limit - row.used - row.reserved) for row in rows if row.limit is not None}


def reserve(session: ScopedSession, counts: dict[int, int], now: datetime) -> None:
    """Hold these numbers of messages back, by account number, for a run."""
    _change_reserved(session, counts, now)


def give_back(session: ScopedSession, counts: dict[int, int], now: datetime) -> None:
    """Free what a stopped run had reserved and will not send."""
    _change_reserved(session, {no: -count for no, count in counts.items()}, now)


def _change_reserved(session: ScopedSession, counts: dict[int, int], now: datetime) -> None:
    if not counts:
        return
    session.connection().execute(
        text(
            "UPDATE quota_month SET reserved = greatest(0, reserved + change.count)"
            " FROM unnest(CAST(:nos AS int[]), CAST(:counts AS int[])) AS change (account_no, count)"
            " WHERE quota_month.brand_id = :brand_id AND quota_month.account_no = change.account_no"
            " AND month_on = :month_on"
        ),
        {
            "brand_id": session.scope.brand_id,
            "nos": list(counts),
            "counts": list(counts.values()),
            "month_on": quota_month(now),
        },
    )

"""What LINE tells of an account's month, held against what we sent: what others sent, and when to give the alarm.

LINE tells one number for everything that an account sent in the month, whoever sent it, and tells it late. So we keep
our own count, and from both follow bounds of what others sent. With T: what LINE tells; S: what we sent and settled;
F: what is in the air, which LINE may have counted; U: what of ours LINE does not count, since it reached nobody;
and S': what we had sent a day ago, which LINE has counted by now:

    U is at least S' - T,    what others sent is at least T - (S + F - U),

and both only grow within a month, so the highest that was ever seen holds.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import Counter
from sqlalchemy import or_, text
from sqlmodel import col, select

from app.events.service import record
from app.messaging.events import QuotaAlerted, QuotaUsedElsewhere
from app.messaging.models import QuotaMonth
from app.messaging.quota import ALERT_PERCENTS, COLUMNS, NOTHING, find_alert, quota_month
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession

ALERTS = Counter("noren_quota_alerts_total", "Months of accounts of which so many percent were used up.", ["percent"])
LAG: Final = timedelta(days=1)
"""After so long LINE has counted what was sent."""
MARK_GAP: Final = timedelta(minutes=20)
"""Between two marks of what we had sent."""


def store_line_quota(
    session: ScopedSession, account: LineAccount, *, limit: int | None, used: int, now: datetime
) -> QuotaMonth:
    """Write what LINE told of this account's month, and what follows of what others sent. Reservations stay."""
    row = _lock_month(session, account, now)
    sent = row.used if row.sent is None else row.sent
    in_flight = session.connection().execute(_IN_FLIGHT, _account_values(session, account, now)).scalar_one()
    counted = max((one["sent"] for one in row.marks if datetime.fromisoformat(one["at"]) <= now - LAG), default=0)
    others_before = row.others
    row.unbilled = max(row.unbilled, counted - used)
    row.others = max(row.others, used - (sent + in_flight - row.unbilled))
    billed = sent - row.unbilled
    row.used = max(used - in_flight, min(used + sent - counted, billed + row.others))
    row.sent, row.limit, row.line_used = sent, limit, used
    row.asked_at, row.ask_error = now, None
    row.marks = _mark(row.marks, sent, now)
    is_first = row.synced_at is None and not _was_synced(session, account)
    row.synced_at = now
    session.add(row)
    session.flush()
    if row.others > others_before == 0 and not is_first:
        _tell_others(session, account, row, now)
    alert_if_due(session, row, now)
    return row


def store_ask_error(session: ScopedSession, account: LineAccount, detail: str, now: datetime) -> None:
    """Write that LINE was asked and told nothing; the figures before stand."""
    row = _lock_month(session, account, now)
    row.asked_at, row.ask_error = now, detail[:200]
    session.add(row)
    session.flush()


def alert_if_due(session: ScopedSession, row: QuotaMonth, now: datetime) -> None:
    """Record that four fifths, or all, of an account's month are used: each once."""
    percent = find_alert(row.used, row.limit)
    if percent is None or percent <= row.alerted_percent:
        return
    row.alerted_percent = percent
    session.add(row)
    ALERTS.labels(percent).inc()
    record(
        session,
        QuotaAlerted(
            occurred_at=now,
            account_no=row.account_no,
            line_account_id=row.line_account_id,
            month=f"{row.month_on:%Y-%m}",
            percent=percent,
            used=row.used,
            limit=row.limit or 0,
        ),
    )


def lock_unalerted(session: ScopedSession, now: datetime) -> Sequence[QuotaMonth]:
    """This month's rows in which a share of the limit has been used that no event told, locked."""
    is_due = or_(
        *(
            (col(QuotaMonth.alerted_percent) < percent)
            & (col(QuotaMonth.used) * 100 >= col(QuotaMonth.limit) * percent)
            for percent in ALERT_PERCENTS
        )
    )
    rows = select(QuotaMonth).where(col(QuotaMonth.month_on) == quota_month(now), is_due)
    return session.exec(rows.order_by(col(QuotaMonth.line_account_id)).with_for_update(skip_locked=True)).all()


def _tell_others(session: ScopedSession, account: LineAccount, row: QuotaMonth, now: datetime) -> None:
    record(
        session,
        QuotaUsedElsewhere(
            occurred_at=now,
            account_no=account.no,
            line_account_id=account.id,
            month=f"{row.month_on:%Y-%m}",
            others=row.others,
        ),
    )


def _lock_month(session: ScopedSession, account: LineAccount, now: datetime) -> QuotaMonth:
    """This month's row of an account, locked, made where there is none."""
    session.connection().execute(_MAKE, _account_values(session, account, now))
    wanted = select(QuotaMonth).where(
        col(QuotaMonth.line_account_id) == account.id, col(QuotaMonth.month_on) == quota_month(now)
    )
    return session.exec(wanted.with_for_update().execution_options(populate_existing=True)).one()


def _was_synced(session: ScopedSession, account: LineAccount) -> bool:
    synced = select(col(QuotaMonth.month_on)).where(
        col(QuotaMonth.line_account_id) == account.id, col(QuotaMonth.synced_at).is_not(None)
    )
    return session.exec(synced.limit(1)).first() is not None


def _account_values(session: ScopedSession, account: LineAccount, now: datetime) -> dict[str, object]:
    return {
        "brand_id": session.scope.brand_id,
        "account_id": account.id,
        "account_no": account.no,
        "month_on": quota_month(now),
        "recently": now - timedelta(minutes=10),
    }


def _mark(marks: Sequence[Mapping[str, object]], sent: int, now: datetime) -> list[dict[str, object]]:
    """The marks of a day, and the last one before it, with one of this moment unless one was just made."""
    kept = [dict(one) for one in marks]
    while len(kept) > 1 and datetime.fromisoformat(str(kept[1]["at"])) <= now - LAG:
        kept.pop(0)
    if not kept or now - datetime.fromisoformat(str(kept[-1]["at"])) >= MARK_GAP:
        kept.append({"at": now.isoformat(), "sent": sent})
    return kept


_MAKE = text(
    f"INSERT INTO quota_month ({COLUMNS}) VALUES (:brand_id, :account_id, :month_on, :account_no, {NOTHING}, 0)"
    " ON CONFLICT DO NOTHING"
)

# What was stopped a moment ago may still be in the air.
_IN_FLIGHT = text(
    """
    SELECT coalesce((
        SELECT sum(size) FROM batch WHERE brand_id = :brand_id AND line_account_id = :account_id
          AND state = 'waiting' AND first_tried_at IS NOT NULL
    ), 0)::int + coalesce((
        SELECT sum(size) FROM batch JOIN run ON run.brand_id = batch.brand_id AND run.id = batch.run_id
        WHERE run.brand_id = :brand_id AND run.finished_at > :recently AND batch.brand_id = :brand_id
          AND line_account_id = :account_id AND state = 'stopped' AND first_tried_at IS NOT NULL
    ), 0)::int
    """
)

"""What accounts may still send in a month: what is gone of it, and what our runs hold reserved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlmodel import col, select

from app.messaging.models import QuotaMonth
from tenants.session import ScopedSession

JAPAN = ZoneInfo("Asia/Tokyo")
ALERT_PERCENTS: Final = (80, 100)


def quota_month(now: datetime) -> date:
    """The first day of LINE's calendar month: LINE counts in Japan's time."""
    return now.astimezone(JAPAN).date().replace(day=1)


def month_after(month_on: date) -> date:
    """The first day of the month after."""
    return (month_on.replace(day=28) + timedelta(days=4)).replace(day=1)


def month_begins_at(month_on: date) -> datetime:
    """The instant at which a month begins for LINE."""
    return datetime(month_on.year, month_on.month, 1, tzinfo=JAPAN)


@dataclass(frozen=True)
class Standing:
    """What an account may send in a month, and what of it is gone or held back."""

    account_no: int
    line_account_id: UUID
    plan: str | None
    month_on: date
    limit: int | None
    """As LINE last told, be it of an earlier month; None: LINE sets none, or was never asked."""
    used: int
    """By anybody."""
    sent: int
    """By us."""
    others: int
    """By others, as far as it shows; part of `used`."""
    reserved: int
    synced_at: datetime | None
    """When LINE told of this month; None: not yet."""
    asked_at: datetime | None
    ask_error: str | None
    """Why LINE told nothing when it was asked last."""

    @property
    def available(self) -> int | None:
        """How many messages may still be taken on; None where no limit is known."""
        return None if self.limit is None else max(0, self.limit - self.used - self.reserved)

    @property
    def alert(self) -> int | None:
        """80 or 100 where so many hundredths of the limit are used."""
        return find_alert(self.used, self.limit)


def find_alert(used: int, limit: int | None) -> int | None:
    """The highest share, of those that are told, that has been used; None below the first."""
    if limit is None:
        return None
    return max((percent for percent in ALERT_PERCENTS if used * 100 >= limit * percent), default=None)


def list_standings(session: ScopedSession, account_nos: Sequence[int], month_on: date) -> list[Standing]:
    """How these accounts stand in a month, by number."""
    values = {"brand_id": session.scope.brand_id, "nos": list(account_nos), "month_on": month_on}
    rows = session.connection().execute(_STANDINGS, values).mappings().all()
    return [Standing(month_on=month_on, **row) for row in rows]


def find_available(
    session: ScopedSession, account_nos: Sequence[int], now: datetime, month_on: date | None = None
) -> dict[int, int]:
    """How many messages each account may still take on in a month (None: this one).

    An account without a known limit is not in the answer.
    """
    standings = list_standings(session, account_nos, month_on or quota_month(now))
    return {one.account_no: one.available for one in standings if one.available is not None}


def lock_available(session: ScopedSession, account_nos: Sequence[int], now: datetime) -> dict[int, int]:
    """The same of this month, and lock these figures, and those of later months, until the transaction ends.

    What is still waiting since an earlier month counts on this one from now on.
    """
    carry_over(session, now)
    rows = select(QuotaMonth).where(
        col(QuotaMonth.account_no).in_(account_nos), col(QuotaMonth.month_on) >= quota_month(now)
    )
    session.exec(rows.order_by(col(QuotaMonth.line_account_id), col(QuotaMonth.month_on)).with_for_update()).all()
    return find_available(session, account_nos, now)


def reserve(session: ScopedSession, by_month: Mapping[date, Mapping[int, int]]) -> None:
    """Hold these numbers of messages back for a run, by month and account number."""
    changes = [(month_on, no, count) for month_on, counts in by_month.items() for no, count in counts.items()]
    if changes:
        session.connection().execute(
            _CHANGE,
            {
                "brand_id": session.scope.brand_id,
                "months": [month_on for month_on, _, _ in changes],
                "nos": [no for _, no, _ in changes],
                "counts": [count for _, _, count in changes],
            },
        )


def give_back(session: ScopedSession, by_month: Mapping[date, Mapping[int, int]]) -> None:
    """Free what a stopped run had reserved and will not send."""
    reserve(session, {month: {no: -count for no, count in counts.items()} for month, counts in by_month.items()})


def count_sent(session: ScopedSession, counts: Mapping[int, int], now: datetime) -> None:
    """Count these numbers of messages, by account number, as used: LINE may have sent them, and counted them."""
    if counts:
        session.connection().execute(
            _COUNT_SENT,
            {
                "brand_id": session.scope.brand_id,
                "month_on": quota_month(now),
                "nos": list(counts),
                "counts": list(counts.values()),
            },
        )


def reserve_later(session: ScopedSession, run_id: UUID, frozen_at: datetime) -> dict[date, dict[int, int]]:
    """Write down of a run's batches that wait for a later month that their quota is that month's; how many these are.

    Of all others it is that of the month in which the run was frozen.
    """
    values = {"brand_id": session.scope.brand_id, "run_id": run_id, "month_on": quota_month(frozen_at)}
    found: dict[date, dict[int, int]] = {}
    for month_on, account_no, count in session.connection().execute(_RESERVE_LATER, values):
        found.setdefault(month_on, {})[account_no] = count
    return found


def carry_over(session: ScopedSession, now: datetime) -> None:
    """Let what still waits since an earlier month count on this one: it will be sent in this one, if at all."""
    values = {"brand_id": session.scope.brand_id, "month_on": quota_month(now)}
    if session.connection().execute(_IS_LATE, values).scalar_one():
        session.connection().execute(_CARRY_OVER, values)


_STANDINGS = text(
    """
    SELECT account.no AS account_no, account.id AS line_account_id, account.plan, told."limit",
           coalesce(month.used, 0) AS used, coalesce(month.sent, month.used, 0) AS sent,
           coalesce(month.others, 0) AS others, coalesce(month.reserved, 0) AS reserved, month.synced_at,
           month.asked_at, month.ask_error
    FROM line_account account
    LEFT JOIN quota_month month ON month.brand_id = :brand_id AND month.line_account_id = account.id
        AND month.month_on = :month_on
    LEFT JOIN LATERAL (
        SELECT "limit" FROM quota_month earlier
        WHERE earlier.brand_id = :brand_id AND earlier.line_account_id = account.id
          AND earlier.month_on <= :month_on AND earlier.synced_at IS NOT NULL
        ORDER BY month_on DESC LIMIT 1
    ) AS told ON true
    WHERE account.brand_id = :brand_id AND account.no = ANY(CAST(:nos AS int[]))
    ORDER BY account.no
    """
)

NOTHING: Final = "0, 0, 0, 0, 0, '[]'"
COLUMNS: Final = (
    "brand_id, line_account_id, month_on, account_no, used, sent, others, unbilled, alerted_percent, marks, reserved"
)
_ADD = "ON CONFLICT (brand_id, line_account_id, month_on) DO UPDATE"

_CHANGE = text(
    f"""
    INSERT INTO quota_month ({COLUMNS})
    SELECT account.brand_id, account.id, change.month_on, account.no, {NOTHING}, change.count
    FROM unnest(CAST(:months AS date[]), CAST(:nos AS int[]), CAST(:counts AS int[]))
         AS change (month_on, account_no, count)
    JOIN line_account account ON account.brand_id = :brand_id AND account.no = change.account_no
    ORDER BY account.id, change.month_on
    {_ADD} SET reserved = greatest(0, quota_month.reserved + excluded.reserved)
    """
)

_COUNT_SENT = text(
    f"""
    INSERT INTO quota_month ({COLUMNS})
    SELECT account.brand_id, account.id, :month_on, account.no, change.count, change.count, 0, 0, 0, '[]', 0
    FROM unnest(CAST(:nos AS int[]), CAST(:counts AS int[])) AS change (account_no, count)
    JOIN line_account account ON account.brand_id = :brand_id AND account.no = change.account_no
    ORDER BY account.id
    {_ADD} SET used = quota_month.used + excluded.used,
        sent = coalesce(quota_month.sent, quota_month.used) + excluded.sent
    """
)

RESERVED_ON: Final = "coalesce(batch.reserved_on, date_trunc('month', run.frozen_at AT TIME ZONE 'Asia/Tokyo')::date)"
"""The month in whose quota a batch is reserved, of `batch` joined with its `run`."""

_RESERVE_LATER = text(
    """
    WITH later AS (
        UPDATE batch SET reserved_on = date_trunc('month', not_before AT TIME ZONE 'Asia/Tokyo')::date
        WHERE brand_id = :brand_id AND run_id = :run_id
          AND date_trunc('month', not_before AT TIME ZONE 'Asia/Tokyo')::date > :month_on
        RETURNING reserved_on, account_no, size
    )
    SELECT reserved_on, account_no, sum(size)::int FROM later GROUP BY 1, 2
    """
)

_IS_LATE = text(
    "SELECT EXISTS (SELECT FROM quota_month WHERE brand_id = :brand_id AND month_on < :month_on AND reserved > 0)"
)
_CARRY_OVER = text(
    f"""
    WITH late AS (
        SELECT batch.run_id, batch.batch_no, batch.line_account_id, batch.account_no, batch.size,
               {RESERVED_ON} AS reserved_on
        FROM batch JOIN run ON run.brand_id = batch.brand_id AND run.id = batch.run_id
        WHERE batch.brand_id = :brand_id AND batch.state = 'waiting' AND {RESERVED_ON} < :month_on
        ORDER BY batch.run_id, batch.batch_no FOR UPDATE OF batch
    ), moved AS (
        UPDATE batch SET reserved_on = :month_on FROM late
        WHERE batch.brand_id = :brand_id AND batch.run_id = late.run_id AND batch.batch_no = late.batch_no
        RETURNING late.line_account_id, late.account_no, late.reserved_on, late.size
    ), change AS (
        SELECT line_account_id, account_no, reserved_on AS month_on, -sum(size)::int AS count
        FROM moved GROUP BY 1, 2, 3
        UNION ALL SELECT line_account_id, account_no, CAST(:month_on AS date), sum(size)::int FROM moved GROUP BY 1, 2
    )
    INSERT INTO quota_month ({COLUMNS})
    SELECT :brand_id, line_account_id, month_on, account_no, {NOTHING}, count FROM change
    ORDER BY line_account_id, month_on
    {_ADD} SET reserved = greatest(0, quota_month.reserved + excluded.reserved)
    """
)

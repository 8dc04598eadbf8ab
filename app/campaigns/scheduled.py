"""What the clock will launch later in a month, in messages by account, as far as it was rehearsed."""

from datetime import date, datetime
from typing import Final

from sqlalchemy import text

from app.messaging.quota import month_after, month_begins_at
from tenants.session import ScopedSession


def count_scheduled(session: ScopedSession, month_on: date, now: datetime) -> dict[int, int]:
    """Messages of scheduled campaigns of a month, by account number: as each one's newest dry run came to."""
    values = {
        "brand_id": session.scope.brand_id,
        "from": max(now, month_begins_at(month_on)),
        "until": month_begins_at(month_after(month_on)),
    }
    rows = session.connection().execute(_SCHEDULED, values).all()
    return {int(account_no): int(count) for account_no, count in rows}


_SCHEDULED: Final = text(
    """
    SELECT key, sum(value::int)
    FROM campaign
    JOIN LATERAL (
        SELECT by_account FROM dry_run
        WHERE dry_run.brand_id = :brand_id AND dry_run.campaign_id = campaign.id
        ORDER BY dry_run.id DESC LIMIT 1
    ) AS newest ON newest.by_account IS NOT NULL
    CROSS JOIN LATERAL jsonb_each_text(newest.by_account)
    WHERE campaign.brand_id = :brand_id AND campaign.status = 'scheduled' AND campaign.archived_at IS NULL
      AND campaign.scheduled_at >= :from AND campaign.scheduled_at < :until
    GROUP BY key
    """
)

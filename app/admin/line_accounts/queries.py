"""Reads about LINE accounts that reach over to quotas and friends."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from app.customers.models import Friend
from app.messaging.models import QuotaMonth
from app.messaging.quota import quota_month


def map_quotas(session: Session, account_ids: Sequence[UUID], now: datetime) -> dict[UUID, QuotaMonth]:
    """This month's quota of each account that has one."""
    rows = session.exec(
        select(QuotaMonth).where(
            col(QuotaMonth.line_account_id).in_(account_ids), col(QuotaMonth.month_on) == quota_month(now)
        )
    ).all()
    return {row.line_account_id: row for row in rows}


def has_friends(session: Session, account_id: UUID) -> bool:
    """Whether anybody has ever followed this account."""
    return session.exec(select(Friend.id).where(col(Friend.line_account_id) == account_id).limit(1)).first() is not None

"""Why somebody is no part of a campaign's audience: the first of its conditions that does not hold for her."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.campaigns.audience import resolve
from app.campaigns.models import Campaign
from app.customers.models import Customer
from tenants.session import ScopedSession


def tell_absence(
    session: ScopedSession, campaign: Campaign, customer_id: UUID, now: datetime, *, is_past: bool
) -> tuple[str, str]:
    """In a sentence, in English and Japanese. Of a run of the past it is told as the conditions stand now."""
    parts = resolve(session, campaign, now).parts
    met: Any = ()
    if parts:
        hers = select(*(part.where for part in parts)).where(col(Customer.id) == customer_id)
        met = session.execute(hers).one()
    missed = next((part for part, holds in zip(parts, met, strict=True) if not holds), None)
    if missed is not None:
        return missed.text, missed.text_ja
    if is_past:
        return "She was not in the audience then.", "配信の時点では対象に入っていませんでした。"
    return "She is not in the audience.", "配信対象の条件に合っていません。"

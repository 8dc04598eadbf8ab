"""close_campaigns(): a campaign ends when its run does."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from app.campaigns.life.states import can_take, take
from app.campaigns.models import Campaign
from app.events.models import Event
from tenants.session import ScopedSession

_STEP = {"finished": "sent", "stopped": "cancelled", "expired": "expired"}


def close_campaigns(session: ScopedSession, events: Sequence[Event]) -> None:
    """Subscriber: end the campaigns whose run has finished, was stopped or has expired."""
    ended = {UUID(event.data["campaign_id"]): event.data for event in events if _is_of_campaign(event)}
    if not ended:
        return
    locked = select(Campaign).where(col(Campaign.id).in_(ended)).order_by(col(Campaign.id)).with_for_update()
    for campaign in session.exec(locked):
        kind, note = _tell(ended[campaign.id])
        if can_take(campaign, kind):
            take(session, campaign, kind, note=note)


def _is_of_campaign(event: Event) -> bool:
    return event.type == "run.finished" and bool(event.data.get("campaign_id"))


def _tell(finished: Mapping[str, Any]) -> tuple[str, str | None]:
    """How a campaign ended, and why; one that chose people and reached nobody has failed."""
    kind = _STEP[finished["status"]]
    if kind == "sent" and finished["chosen"] and not finished["sent"]:
        return "failed", "LINE took none of its messages."
    return kind, "Its valid_until passed before everybody was written to." if kind == "expired" else None

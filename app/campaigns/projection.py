"""close_campaigns(): a campaign ends when its run does."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col

from app.campaigns.models import Campaign
from app.events.models import Event
from tenants.session import ScopedSession

_STATUS = {"finished": "sent", "stopped": "cancelled", "expired": "expired"}


def close_campaigns(session: ScopedSession, events: Sequence[Event]) -> None:
    """Subscriber: set the status of campaigns whose run has finished, was stopped or has expired."""
    for event in events:
        if event.type != "run.finished" or not event.data.get("campaign_id"):
            continue
        session.exec(
            update(Campaign)
            .where(col(Campaign.id) == UUID(event.data["campaign_id"]), col(Campaign.status).in_(("sending", "paused")))
            .values(status=_status_of(event.data))
        )


def _status_of(finished: Mapping[str, Any]) -> str:
    """How a campaign ended; one that chose people and reached nobody has failed."""
    status = _STATUS[finished["status"]]
    return "failed" if status == "sent" and finished["chosen"] and not finished["sent"] else status

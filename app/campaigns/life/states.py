"""The life of a campaign as a table: which step leads from which status to which. `take()` is the only way on."""

from collections.abc import Mapping
from typing import Final

from app.campaigns.models import Campaign, CampaignStep
from tenants.problems import Conflict
from tenants.session import ScopedSession

MOVES: Final[Mapping[str, Mapping[str, str]]] = {
    "drafted": {"draft": "draft"},
    "changed": {"draft": "draft", "awaiting_approval": "draft"},
    "submitted": {"draft": "awaiting_approval"},
    "approved": {"awaiting_approval": "draft"},
    "returned": {"awaiting_approval": "draft"},
    "scheduled": {"draft": "scheduled"},
    "rescheduled": {"scheduled": "scheduled"},
    "unscheduled": {"scheduled": "draft"},
    "postponed": {"scheduled": "scheduled"},
    "launched": {"draft": "sending", "scheduled": "sending"},
    "paused": {"sending": "paused"},
    "resumed": {"paused": "sending"},
    "cancelled": {
        "draft": "cancelled",
        "awaiting_approval": "cancelled",
        "scheduled": "cancelled",
        "sending": "cancelled",
        "paused": "cancelled",
    },
    "sent": {"sending": "sent", "paused": "sent"},
    "expired": {"scheduled": "expired", "sending": "expired", "paused": "expired"},
    "failed": {"scheduled": "failed", "sending": "failed", "paused": "failed"},
}
"""Step → status before → status after. A campaign that head office has approved is a draft with `approved_at`."""
NOTED: Final = ("copied", "decided", "tested")
"""Steps that change no status and may be taken in any."""
FIRST: Final = "draft"
ENDS: Final = frozenset({"sent", "cancelled", "expired", "failed"})
"""Statuses that no step leads out of."""


def can_take(campaign: Campaign, kind: str) -> bool:
    """Whether this step may be taken now."""
    return campaign.status in MOVES[kind]


def require(campaign: Campaign, kind: str) -> None:
    """Raises Conflict, in words for the caller, unless this step may be taken now."""
    if not can_take(campaign, kind):
        before = " or ".join(name.replace("_", " ") for name in MOVES[kind])
        raise Conflict(
            f"This campaign is {campaign.status.replace('_', ' ')}; it can be {kind} only while it is {before}."
        )


def take(
    session: ScopedSession, campaign: Campaign, kind: str, *, by: str | None = None, note: str | None = None
) -> None:
    """Take a step and write it down, signed with the caller's id (None: the clock). Raises Conflict."""
    if kind not in NOTED:
        require(campaign, kind)
        campaign.status = MOVES[kind][campaign.status]
        session.add(campaign)
    session.add(CampaignStep(campaign_id=campaign.id, kind=kind, taken_by=by, note=note, store_no=campaign.store_no))
    session.flush()

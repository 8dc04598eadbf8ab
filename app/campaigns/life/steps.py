"""The steps of campaigns as a caller sees them."""

from collections.abc import Sequence
from uuid import UUID

from app.campaigns.life import queries
from app.campaigns.life.schemas import StepRead
from app.campaigns.models import Campaign, CampaignStep
from tenants.session import ScopedSession


def map_last_steps(session: ScopedSession, campaigns: Sequence[Campaign]) -> dict[UUID, StepRead]:
    """The newest step of each of these campaigns, where it took any."""
    steps = queries.map_last_steps(session, [campaign.id for campaign in campaigns])
    return {campaign_id: show(session, step) for campaign_id, step in steps.items()}


def show(session: ScopedSession, step: CampaignStep) -> StepRead:
    """A step; of head office's campaigns a store sees neither who took it nor the note, which may name other stores."""
    is_hidden = step.store_no is None and session.scope.store_nos is not None
    return StepRead(
        kind=step.kind,
        taken_by=None if is_hidden else step.taken_by,
        note=None if is_hidden else step.note,
        created_at=step.created_at,
    )

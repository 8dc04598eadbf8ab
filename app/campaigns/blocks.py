"""What stands in the blocks of a campaign's messages."""

from collections.abc import Collection, Mapping

from app.campaigns.models import Campaign
from app.templates.service import read_blocks
from tenants.session import ScopedSession


def find_blocks(
    session: ScopedSession, campaign: Campaign, store_nos: Collection[int] | None = None
) -> Mapping[str, Mapping[str, str]] | None:
    """The words that go out, as `read_blocks` has them: of a store's campaign those that head office approved."""
    if campaign.approved_at is not None and campaign.approved_blocks is not None:
        return campaign.approved_blocks
    return read_blocks(session, campaign.template_id, store_nos)

"""Copies: a campaign again as a draft, to the same audience or to those whom it did not reach."""

from datetime import datetime
from typing import Final

from app.callers import CallerInfo
from app.campaigns.life.schemas import CampaignCopy
from app.campaigns.life.states import take
from app.campaigns.models import Campaign
from app.customer_lists import service as lists
from tenants.ids import encode_id
from tenants.problems import Conflict
from tenants.session import ScopedSession

OWN: Final = frozenset(
    {
        "brand_id", "id", "created_at", "status", "schedule", "scheduled_at", "valid_until", "approved_at",
        "approved_blocks", "launched_at", "archived_at", "copied_from_id", "store_id", "store_no",
    }
)  # fmt: skip
"""What a copy does not take over: its life is its own, and so is its moment."""
PLACES: Final = ("area_ids", "store_ids", "line_account_ids", "exclude")
"""What still narrows the audience to those who were not reached: who may write to them, and who must not be written."""
NOT_REACHED: Final = ("quota", "stopped")


def copy(session: ScopedSession, campaign: Campaign, body: CampaignCopy, caller: CallerInfo, now: datetime) -> Campaign:
    """A new draft like this campaign. Raises Conflict, PermissionMissing, NotFound, Invalid.

    `not_reached` makes a list of those whom its run left out since the quota did not suffice or it was stopped.
    """
    owner = caller.owner(session, body.store_id or campaign.store_id)
    values = {name: value for name, value in campaign.model_dump().items() if name not in OWN}
    made = Campaign(**values, copied_from_id=campaign.id)
    made.name = body.name or campaign.name
    if owner is not None:
        made.store_id, made.store_no = owner.id, owner.no
    if body.audience == "not_reached":
        if campaign.launched_at is None:
            raise Conflict("It has not been launched, so there is nobody whom it did not reach.")
        caller.require("customers:write")
        chosen = lists.create_list(
            session, name=f"{campaign.name[:180]}（未配信）", description=None, owner=owner, now=now
        )
        lists.add_not_reached(session, chosen, campaign.id, NOT_REACHED, now)
        narrowed = {name: campaign.audience[name] for name in PLACES if campaign.audience.get(name) is not None}
        made.audience = {**narrowed, "list_ids": [encode_id("list", chosen.id)]}
    session.add(made)
    session.flush()
    take(session, made, "copied", by=caller.outside_id, note=encode_id("cmp", campaign.id))
    return made

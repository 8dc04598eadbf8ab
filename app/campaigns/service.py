"""Campaigns: drafted, changed, put away."""

from datetime import datetime
from uuid import UUID

from app.campaigns import queries
from app.campaigns.audience import resolve
from app.campaigns.models import Campaign
from app.campaigns.schemas import (
    CampaignCreate,
    CampaignPatch,
)
from app.coupons import queries as coupons
from app.messaging.render import check_messages
from tenants.problems import Conflict, Invalid, NotFound
from tenants.scope import Scope
from tenants.session import ScopedSession

OPEN = ("draft",)


def create(session: ScopedSession, body: CampaignCreate, scope: Scope) -> Campaign:
    """Draft a campaign, of head office or of one of the caller's stores. Raises Invalid with pointers."""
    store_no = None
    if body.store_id is not None:
        store_no = queries.list_store_nos(session, [body.store_id]).get(body.store_id)
        if store_no is None:
            raise Invalid.at("/store_id", "There is no such store.")
    elif scope.store_nos is not None:
        raise Invalid.at("/store_id", "A store's campaign names its store.")
    # Not model_dump(), which writes ids as callers read them.
    columns = {name: getattr(body, name) for name in body.__class__.model_fields if name != "one_per_person"}
    campaign = Campaign(**columns | {"store_no": store_no})
    campaign.audience = body.audience.model_dump(mode="json", exclude_none=True)
    _check(session, campaign)
    session.add(campaign)
    session.flush()
    return campaign


def change(session: ScopedSession, campaign: Campaign, body: CampaignPatch) -> Campaign:
    """Change a draft. Raises Conflict once it has been launched."""
    if campaign.status not in OPEN:
        raise Conflict(f"A campaign that is {campaign.status} can no longer be changed.")
    for name in body.model_fields_set:
        value = getattr(body, name)
        if name == "audience":
            value = value.model_dump(mode="json", exclude_none=True) if value else {}
        elif value is None and name in ("name", "messages", "holdout_ratio", "quota_policy"):
            raise Invalid.at(f"/{name}", "Must not be null.")
        setattr(campaign, name, value)
    with session.no_autoflush:  # or the look-up of an unknown coupon would write its id first
        _check(session, campaign)
    session.add(campaign)
    session.flush()
    return campaign


def _check(session: ScopedSession, campaign: Campaign) -> None:
    """Refuse what could not be sent: unknown ids, a broken rule, messages that LINE would not take."""
    template = check_messages(campaign.messages)
    if campaign.coupon_id is not None:
        try:
            coupons.get_coupon(session, campaign.coupon_id)
        except NotFound as error:
            raise Invalid.at("/coupon_id", "There is no such coupon.") from error
    elif any(name.startswith("coupon.") for name in template.variables):
        raise Invalid.at("/messages", "The messages name a coupon, but the campaign has no coupon_id.")
    resolve(session, campaign, campaign.created_at)


def archive(session: ScopedSession, campaign: Campaign, now: datetime) -> None:
    """Put a campaign away. Raises Conflict while it sends."""
    if campaign.status in ("sending", "paused"):
        raise Conflict("Cancel the campaign first; it is still sending.")
    campaign.archived_at = now
    session.add(campaign)


def get_own(session: ScopedSession, campaign_id: UUID, scope: Scope, *, lock: bool = False) -> Campaign:
    """A campaign that a caller of this scope may launch, read in a brand-wide session. Raises NotFound."""
    find = queries.lock_campaign if lock else queries.get_campaign
    campaign = find(session, campaign_id)
    if not scope.sees_store(campaign.store_no):
        raise NotFound
    return campaign

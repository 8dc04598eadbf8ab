"""Campaigns: drafted, changed, put away."""

from datetime import datetime
from uuid import UUID

from app.callers import CallerInfo
from app.campaigns import queries
from app.campaigns.audience import resolve
from app.campaigns.experiments import service as experiments
from app.campaigns.life import scheduling
from app.campaigns.life.states import require, take
from app.campaigns.models import Campaign
from app.campaigns.schemas import (
    CampaignCreate,
    CampaignPatch,
)
from app.coupons import queries as coupons
from app.coupons.line_coupons.service import require_rendered
from app.messaging.fallback import check_fallback
from app.messaging.policies import ALL
from app.messaging.render import check_messages, read_template
from app.templates.service import copy_messages
from tenants.problems import Conflict, Invalid, NotFound
from tenants.scope import Scope
from tenants.session import ScopedSession


def create(session: ScopedSession, body: CampaignCreate, scope: Scope, *, by: str | None = None) -> Campaign:
    """Draft a campaign, of head office or of one of the caller's stores. Raises Invalid with pointers."""
    store_no = None
    if body.store_id is not None:
        store_no = queries.list_store_nos(session, [body.store_id]).get(body.store_id)
        if store_no is None:
            raise Invalid.at("/store_id", "There is no such store.")
    elif scope.store_nos is not None:
        raise Invalid.at("/store_id", "A store's campaign names its store.")
    _require_one_per_person(body.sender_policy, body.one_per_person)
    # Not model_dump(), which writes ids as callers read them.
    columns = {name: getattr(body, name) for name in body.__class__.model_fields if name != "one_per_person"}
    columns["variants"] = experiments.to_columns(body.variants)
    columns["experiment"] = body.experiment.model_dump() if body.experiment else None
    columns["messages"] = body.messages or (body.variants[0].messages if body.variants else None)
    if body.template_id is not None:
        if columns["messages"] is not None:
            raise Invalid.at("/template_id", "Give messages, variants or a template.")
        columns["messages"] = copy_messages(session, body.template_id)
    if columns["messages"] is None:
        raise Invalid.at("/messages", "Give messages, variants or a template.")
    campaign = Campaign(**columns | {"store_no": store_no})
    campaign.audience = body.audience.model_dump(mode="json", exclude_none=True)
    campaign.schedule = body.schedule.to_column() if body.schedule else None
    campaign.goal = body.goal.model_dump() if body.goal else None
    _check(session, campaign, campaign.created_at)
    session.add(campaign)
    session.flush()
    take(session, campaign, "drafted", by=by)
    return campaign


def change(session: ScopedSession, campaign: Campaign, body: CampaignPatch, caller: CallerInfo, now: datetime) -> None:
    """Change a draft, or the moment of what is scheduled. Raises Conflict, PermissionMissing.

    What head office approved is no longer approved, unless it is only to go at another moment.
    """
    if campaign.status == "scheduled":
        _reschedule(session, campaign, body, caller, now)
        return
    require(campaign, "changed")
    policy = body.sender_policy if "sender_policy" in body.model_fields_set else campaign.sender_policy
    _require_one_per_person(policy, campaign.one_per_person if body.one_per_person is None else body.one_per_person)
    _change_template(session, campaign, body)
    for name in body.model_fields_set - {"one_per_person", "template_id"}:
        value = getattr(body, name)
        if name == "schedule":
            value = value.to_column() if value else None
        elif name in ("goal", "experiment"):
            value = value.model_dump() if value else None
        elif name == "variants":
            value = experiments.to_columns(value)
        elif name == "audience":
            value = value.model_dump(mode="json", exclude_none=True) if value else {}
        elif value is None and name in ("name", "messages", "holdout_ratio", "quota_policy", "trim_by", "tracking"):
            raise Invalid.at(f"/{name}", "Must not be null.")
        setattr(campaign, name, value)
    with session.no_autoflush:  # or the look-up of an unknown coupon would write its id first
        _check(session, campaign, now)
    if body.model_fields_set - {"schedule"}:
        campaign.approved_at = None
    if body.model_fields_set:
        take(session, campaign, "changed", by=caller.outside_id, note=", ".join(sorted(body.model_fields_set)))


def _change_template(session: ScopedSession, campaign: Campaign, body: CampaignPatch) -> None:
    """Take the messages of another template; who gives messages has none. Raises Invalid."""
    if body.template_id is not None:
        if body.messages is not None or body.variants is not None:
            raise Invalid.at("/template_id", "Give messages, variants or a template.")
        campaign.messages, campaign.variants = copy_messages(session, body.template_id), None
        campaign.template_id = body.template_id
    elif body.model_fields_set & {"messages", "variants", "template_id"}:
        campaign.template_id = None


def _require_one_per_person(policy: str | None, one_per_person: bool) -> None:
    """Several messages to one person are said twice over, so that nobody sends them by mistake. Raises Invalid."""
    if (policy == ALL) == one_per_person:
        raise Invalid.at("/one_per_person", "Must be false where sender_policy is all_accounts, and true elsewhere.")


def _reschedule(
    session: ScopedSession, campaign: Campaign, body: CampaignPatch, caller: CallerInfo, now: datetime
) -> None:
    """Move what is scheduled, or with null take it from the schedule; nothing else of it can be changed meanwhile."""
    if body.model_fields_set - {"schedule"}:
        raise Conflict("This campaign is scheduled; set its schedule to null to change anything else.")
    if body.model_fields_set:
        caller.require("campaigns:launch")
        scheduling.reschedule(session, campaign, body.schedule, caller.outside_id, now)


def _check(session: ScopedSession, campaign: Campaign, now: datetime) -> None:
    """Refuse what could not be sent: unknown ids, a broken rule, messages that LINE would not take."""
    experiments.check(campaign, scheduling.read_send_at(campaign) or now)
    template = check_messages(campaign.messages, with_blocks=campaign.template_id is not None)
    if campaign.coupon_id is not None:
        try:
            coupon = coupons.get_issuable(session, campaign.coupon_id)
        except NotFound as error:
            raise Invalid.at("/coupon_id", "There is no such coupon.") from error
        contents = [campaign.messages, *(one["messages"] for one in campaign.variants or ())]
        require_rendered(coupon, frozenset().union(*(read_template(one).variables for one in contents)))
    elif any(name.startswith("coupon.") for name in template.variables):
        raise Invalid.at("/messages", "The messages name a coupon, but the campaign has no coupon_id.")
    if campaign.fallback_messages is not None:
        if campaign.coupon_id is None:
            raise Invalid.at("/fallback_messages", "Without a coupon_id no copies run out.")
        check_fallback(campaign.fallback_messages)
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

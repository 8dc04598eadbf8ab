"""What a campaign says: its own messages or those of a template, and what LINE thinks of them before they are kept."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request

from app.auth import Caller, Now
from app.campaigns import service
from app.campaigns.models import Campaign
from app.campaigns.schemas import CampaignCreate, CampaignPatch
from app.messaging.line_validation import Contents, Verdict, ask_line
from app.schemas import CampaignId
from app.templates.service import copy_messages
from tenants.session import open_session


def ask_about_new(body: CampaignCreate, request: Request, caller: Caller, now: Now) -> Verdict:
    """What LINE says of the messages of a campaign to be. Raises Invalid for what is wrong with them."""
    return _ask(body, request, caller, now)


def ask_about_change(
    campaign_id: CampaignId, body: CampaignPatch, request: Request, caller: Caller, now: Now
) -> Verdict | None:
    """The same of a change; None where it leaves the messages as they are."""
    if not body.model_fields_set & {"messages", "variants", "template_id", "fallback_messages"}:
        return None
    with open_session(request.app.state.engine, caller.scope) as session:
        service.get_own(session, campaign_id, caller.scope)
    return _ask(body, request, caller, now)


def ask_about_kept(campaign_id: CampaignId, request: Request, caller: Caller, now: Now) -> Verdict | None:
    """What LINE says of a campaign that is rehearsed or launched and of whose messages it has not approved yet.

    None where there is nothing to ask.
    """
    with open_session(request.app.state.engine, caller.scope.brand_wide()) as session:
        campaign = service.get_own(session, campaign_id, caller.scope)
    if campaign.launched_at is not None or (campaign.line_validation or {}).get("status") == "passed":
        return None
    verdict = ask_line(
        request, caller, _contents(campaign.messages, campaign.variants, campaign.fallback_messages), now
    )
    verdict.require()
    return verdict


def _ask(body: CampaignCreate | CampaignPatch, request: Request, caller: Caller, now: Now) -> Verdict:
    messages = body.messages
    if messages is None and body.template_id is not None:
        with open_session(request.app.state.engine, caller.scope) as session:
            messages = copy_messages(session, body.template_id)
    variants = [one.model_dump() for one in body.variants or ()]
    account_ids: Sequence[UUID] = (body.audience.line_account_ids if body.audience else None) or ()
    verdict = ask_line(request, caller, _contents(messages, variants, body.fallback_messages), now, account_ids)
    verdict.require()
    return verdict


def _contents(
    messages: Sequence[Mapping[str, Any]] | None,
    variants: Sequence[Mapping[str, Any]] | None,
    fallback: Sequence[Mapping[str, Any]] | None,
) -> Contents:
    of_variants = {f"/variants/{place}/messages": one["messages"] for place, one in enumerate(variants or ())}
    of_messages = of_variants or ({"/messages": messages} if messages else {})
    return {**of_messages, **({"/fallback_messages": fallback} if fallback else {})}


def note(campaign: Campaign, verdict: Verdict | None) -> None:
    """Write down what LINE said, where it was asked."""
    if verdict is not None:
        campaign.line_validation = verdict.to_column()


AskedNew = Annotated[Verdict, Depends(ask_about_new, scope="function")]
AskedChange = Annotated[Verdict | None, Depends(ask_about_change, scope="function")]
AskedKept = Annotated[Verdict | None, Depends(ask_about_kept, scope="function")]

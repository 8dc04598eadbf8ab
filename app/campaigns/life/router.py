"""The life of campaigns over HTTP: approval, the steps taken, copies, the calendar, tests."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.auth import BrandWide, Caller, Now, ScopedSession, allow
from app.campaigns.life import approval, calendar, copying, queries, steps, testing
from app.campaigns.life.schemas import (
    CalendarRead,
    CampaignCopy,
    ReturnBody,
    StepBody,
    StepRead,
    TestSend,
    TestSendRead,
)
from app.campaigns.models import CampaignStep
from app.campaigns.queries import get_campaign, lock_campaign
from app.campaigns.router import read_campaign
from app.campaigns.schemas import CampaignRead
from app.campaigns.service import get_own
from app.paging import PagingParams, make_page
from app.routes import ApiRoute, Precondition
from app.schemas import CampaignId, LocalDate, Page

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"], route_class=ApiRoute)


@router.get("/calendar", dependencies=[allow("campaigns:read")])
def read_calendar(
    session: ScopedSession,
    first: Annotated[LocalDate, Query(alias="from", description="The first day, in the brand's calendar.")],
    last: Annotated[LocalDate, Query(alias="to", description="The last day; 62 days at most.")],
) -> CalendarRead:
    """What is scheduled, is being sent or was sent, day by day, and what of it clashes."""
    return calendar.read_calendar(session, first, last)


@router.post("/{campaign_id}/copy", status_code=201, dependencies=[allow("campaigns:write")])
def copy_campaign(
    campaign_id: CampaignId, session: ScopedSession, caller: Caller, now: Now, body: CampaignCopy | None = None
) -> CampaignRead:
    """Draft a campaign like this one of the caller's own; when it goes is not taken over."""
    campaign = get_own(session, campaign_id, caller.scope)
    return read_campaign(session, copying.copy(session, campaign, body or CampaignCopy(), caller, now))


@router.post("/{campaign_id}/submit", dependencies=[allow("campaigns:write")])
def submit_campaign(
    campaign_id: CampaignId, session: ScopedSession, caller: Caller, body: StepBody | None = None
) -> CampaignRead:
    """Lay a draft before head office. Changing it makes it a draft again."""
    campaign = lock_campaign(session, campaign_id)
    approval.submit(session, campaign, caller, body.note if body else None)
    return read_campaign(session, campaign)


@router.post("/{campaign_id}/approve", dependencies=[allow("campaigns:approve")])
def approve_campaign(
    campaign_id: CampaignId,
    session: BrandWide,
    caller: Caller,
    now: Now,
    if_match: Precondition,
    body: StepBody | None = None,
) -> CampaignRead:
    """Approve a campaign as it stands, or with `If-Match` only as it was read.

    It goes at its schedule's moment, or else waits for its store to launch it.
    A campaign with a coupon that goes at its moment needs `coupons:issue` too.
    """
    campaign = get_own(session, campaign_id, caller.scope, lock=True)
    if_match.check(read_campaign(session, campaign))
    approval.approve(session, campaign, caller, body.note if body else None, now)
    return read_campaign(session, campaign)


@router.post("/{campaign_id}/return", dependencies=[allow("campaigns:approve")])
def return_campaign(campaign_id: CampaignId, body: ReturnBody, session: BrandWide, caller: Caller) -> CampaignRead:
    """Send a campaign back to whoever drafted it, with a word why."""
    campaign = get_own(session, campaign_id, caller.scope, lock=True)
    approval.send_back(session, campaign, caller, body.note)
    return read_campaign(session, campaign)


@router.post("/{campaign_id}/test-send", status_code=202, dependencies=[allow("campaigns:write")])
def test_campaign(
    campaign_id: CampaignId, body: TestSend, session: BrandWide, caller: Caller, now: Now
) -> TestSendRead:
    """Send the messages to testers: people to whom head office gave its tag `tester` or `テスター`.

    It uses up quota, and counts for no cap and in no figure. Nobody is given a copy of the coupon: samples stand for
    its code and its end.
    """
    caller.require("customers:read")
    campaign = get_own(session, campaign_id, caller.scope, lock=True)
    return testing.send_test(session, campaign, body, caller.scope, caller.outside_id, now)


@router.get("/{campaign_id}/steps", dependencies=[allow("campaigns:read")])
def list_campaign_steps(campaign_id: CampaignId, session: ScopedSession, paging: PagingParams) -> Page[StepRead]:
    """What was done with a campaign, by whom and when, the newest first."""
    campaign = get_campaign(session, campaign_id)
    wanted = queries.list_steps(campaign.id)
    return make_page(session, wanted, CampaignStep.id, paging, lambda step: steps.show(session, step))


routers = [router]

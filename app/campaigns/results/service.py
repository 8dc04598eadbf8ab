"""What came of a campaign's links, and what LINE counted of it."""

from collections.abc import Mapping
from typing import Any

from app.campaigns.models import Campaign
from app.campaigns.results.schemas import (
    AccountInsightRead,
    CampaignInsightRead,
    CampaignLinkRead,
    CampaignLinksRead,
    ClickedHour,
    InsightClick,
)
from app.insight import queries as insight
from app.insight.models import InsightUnit
from app.insight.queries import COUNTED_FOR
from app.links import queries as links
from app.links.queries import Followed
from app.links.service import LENGTH as CODE_LENGTH
from app.messaging import queries as runs
from app.messaging.models import Run
from tenants.session import ScopedSession


def list_links(session: ScopedSession, campaign: Campaign) -> CampaignLinksRead:
    """The campaign's links; none before it was launched."""
    run = runs.find_run_of_campaign(session, campaign.id)
    if run is None:
        return CampaignLinksRead(items=[], by_hour=[])
    followed = links.count_by_link(session, run.id)
    items = []
    for link in links.list_links(session, run.id):
        counts = followed.get(link.id, Followed())
        items.append(
            CampaignLinkRead(
                id=link.id,
                url=link.url,
                variant=link.variant,
                clicked=counts.clicks,
                unique_clicked=counts.unique_clicks if run.personal else None,
                previews=counts.previews,
                expires_at=link.expires_at,
            )
        )
    hours = links.list_hours(session, run.id)
    by_hour = [ClickedHour(hour_at=hour_at, clicked=counts.clicks) for hour_at, counts in hours if counts.clicks]
    return CampaignLinksRead(items=items, by_hour=by_hour)


def read_insight(session: ScopedSession, campaign: Campaign) -> CampaignInsightRead:
    """What LINE told of the campaign's run, by account and variant."""
    run = runs.find_run_of_campaign(session, campaign.id)
    if run is None:
        return CampaignInsightRead(items=[])
    urls = {link.code: link.url for link in links.list_links(session, run.id)}
    return CampaignInsightRead(items=[_show(unit, urls, run) for unit in insight.list_units(session, run.id)])


def _show(unit: InsightUnit, urls: Mapping[str, str], run: Run) -> AccountInsightRead:
    figures: Mapping[str, Any] = unit.figures or {}
    overview = figures.get("overview") or {}
    impressions, clicks = overview.get("uniqueImpression"), overview.get("uniqueClick")
    return AccountInsightRead(
        line_account_id=unit.line_account_id,
        variant=unit.variant,
        unit=unit.name,
        unique_impressions=impressions,
        unique_clicks=clicks,
        clicks=[
            InsightClick(
                url=_name_url(one.get("url"), urls), clicks=one.get("click"), unique_clicks=one.get("uniqueClick")
            )
            for one in figures.get("clicks") or ()
        ],
        hidden=unit.asked_at is not None and (impressions is None or clicks is None),
        fetched_at=unit.asked_at,
        is_final=unit.asked_at is not None
        and run.finished_at is not None
        and unit.asked_at >= run.finished_at + COUNTED_FOR,
    )


def _name_url(told: Any, urls: Mapping[str, str]) -> str | None:
    """The address as the message had it, where LINE tells ours."""
    if not isinstance(told, str):
        return None
    written = told.partition("/r/")[2]
    return urls.get(written[:CODE_LENGTH], told)

"""Reads of the steps that campaigns took, and of those that are due."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine, func, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.campaigns.models import Campaign, CampaignStep
from tenants.areas.models import Area, AreaStore
from tenants.session import ScopedSession
from tenants.stores.models import Store


def list_steps(campaign_id: UUID) -> SelectOfScalar[CampaignStep]:
    """The steps of a campaign, to be paged."""
    return select(CampaignStep).where(col(CampaignStep.campaign_id) == campaign_id)


def map_last_steps(session: ScopedSession, campaign_ids: Sequence[UUID]) -> dict[UUID, CampaignStep]:
    """The newest step of each of these campaigns."""
    steps = select(CampaignStep).where(col(CampaignStep.campaign_id).in_(campaign_ids))
    newest = steps.ext(distinct_on(col(CampaignStep.campaign_id))).order_by(
        col(CampaignStep.campaign_id), col(CampaignStep.id).desc()
    )
    return {step.campaign_id: step for step in session.exec(newest)}


def find_scheduled(session: ScopedSession, campaign_id: UUID) -> Campaign | None:
    """A campaign, locked, if it is still scheduled."""
    wanted = select(Campaign).where(
        col(Campaign.id) == campaign_id, col(Campaign.status) == "scheduled", col(Campaign.archived_at).is_(None)
    )
    return session.exec(wanted.with_for_update()).one_or_none()


def list_due_ids(session: ScopedSession, now: datetime) -> Sequence[UUID]:
    """The scheduled campaigns whose moment has come, the earliest first."""
    due = select(Campaign.id).where(
        col(Campaign.status) == "scheduled", col(Campaign.scheduled_at) <= now, col(Campaign.archived_at).is_(None)
    )
    return session.exec(due.order_by(col(Campaign.scheduled_at), col(Campaign.id))).all()


def list_brands_with_due(engine: Engine, now: datetime) -> Sequence[UUID]:
    """The brands with a scheduled campaign whose moment has come."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT list_brands_with_due_campaigns(:now)"), {"now": now})
        return found.scalars().all()


def list_between(session: ScopedSession, begin: datetime, end: datetime) -> Sequence[Campaign]:
    """The campaigns that are scheduled, are being sent or were sent, whose moment lies in this span."""
    at = func.coalesce(col(Campaign.launched_at), col(Campaign.scheduled_at))
    within = select(Campaign).where(
        col(Campaign.status).in_(("scheduled", "sending", "paused", "sent")),
        col(Campaign.archived_at).is_(None),
        at >= begin,
        at < end,
    )
    return session.exec(within).all()


def map_store_nos(session: ScopedSession) -> dict[UUID, int]:
    """The numbers of all stores of the scope."""
    return dict(session.exec(select(Store.id, Store.no)).all())


def map_area_stores(session: ScopedSession) -> dict[UUID, frozenset[int]]:
    """The numbers of the stores in each area and in the areas below it."""
    parents = dict(session.exec(select(Area.id, Area.parent_id).where(col(Area.archived_at).is_(None))).all())
    stores: dict[UUID, set[int]] = {area_id: set() for area_id in parents}
    for area_id, store_no in session.exec(select(AreaStore.area_id, AreaStore.store_no)):
        above: UUID | None = area_id
        while above in stores and store_no not in stores[above]:
            stores[above].add(store_no)
            above = parents[above]
    return {area_id: frozenset(nos) for area_id, nos in stores.items()}

"""Launching by the clock."""

from uuid import UUID

from app.audit.service import Actor, Deed, Thing, follow, note
from app.campaigns import lifecycle
from app.campaigns.life import queries
from app.jobs.queue import Clockwork, Work, defer, periodic, task
from app.messaging.syncing import sync_stale

CLOCK = Actor("clock", None, "clock")


@periodic("* * * * *")
def launch_due_campaigns(clock: Clockwork) -> None:
    """Give each campaign whose moment has come a job of its own, so that none waits for another."""
    for brand_id in queries.list_brands_with_due(clock.engine, clock.now):
        with clock.session(brand_id) as session:
            for campaign_id in queries.list_due_ids(session, clock.now):
                defer(session, launch_scheduled, once_key=f"campaign-launch:{campaign_id}", campaign_id=campaign_id)


@task
def launch_scheduled(work: Work, campaign_id: UUID) -> None:
    """Launch a campaign whose moment has come. A second run finds it launched, and changes nothing."""
    sync_stale(work.engine, work.keyring, work.settings, work.brand_id, work.now)
    with work.session() as session:
        follow(session)
        if lifecycle.launch_on_time(session, campaign_id, work.now):
            note(session, CLOCK, Deed("launch_campaign", Thing("cmp", campaign_id)), now=work.now)

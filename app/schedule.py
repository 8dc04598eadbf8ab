"""Every job that the clock starts and every subscriber of events, in one list."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog
from sqlalchemy import text
from sqlmodel import Session

from app.admin.line_accounts import tasks as _line_accounts
from app.admin.line_accounts.projection import retell_quotas
from app.auto_tags import tasks as _auto_tags
from app.auto_tags.projection import tag_by_events
from app.campaigns.experiments import tasks as _experiments
from app.campaigns.life import tasks as _campaigns
from app.campaigns.projection import close_campaigns
from app.campaigns.reminders import tasks as _reminders
from app.coupons import tasks as _coupons
from app.coupons.line_coupons import tasks as _line_coupons
from app.customers import backfill as _backfill
from app.customers import recount as _recount
from app.customers import tasks as _customers
from app.customers.erasing import tasks as _erasing
from app.customers.exports import tasks as _exports
from app.customers.imports import tasks as _imports
from app.customers.linking import same_ids as _same_ids
from app.customers.linking import service as _linking
from app.customers.tags import tasks as _tags
from app.events.models import Event
from app.inbound import tasks as _inbound
from app.insight import tasks as _insight
from app.jobs.queue import Clockwork, periodic, queue
from app.liff import tasks as _liff
from app.links.projection import count_clicks
from app.loyalty import tasks as _loyalty
from app.loyalty.projection import earn_by_events
from app.messaging import tasks as _messaging
from app.operations import tasks as _operations
from app.operators.requests import forget_requests
from app.qr_codes import tasks as _qr_codes
from app.reports import tasks as _reports
from app.reports.projection import move_daily_metrics
from app.reports.settlements import tasks as _settlements
from app.reports.settlements.projection import book_settlements
from app.segments import tasks as _segments
from app.weather import fetching as _fetching
from app.weather import tasks as _weather
from app.weather.archive import tasks as _archive
from app.weather.backtests import tasks as _backtests
from app.weather.safety import tasks as _safety
from app.webhooks import tasks as _webhooks
from app.webhooks.projection import wake_endpoints
from tenants.session import ScopedSession

log = structlog.get_logger("schedule")

TASKS = (
    _archive, _auto_tags, _backfill, _backtests, _campaigns, _coupons, _customers, _erasing, _experiments, _exports,
    _fetching, _imports, _inbound, _insight, _liff, _line_accounts, _line_coupons, _linking, _loyalty, _messaging,
    _operations, _qr_codes, _recount, _reminders, _reports, _safety, _same_ids, _segments, _settlements, _tags,
    _weather, _webhooks,
)  # fmt: skip
"""Modules whose tasks register themselves when imported."""

SUBSCRIBERS: Sequence[Callable[[ScopedSession, Sequence[Event]], None]] = (
    move_daily_metrics,
    book_settlements,
    count_clicks,
    close_campaigns,
    tag_by_events,
    retell_quotas,
    earn_by_events,
    wake_endpoints,
)
"""Who hears of new events, in this order, in the projector's transaction."""


@periodic("* * * * *")
async def rescue_stalled_jobs(clock: Clockwork) -> None:
    """Put the jobs of workers that died back into the queue; otherwise they stay `doing`, and their locks held."""
    for job in await queue.job_manager.get_stalled_jobs():
        log.warning("job_rescued", task=job.task_name, job=job.id)
        await queue.job_manager.retry_job(job)


@periodic("17 * * * *")
def forget_idempotency_keys(clock: Clockwork) -> None:
    """Drop keys whose day has passed, brand by brand, and the operators'."""
    with clock.engine.connect() as connection:
        brand_ids = connection.execute(text("SELECT list_brand_ids()")).scalars().all()
    for brand_id in brand_ids:
        with clock.session(brand_id) as session:
            session.connection().execute(
                text("DELETE FROM idempotency_key WHERE brand_id = :brand_id AND kept_until < :now"),
                {"brand_id": brand_id, "now": clock.now - timedelta(minutes=5)},
            )
    with Session(clock.engine) as session:
        forget_requests(session, clock.now - timedelta(minutes=5))
        session.commit()

"""The nightly recount."""

from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from prometheus_client import Gauge

from app.jobs.queue import Clockwork, periodic
from app.reports.recount import recount
from tenants.brands.queries import get_brand, list_brand_ids

RECOUNTED_DAYS: Final = 35
DIFFERENCES = Gauge("noren_report_differences", "Rows of rollups that a recount of events does not confirm; must be 0.")

log = structlog.get_logger("reports")


@periodic("40 18 * * *")
def reconcile(clock: Clockwork) -> None:
    """Recount the last five weeks of every brand, and publish how many rows differ."""
    found = 0
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            today = clock.now.astimezone(ZoneInfo(get_brand(session, brand_id).timezone)).date()
            differences = recount(session, today - timedelta(days=RECOUNTED_DAYS - 1), today)
        if differences:
            log.error("rollups_differ", brand_id=str(brand_id), rows=len(differences), first=str(differences[0].key))
        found += len(differences)
    DIFFERENCES.set(found)

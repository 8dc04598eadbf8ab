"""The nightly look for uses that no statement has."""

from typing import Final

import structlog

from app.jobs.queue import Clockwork, periodic
from app.reports.settlements.projection import book
from app.reports.settlements.queries import list_unbooked_ids
from tenants.brands.queries import list_brand_ids

PAGE: Final = 1000

log = structlog.get_logger("settlements")


@periodic("50 18 * * *")
def book_missing_uses(clock: Clockwork) -> None:
    """Put in the lines of uses from before they were kept, or told to an older worker; a second run finds none."""
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            missing = list_unbooked_ids(session)
        for start in range(0, len(missing), PAGE):
            with clock.session(brand_id) as session:
                book(session, missing[start : start + PAGE])
        if missing:
            log.warning("settlements_caught_up", brand_id=str(brand_id), uses=len(missing))

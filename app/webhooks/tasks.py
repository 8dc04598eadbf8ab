"""What the clock does for webhooks."""

from datetime import timedelta

from sqlalchemy import text

from app.jobs.queue import Clockwork, periodic
from app.webhooks.outbox import forget

KEPT = timedelta(days=30)


@periodic("41 18 * * *")
def forget_deliveries(clock: Clockwork) -> None:
    """Drop deliveries that were settled a month ago, brand by brand."""
    with clock.engine.connect() as connection:
        brand_ids = connection.execute(text("SELECT list_brand_ids()")).scalars().all()
    for brand_id in brand_ids:
        with clock.session(brand_id) as session:
            forget(session, clock.now - KEPT)

"""Tags whose time has come are taken off, each minute."""

from typing import Final

from app.customers.tags.many import take_off_ended
from app.customers.tags.queries import is_any_ended
from app.jobs.queue import Clockwork, Work, defer, periodic, task
from tenants.brands.queries import list_brand_ids

AT_ONCE: Final = 1000


@task
def end_tags(work: Work) -> None:
    """Take off what has ended of a brand's tags, some people at a time."""
    while True:
        with work.session() as session:
            if not take_off_ended(session, AT_ONCE, work.now):
                return


@periodic("* * * * *")
def end_tags_of_brands(clock: Clockwork) -> None:
    """Have tags taken off whose time has come, brand by brand."""
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            if is_any_ended(session, clock.now):
                defer(session, end_tags, once_key=f"tags:{brand_id}")

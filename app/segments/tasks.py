"""Counting segments: each night, and after a rule was saved."""

from uuid import UUID

from app.jobs.queue import Clockwork, Work, defer, periodic, task
from app.segments import queries
from app.segments.sizes import save_count
from tenants.brands.queries import list_brand_ids


@task
def count_segment(work: Work, segment_id: UUID) -> None:
    """Count one segment for today."""
    with work.session() as session:
        save_count(session, segment_id, work.now)


@task
def count_segments_of_brand(work: Work) -> None:
    """Count each of a brand's segments for today, in a transaction of its own."""
    with work.session() as session:
        segment_ids = queries.list_segment_ids(session)
    for segment_id in segment_ids:
        count_segment(work, segment_id)


@periodic("10 19 * * *")
def count_segments(clock: Clockwork) -> None:
    """Have the segments of every brand counted, each brand in its turn."""
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            defer(session, count_segments_of_brand, once_key=f"segments:{brand_id}")

"""What the clock makes go."""

from prometheus_client import Counter

from app.customers.erasing.retention import KINDS
from app.customers.erasing.schemas import Retention
from app.jobs.queue import Clockwork, Work, defer, periodic, task
from tenants.brands.queries import get_brand, list_brand_ids

FORGOTTEN = Counter("noren_retention_rows_total", "Rows that were emptied since they had been kept enough.", ["kind"])


@task
def forget_old_data(work: Work) -> None:
    """Empty what a brand has kept for as long as it says; some thousand rows a transaction."""
    for kind in KINDS:
        while True:
            with work.session() as session:
                retention = Retention.model_validate(get_brand(session, work.brand_id).retention)
                done = kind.forget(session, retention, work.now)
            FORGOTTEN.labels(kind.name).inc(done)
            if done < kind.at_once:
                break


@periodic("41 18 * * *")
def forget_old_data_of_brands(clock: Clockwork) -> None:
    """Have old data go, brand by brand, in Japan's night."""
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            if get_brand(session, brand_id).status != "deleting":
                defer(session, forget_old_data, once_key=f"retention:{brand_id}")

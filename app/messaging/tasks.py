"""Work of the clock on quotas: LINE is asked once an hour, and what waits is carried into a new month."""

from app.jobs.queue import Clockwork, Work, defer, periodic, task
from app.messaging import line_quota, quota
from app.messaging.syncing import HOURLY, list_due_ids, sync_account
from tenants.brands.queries import get_brand, list_brand_ids
from tenants.session import ScopedSession

MOST_OF_A_JOB = 500
"""Accounts that one job asks about, one after the other."""


@periodic("*/5 * * * *")
def sync_quotas(clock: Clockwork) -> None:
    """Have LINE asked about each account whose figures are an hour old: each brand at minutes of its own."""
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            if get_brand(session, brand_id).status == "deleting":
                continue
            quota.carry_over(session, clock.now)
            _alert(session, clock)
            if list_due_ids(session, clock.now, HOURLY, 1):
                defer(session, sync_brand, once_key=f"quota:{brand_id}")


@task
def sync_brand(work: Work) -> None:
    """Ask LINE about the accounts of a brand whose figures are an hour old, one after the other."""
    with work.session() as session:
        account_ids = list_due_ids(session, work.now, HOURLY, MOST_OF_A_JOB)
    for account_id in account_ids:
        sync_account(work.engine, work.keyring, work.settings, work.brand_id, account_id, work.now)


def _alert(session: ScopedSession, clock: Clockwork) -> None:
    """Tell of accounts that have come to four fifths by what we sent, before LINE is asked again."""
    for row in line_quota.lock_unalerted(session, clock.now):
        line_quota.alert_if_due(session, row, clock.now)

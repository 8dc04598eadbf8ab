"""Work for later on LINE accounts: a check of one, and which ones are due."""

from uuid import UUID

from sqlmodel import col, select

from app.admin.line_accounts import service
from app.admin.line_accounts.checks import ask_all
from app.admin.line_accounts.findings import read_findings
from app.admin.line_accounts.queries import count_accounts, list_due_ids
from app.auth import brand_key_of
from app.customers.backfill import defer_backfill, is_stuck
from app.jobs.queue import Clockwork, Work, defer, periodic, task
from tenants.brands.queries import get_brand, list_brand_ids
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.queries import live_accounts, lock_account
from tenants.problems import NotFound
from tenants.session import ScopedSession

AT_ONCE = 20
"""Accounts of a brand whose checks are deferred at one time; of very many so many that each has its turn in a day."""
TIMES_A_DAY = 100


@task
def check_account(work: Work, line_account_id: UUID) -> None:
    """Check an account as a person would; its webhook is moved only where a check was asked for and has not set it.

    When LINE cannot be reached, what was found before stays, and it is tried again.
    """
    with work.session() as session:
        account = _find(session, line_account_id)
        if account is None:
            return
        patient = service.describe(account, brand_key_of(session, work.keyring), work.settings.public_url)
        was_connected = any(one.check == "webhook" for one in read_findings(account.findings))
        is_wanted = account.checked_at is not None and not was_connected
    asked = ask_all(work.settings, patient, connect=is_wanted)
    with work.session() as session:
        try:
            account = lock_account(session, line_account_id)
        except NotFound:
            return
        if asked.is_reached or account.status == "unchecked":
            service.note_check(session, account, asked, work.now)


def _find(session: ScopedSession, line_account_id: UUID) -> LineAccount | None:
    account: LineAccount | None = session.exec(
        live_accounts().where(col(LineAccount.id) == line_account_id)
    ).one_or_none()
    return account


@periodic("*/5 * * * *")
def check_due_accounts(clock: Clockwork) -> None:
    """Defer the checks that are due, some of each brand: spread over the day, and no brand's in one go."""
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            if get_brand(session, brand_id).status == "deleting":
                continue
            most = max(AT_ONCE, count_accounts(session) // TIMES_A_DAY)
            for account_id in list_due_ids(session, clock.now, most):
                defer(session, check_account, once_key=f"check:{account_id}", line_account_id=account_id)


@periodic("23 * * * *")
def resume_backfills(clock: Clockwork) -> None:
    """Take up what a failed job has left: LINE was away for longer than a job is repeated."""
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            begun = select(LineAccount.id, LineAccount.backfill).where(
                col(LineAccount.archived_at).is_(None), col(LineAccount.backfill).is_not(None)
            )
            for account_id, backfill in session.exec(begun).all():
                if is_stuck(backfill, clock.now):
                    defer_backfill(session, account_id)

"""Work for later on customers."""

from datetime import datetime
from uuid import UUID

import structlog
from sqlmodel import col, select

from app.auth import brand_key_of
from app.customers.locks import lock_customers
from app.customers.models import Identity
from app.jobs.queue import Work, task
from app.line.client import LineClient, Profile
from app.line.errors import LineRateLimited, LineRefused
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession

log = structlog.get_logger("customers")


@task
def fetch_profile(work: Work, identity_id: UUID, line_account_id: UUID) -> None:
    """Read a friend's name and picture from LINE, by the account that knows her."""
    with work.session() as session:
        identity = session.exec(select(Identity).where(col(Identity.id) == identity_id)).one_or_none()
        account = session.exec(select(LineAccount).where(col(LineAccount.id) == line_account_id)).one_or_none()
        if identity is None or account is None or account.archived_at is not None:
            return
        key = brand_key_of(session, work.keyring)
        secret = key.unseal(bytes(account.sealed_secret), f"line_account.secret:{account.id}").decode()
        line_user_id = identity.line_user_id
    try:
        profile = LineClient(work.settings, account.channel_id, secret).get_profile(line_user_id)
    except LineRateLimited:
        raise
    except LineRefused as refused:
        # She has blocked the account meanwhile, or its credentials are wrong: the account's check says which.
        log.info("profile_refused", line_account_id=str(line_account_id), status=refused.status)
        return
    if profile is not None:
        with work.session() as session:
            _keep(session, identity_id, profile, work.now)


def _keep(session: ScopedSession, identity_id: UUID, profile: Profile, now: datetime) -> None:
    """Write a profile down, unless she was erased meanwhile."""
    identity = session.exec(select(Identity).where(col(Identity.id) == identity_id)).one_or_none()
    customers = lock_customers(session, [identity.customer_id] if identity else [])
    for customer in customers.values():
        assert identity is not None
        if (identity.display_name, identity.picture_url) != (profile.display_name, profile.picture_url):
            customer.updated_at = now
        identity.display_name = profile.display_name
        identity.picture_url = profile.picture_url
        identity.language = profile.language
        identity.profile_at = now

"""Work for later on customers."""

from datetime import datetime
from uuid import UUID

import structlog
from sqlmodel import col, select

from app.auth import brand_key_of
from app.customers.locks import lock_customers
from app.customers.models import Friend, Identity
from app.customers.queries import list_account_stores
from app.customers.service import tie_to_store
from app.jobs.queue import Work, defer, task
from app.line.client import LineClient, Profile
from app.line.errors import LineRateLimited, LineRefused
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.service import open_secret
from tenants.session import ScopedSession

log = structlog.get_logger("customers")
RETIED_AT_ONCE = 500


@task
def fetch_profile(work: Work, identity_id: UUID, line_account_id: UUID) -> None:
    """Read a friend's name and picture from LINE, by the account that knows her."""
    with work.session() as session:
        identity = session.exec(select(Identity).where(col(Identity.id) == identity_id)).one_or_none()
        account = session.exec(select(LineAccount).where(col(LineAccount.id) == line_account_id)).one_or_none()
        if identity is None or account is None or account.archived_at is not None:
            return
        secret = open_secret(account, brand_key_of(session, work.keyring))
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


@task
def retie_friends(work: Work, line_account_id: UUID) -> None:
    """After an account came to speak for other stores: let these see its friends. Ties to former stores stay."""
    while True:
        with work.session() as session:
            if not _retie_some(session, line_account_id):
                return


def defer_retie(session: ScopedSession, line_account_id: UUID) -> None:
    """Have `retie_friends` run, once however often it is asked for."""
    defer(session, retie_friends, once_key=f"retie:{line_account_id}", line_account_id=line_account_id)


def _retie_some(session: ScopedSession, line_account_id: UUID) -> int:
    stores = list_account_stores(session, line_account_id)
    nos = [store.no for store in stores]
    of_account = select(Friend).where(col(Friend.line_account_id) == line_account_id, col(Friend.store_nos) != nos)
    friends = session.exec(of_account.order_by(col(Friend.customer_id)).limit(RETIED_AT_ONCE)).all()
    customers = lock_customers(session, {friend.customer_id for friend in friends})
    for friend in friends:
        friend.store_nos = nos
        for store in stores:
            tie_to_store(session, customers[friend.customer_id], store)
    return len(friends)


def _keep(session: ScopedSession, identity_id: UUID, profile: Profile, now: datetime) -> None:
    """Write a profile down, unless she was erased meanwhile."""
    identity = session.exec(select(Identity).where(col(Identity.id) == identity_id)).one_or_none()
    customers = lock_customers(session, [identity.customer_id] if identity else [])
    for customer in customers.values():
        assert identity is not None
        if (identity.display_name, identity.picture_url) != (profile.display_name, profile.picture_url):
            customer.updated_at = customer.profile_updated_at = now
        identity.display_name = profile.display_name
        identity.picture_url = profile.picture_url
        identity.language = profile.language
        identity.profile_at = now

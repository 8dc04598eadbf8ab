"""Work for later on customers."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlmodel import col, select

from app.auth import brand_key_of
from app.customers import profiles
from app.customers.locks import lock_found
from app.customers.models import Friend, Identity
from app.customers.queries import find_friend_id, list_account_stores
from app.customers.summary import tie_to_store
from app.jobs.queue import Clockwork, Work, defer, periodic, task
from app.line.client import LineClient
from app.line.errors import LineError, LineRateLimited, LineUnavailable
from tenants.brands.queries import get_brand, list_brand_ids
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
        friend_id = find_friend_id(session, identity_id, line_account_id)
        if identity is None or account is None or friend_id is None or account.archived_at is not None:
            return
        secret = open_secret(account, brand_key_of(session, work.keyring))
        line_user_id = identity.line_user_id
    try:
        line = LineClient(work.settings, account.channel_id, secret, mode=account.mode)
        profile = line.get_profile(line_user_id)
    except (LineRateLimited, LineUnavailable):
        raise
    except LineError as refused:
        # Her id is none of this provider, or the account's credentials are wrong: the account's check says which.
        log.info("profile_refused", line_account_id=str(line_account_id), outcome=refused.outcome)
        return
    if profile is not None:  # else she has blocked the account meanwhile
        with work.session() as session:
            profiles.keep(session, [profiles.Asked(friend_id, profile, is_missing=False)], work.now)


@task
def refresh_profiles(work: Work) -> None:
    """Read some of a brand's profiles anew: names and pictures change."""
    profiles.refresh(work)


@periodic("2-57/5 * * * *")
def refresh_old_profiles(clock: Clockwork) -> None:
    """Have profiles read anew that are a month old, brand by brand."""
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            if get_brand(session, brand_id).status == "active" and profiles.is_any_due(session, clock.now):
                defer(session, refresh_profiles, once_key=f"profiles:{brand_id}")


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
    chosen = session.exec(of_account.order_by(col(Friend.customer_id)).limit(RETIED_AT_ONCE)).all()
    known = select(Friend).where(col(Friend.id).in_([friend.id for friend in chosen]))
    friends: Sequence[Friend] = ()

    def find() -> set[UUID]:
        nonlocal friends
        friends = session.exec(known.execution_options(populate_existing=True)).all()
        return {friend.customer_id for friend in friends}

    customers = lock_found(session, find)
    for friend in friends:
        friend.store_nos = nos
        for store in stores:
            tie_to_store(session, customers[friend.customer_id], store)
    return len(friends)

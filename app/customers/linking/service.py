"""LINE's account link: a nonce for somebody whom the brand knows, and LINE's word of who has used it."""

import secrets
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import col, select

from app.audit.service import follow
from app.customers.identity import Place, Sign, meet
from app.customers.joining.conflicts import note_conflict
from app.customers.joining.models import AccountLink
from app.customers.joining.service import merge
from app.customers.linking.proofs import (
    HERSELF,
    are_apart_at_line,
    have_line,
    is_based,
    is_unwilling,
    note_consent,
    note_herself,
    write_grounds,
    write_identity,
)
from app.customers.models import Friend, Identity
from app.customers.queries import get_customer
from app.jobs.queue import Work, defer, task
from app.keys import digest_of
from app.schemas import write_instant
from tenants.line_accounts.models import LineAccount
from tenants.problems import NotFound
from tenants.session import ScopedSession

SOURCE: Final = "account_link"
NONCE_LIVES: Final = timedelta(minutes=10)
"""As long as LINE's own link token."""
KEPT: Final = timedelta(days=30)
"""How long it is remembered that a nonce was used, or was not."""


def create_link(
    session: ScopedSession, customer_id: UUID, account: LineAccount, *, consented_at: datetime | None, now: datetime
) -> tuple[AccountLink, str]:
    """A link under way for a customer, and its nonce, which is kept as a digest only. Raises NotFound."""
    customer = get_customer(session, customer_id)
    nonce = secrets.token_urlsafe(32)
    link = AccountLink(
        created_at=now,
        nonce_digest=digest_of(nonce),
        customer_id=customer.id,
        line_account_id=account.id,
        consented_at=consented_at,
        expires_at=now + NONCE_LIVES,
    )
    session.add(link)
    session.flush()
    return link, nonce


def find_line_user_id(
    session: ScopedSession, account: LineAccount, *, friend_id: UUID | None, customer_id: UUID | None
) -> str:
    """The LINE user id at an account of one of its friends, or of a customer. Raises NotFound."""
    hers = (
        select(Identity.line_user_id)
        .join(Friend, col(Friend.identity_id) == col(Identity.id))
        .where(col(Friend.line_account_id) == account.id)
    )
    if friend_id is not None:
        hers = hers.where(col(Friend.id) == friend_id)
    if customer_id is not None:
        hers = hers.where(col(Friend.customer_id) == get_customer(session, customer_id).id)
    # Of one who has been joined with another person's account there may be two: the one she uses now.
    newest = hers.order_by(col(Friend.changed_at).desc(), col(Friend.id).desc()).limit(1)
    line_user_id = session.exec(newest).one_or_none()
    if line_user_id is None:
        raise NotFound
    return line_user_id


def note_linked(session: ScopedSession, place: Place, sign: Sign, nonce: str, now: datetime) -> bool:
    """She came back from LINE's dialogue with a nonce of ours: it is used up, and a job joins the two.

    Whether the nonce was good: one that is unknown, over or used says nothing. LINE's time of the event decides.
    """
    link = _lock_link(session, place.account.id, nonce)
    if link is None or link.used_at is not None or link.failed_at is not None or sign.occurred_at > link.expires_at:
        return False
    link.used_at = now
    person = meet(session, place, sign)
    defer(session, join_linked, account_link_id=link.id, identity_id=person.identity.id)
    return True


def note_failed(session: ScopedSession, line_account_id: UUID, nonce: str, now: datetime) -> bool:
    """Somebody else opened the link, which spoils it. Whether it is a link of ours that was open."""
    link = _lock_link(session, line_account_id, nonce)
    if link is None or link.used_at is not None or link.failed_at is not None:
        return False
    link.failed_at = now
    return True


def _lock_link(session: ScopedSession, line_account_id: UUID, nonce: str) -> AccountLink | None:
    link = select(AccountLink).where(
        col(AccountLink.nonce_digest) == digest_of(nonce), col(AccountLink.line_account_id) == line_account_id
    )
    return session.exec(link.with_for_update(key_share=True)).one_or_none()


@task
def join_linked(work: Work, account_link_id: UUID, identity_id: UUID) -> None:
    """Join the customer who was given a nonce with whomever LINE says has used it, or list why not."""
    with work.session() as session:
        _join_linked(session, account_link_id, identity_id, work.now)


def _join_linked(session: ScopedSession, account_link_id: UUID, identity_id: UUID, now: datetime) -> None:
    link = session.exec(select(AccountLink).where(col(AccountLink.id) == account_link_id)).one_or_none()
    identity = session.exec(select(Identity).where(col(Identity.id) == identity_id)).one_or_none()
    if link is None or identity is None or link.used_at is None:
        return
    try:
        known, come = get_customer(session, link.customer_id).id, get_customer(session, identity.customer_id).id
    except NotFound:  # erased meanwhile
        return
    if known == come:
        return
    if are_apart_at_line(session, known, come):
        note_conflict(session, [known, come], ["line_user_id"], source=SOURCE, now=now)
    elif is_unwilling(session, [known, come], link.consented_at) or (
        have_line(session, [known, come]) and not is_based(session, link.consented_at)
    ):
        note_conflict(session, [known, come], ["joining_basis"], source=SOURCE, now=now)
    else:
        proof = {
            "identities": [write_identity(session, identity)],
            "linked_at": write_instant(link.used_at),
            **write_grounds(session, link.consented_at, wording=None),
        }
        follow(session)
        row = merge(session, come, known, source=SOURCE, proof=proof, merged_by=None, now=now)
        note_consent(session, row, link.consented_at, now, wording=None)  # the brand's own page asked her
        note_herself(session, row, HERSELF, now)

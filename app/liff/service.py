"""Who LINE has proven somebody to be, and joining what she has proven to be hers."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlmodel import col, select

from app.audit.service import Actor, follow
from app.customers.events import CustomerCreated
from app.customers.identity import name_of
from app.customers.joining.conflicts import note_conflict
from app.customers.joining.queries import find_parting
from app.customers.joining.service import merge
from app.customers.linking.proofs import (
    Proven,
    are_apart_at_line,
    is_based,
    is_unwilling,
    note_consent,
    note_herself,
    write_grounds,
    write_proven,
)
from app.customers.locks import lock_customers, lock_names
from app.customers.models import Customer, Friend, Identity
from app.customers.profiles import keep_profile
from app.customers.queries import STRONG_KEYS
from app.events.service import record
from app.liff.sessions import Proof
from app.line.client import Profile
from tenants.ids import uuid7
from tenants.line_accounts.models import LineAccount
from tenants.problems import Invalid
from tenants.session import ScopedSession

if TYPE_CHECKING:
    from app.line.login import LineIdentity

JOINS_WITHIN: Final = timedelta(hours=1)
"""How long a proof may be joined with the next one; it goes on proving whose session it is."""
Open = Callable[[], AbstractContextManager[ScopedSession]]
"""Opens a transaction of the whole brand, committed at the end."""


def recognise(session: ScopedSession, accounts: Sequence[LineAccount], who: "LineIdentity", now: datetime) -> Identity:
    """The identity of whoever has signed in at a Login channel of these accounts, of one provider.

    Whom the brand did not know becomes its customer: she has come by herself. Where an id stands for several
    customers, it is the one at these accounts.
    """
    provider_id = accounts[0].provider_id
    lock_names(session, [name_of(provider_id, who.user_id)])
    known = _list_same(session, provider_id, who.user_id)
    identity = _choose(session, known, accounts) if known else _welcome(session, provider_id, who.user_id, now)
    if identity.profile_at is None and who.display_name is not None:
        customer = lock_customers(session, [identity.customer_id]).get(identity.customer_id)
        if customer is not None:
            shown = Profile(who.user_id, who.display_name, who.picture_url, identity.language)
            keep_profile(customer, identity, shown, now)
    session.flush()
    return identity


def _list_same(session: ScopedSession, provider_id: str, line_user_id: str) -> Sequence[Identity]:
    """The identities of one LINE user id: the one that stands at every account first."""
    same = select(Identity).where(col(Identity.provider_id) == provider_id, col(Identity.line_user_id) == line_user_id)
    return session.exec(same.order_by(col(Identity.account_no).nulls_first(), col(Identity.id))).all()


def _choose(session: ScopedSession, known: Sequence[Identity], accounts: Sequence[LineAccount]) -> Identity:
    nos = {account.no for account in accounts}
    at_accounts = select(Friend.identity_id).where(
        col(Friend.identity_id).in_([one.id for one in known]), col(Friend.account_no).in_(nos)
    )
    met = set(session.exec(at_accounts).all())
    return min(known, key=lambda one: (one.id not in met, one.account_no is not None, one.id))


def _welcome(session: ScopedSession, provider_id: str, line_user_id: str, now: datetime) -> Identity:
    customer = Customer(id=uuid7(), created_at=now, updated_at=now)
    identity = Identity(
        id=uuid7(), created_at=now, customer_id=customer.id, provider_id=provider_id, line_user_id=line_user_id
    )
    session.add(customer)
    session.flush()
    session.add(identity)
    session.flush()
    record(session, CustomerCreated(occurred_at=now, customer_id=customer.id, source="line"))
    return identity


def read_proven(session: ScopedSession, proofs: Sequence[Proof]) -> list[Proven]:
    """What a session has proven, in its order; an identity that is gone proves nothing any more."""
    ids = [one.identity_id for one in proofs]
    found = {row.id: row for row in session.exec(select(Identity).where(col(Identity.id).in_(ids))).all()}
    return [
        Proven(found[one.identity_id], one.login_channel_id, one.proven_at)
        for one in proofs
        if one.identity_id in found
    ]


def narrow(proven: Sequence[Proven], newest: Proven) -> list[Proven]:
    """What may go together with a new proof.

    LINE gives a person one id in a provider, so another one there is of somebody else who used this browser, and all
    that was proven before is hers. And what was proven long ago joins nobody: the phone may be in other hands by now,
    or the session in a thief's, who would be her for good.
    """
    mine = newest.identity
    for one in proven:
        if one.identity.provider_id == mine.provider_id and one.identity.line_user_id != mine.line_user_id:
            return [newest]
    since = newest.proven_at - JOINS_WITHIN
    kept = [one for one in proven if one.proven_at > since or one.identity.customer_id == mine.customer_id]
    return [*(one for one in kept if one.identity.id != mine.id), newest]


def list_people(session: ScopedSession, proven: Sequence[Proven]) -> list[UUID]:
    """The customers for whom the proven ids stand, each once: also those at single accounts."""
    found = [
        identity.customer_id
        for one in proven
        for identity in _list_same(session, one.identity.provider_id, one.identity.line_user_id)
    ]
    return list(dict.fromkeys(found))


def join_proven(
    open_brand: Open,
    proven: Sequence[Proven],
    *,
    source: str,
    consented_at: datetime | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Make one customer of all whom the proven ids stand for, each join in a transaction of its own.

    Nobody is joined without a basis of the brand's or her consent. Who is another person by what LINE told at some
    other provider is listed for head office; whom somebody has taken apart stays so, until she proves both anew and
    agrees.
    """
    with open_brand() as session:
        people = list_people(session, proven)
        if len(people) < 2 or not is_based(session, consented_at):
            return
        proof: dict[str, Any] = {
            "identities": [write_proven(session, one) for one in proven],
            **write_grounds(session, consented_at),
        }
        into = choose_survivor(session, people)
    agreed_at = min([consented_at, *(one.proven_at for one in proven)]) if consented_at is not None else None
    for customer_id in people:
        if customer_id == into:
            continue
        with open_brand() as session:
            is_other = are_apart_at_line(session, customer_id, into)
            if is_other:
                note_conflict(session, [customer_id, into], ["line_user_id"], source=source, now=now)
            parted_at = find_parting(session, customer_id, into)
            is_against_it = is_unwilling(session, [customer_id, into], consented_at)
        if is_other or is_against_it or (parted_at is not None and (agreed_at is None or agreed_at <= parted_at)):
            continue
        join(open_brand, customer_id, into, source=source, proof=proof, consented_at=consented_at, actor=actor, now=now)


def join(
    open_brand: Open,
    from_id: UUID,
    into_id: UUID,
    *,
    source: str,
    proof: Mapping[str, Any],
    consented_at: datetime | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Make two customers one in a transaction of its own; nothing, where another request has done so meanwhile."""
    with suppress(Invalid), open_brand() as session:
        follow(session)
        row = merge(session, from_id, into_id, source=source, proof=proof, merged_by=None, now=now)
        note_consent(session, row, consented_at, now)
        note_herself(session, row, actor, now)


def choose_survivor(session: ScopedSession, people: Sequence[UUID]) -> UUID:
    """Who stays: one whom the brand has given a number or an id of its own, else whom it has known longest."""
    rows = session.exec(select(Customer).where(col(Customer.id).in_(people))).all()
    return min(rows, key=lambda row: (all(getattr(row, key) is None for key in STRONG_KEYS), row.id)).id


def proofs_of(proven: Sequence[Proven]) -> tuple[Proof, ...]:
    """What a session keeps of these."""
    return tuple(Proof(one.identity.id, one.login_channel_id, one.proven_at) for one in proven)

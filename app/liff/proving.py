"""From an ID token to a session of one person: who she is, who else she has proven to be, and joining these."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from fastapi import Request

from app.audit.requests import actor_of
from app.audit.service import Actor
from app.auth import brand_key_of
from app.customers.linking.proofs import HERSELF, Proven
from app.customers.models import Customer
from app.customers.queries import find_display_name, get_customer
from app.liff import service
from app.liff.places import LoginPlace, ask_who, list_naming, open_brand
from app.liff.sessions import LiffSession, end_session, hand_session, read_session
from tenants.problems import NotFound
from tenants.scope import Scope
from tenants.session import open_session

NOT_JOINED: Final = (
    "What you do at these LINE accounts is not joined yet: it needs your consent, or a look by head office.",
    "これらのLINEアカウントは、まだひとつになっていません。同意していただくか、本部での確認が必要です。",
)


@dataclass(frozen=True)
class Standing:
    """A person and what is proven of her, and the session that says so."""

    brand_id: UUID
    customer: Customer
    display_name: str | None
    proven: tuple[Proven, ...]
    token: str
    expires_at: datetime
    is_joined: bool
    """Whether all that is proven is one customer's."""


def prove(
    request: Request,
    place: LoginPlace,
    id_token: str,
    *,
    nonce: str | None,
    kept: LiffSession | None,
    source: str,
    consented_at: datetime | None,
    now: datetime,
) -> Standing:
    """Add what an ID token proves to what a session of this brand has proven already, and join what is hers.

    Raises IdTokenRefused.
    """
    who = ask_who(place, id_token, nonce, now)
    with open_brand(request, place.brand_id) as session:
        accounts = list_naming(session, place.login_channel_id)
        if not accounts:
            raise NotFound
        identity = service.recognise(session, accounts, who, now)
        earlier = service.read_proven(session, kept.proofs if kept and kept.brand_id == place.brand_id else ())
        newest = Proven(identity, place.login_channel_id, now)
        proven = service.narrow(earlier, newest)
        session.flush()
        session.expire_on_commit = False
    opening = partial(open_brand, request, place.brand_id)
    actor = herself(request)
    service.join_proven(opening, proven, source=source, consented_at=consented_at, actor=actor, now=now)
    return _stand(request, place.brand_id, LiffSession(place.brand_id, service.proofs_of(proven)), now)


def herself(request: Request) -> Actor:
    """Who makes this request, as the audit log names her."""
    return actor_of(request, HERSELF.kind, None, HERSELF.name)


def read_standing(request: Request, now: datetime, session: LiffSession | None = None) -> Standing | None:
    """Who uses this browser, and her session renewed; None where nothing is proven any more."""
    found = session or read_session(request, now)
    if found is None:
        return None
    try:
        return _stand(request, found.brand_id, found, now)
    except NotFound:
        end_session(request)
        return None


def _stand(request: Request, brand_id: UUID, found: LiffSession, now: datetime) -> Standing:
    """How she stands now. Raises NotFound where she was erased."""
    with open_session(request.app.state.engine, Scope(brand_id)) as session:
        proven = service.read_proven(session, found.proofs)
        if not proven:
            raise NotFound
        customer = get_customer(session, proven[-1].identity.customer_id)
        kept = LiffSession(brand_id, service.proofs_of(proven))
        token, expires_at = hand_session(request, kept, brand_key_of(session, request.app.state.keyring), now)
        people = service.list_people(session, proven)
        shown = find_display_name(session, customer.id)
        session.expunge_all()
        return Standing(brand_id, customer, shown, tuple(proven), token, expires_at, len(people) == 1)

"""Recognising somebody by what she knows: her card's number, her phone, what a till calls her.

Typed knowledge is weak: whoever finds a card knows its number. So two things must name the same one customer, wrong
attempts are few, and all of them are answered alike. Where less agrees, head office is told that there may be one
person where there are two, and decides.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from fastapi import Request
from sqlalchemy import text
from sqlmodel import col, select

from app.customers.joining.conflicts import note_conflict
from app.customers.joining.external import map_named
from app.customers.joining.problems import JoiningNeedsBasis
from app.customers.joining.queries import find_parting
from app.customers.linking.proofs import are_apart_at_line, is_based, is_unwilling, write_grounds, write_proven
from app.customers.models import Customer
from app.customers.queries import STRONG_KEYS, is_present, list_by_key
from app.liff.places import open_brand
from app.liff.problems import GuessesSpent, NotRecognised
from app.liff.proving import Standing, herself
from app.liff.schemas import Claim
from app.liff.service import join
from app.schemas import write_instant
from tenants.problems import Invalid
from tenants.sealing import Keyring
from tenants.session import ScopedSession

MOST_WRONG: Final = 5
WINDOW: Final = timedelta(hours=1)
ENOUGH: Final = 2
"""Things that must agree."""
SOURCES: Final = {
    "member_number": "member_card",
    "external_id": "external_id",
    "external_ids": "external_id",
    "phone": "phone",
    "email": "email",
}
"""What a join is said to come of, by the first of the keys that were given."""


def join_known(request: Request, brand_id: UUID, standing: Standing, claim: Claim, now: datetime) -> None:
    """Join her with the one customer whom all that she says names.

    Raises NotRecognised, GuessesSpent, JoiningNeedsBasis, and Invalid where she says nothing by which one is found.
    """
    keys = [name for name in SOURCES if getattr(claim, name)]
    if not keys:
        raise Invalid.at("", "Give at least one of member_number, external_id, external_ids, phone and email.")
    consented_at = now if claim.consent else None
    proven = standing.proven[-1]
    opening = partial(open_brand, request, brand_id)
    with opening() as session:
        # Before anything is looked up: else the answer would tell that it was right.
        if not is_based(session, consented_at) or is_unwilling(session, [standing.customer.id], consented_at):
            raise JoiningNeedsBasis
        wait = _take_guess(session, proven.identity.id, now)
    if wait is not None:
        raise GuessesSpent(wait)
    with opening() as session:
        found = _find_named(session, claim, keys)
        mine = standing.customer.id
        agreed = set.intersection(*found.values())
        said = len(keys) + (claim.birthday_on is not None)
        named = agreed.pop() if len(agreed) == 1 else None
        is_known = named is not None and said >= ENOUGH and _is_born(session, named, claim)
        if named is None or not is_known or (named != mine and _is_apart(session, mine, named, consented_at)):
            others = sorted(set.union(*found.values()) - {mine})[:3]
            for other in others:
                note_conflict(session, [mine, other], keys, source=_source(keys), now=now)
            named = None
        proof = {
            "keys": _digest(request, brand_id, claim, keys),
            "identities": [write_proven(session, proven)],
            "known_at": write_instant(now),
            **write_grounds(session, consented_at),
        }
    if named is None:
        raise NotRecognised
    if named != mine:
        # She whom the brand's keys name stays: tills and cards go on naming her.
        join(
            opening,
            mine,
            named,
            source=_source(keys),
            proof=proof,
            consented_at=consented_at,
            actor=herself(request),
            now=now,
        )
    with opening() as session:
        _give_guess_back(session, proven.identity.id)


def _source(keys: Sequence[str]) -> str:
    return SOURCES[keys[0]]


def _find_named(session: ScopedSession, claim: Claim, keys: Sequence[str]) -> dict[str, set[UUID]]:
    """Whom each key names; a phone may name a family."""
    found = {key: set(list_by_key(session, key, getattr(claim, key))) for key in keys if key != "external_ids"}
    if "external_ids" in keys:
        # What stands there under the name of a key is that key, which would be one thing said twice.
        names = [(one.system, one.value) for one in claim.external_ids if one.system not in STRONG_KEYS]
        known = map_named(session, names)
        owners = {customer_id for customer_id in known.values() if customer_id is not None}
        found["external_ids"] = owners if len(known) == len(set(names)) else set()
    return found


def _is_born(session: ScopedSession, customer_id: UUID, claim: Claim) -> bool:
    """Whether she is there, and born on the day that was said, if one was."""
    row = session.exec(select(Customer).where(col(Customer.id) == customer_id, is_present())).one_or_none()
    return row is not None and claim.birthday_on in (None, row.birthday_on)


def _is_apart(session: ScopedSession, mine: UUID, named: UUID, consented_at: datetime | None) -> bool:
    """Whether the one who was named stays apart: LINE says that she is another person, somebody took the two apart, or
    she does not want to be joined."""
    return (
        are_apart_at_line(session, mine, named)
        or find_parting(session, mine, named) is not None
        or is_unwilling(session, [mine, named], consented_at)
    )


def _digest(request: Request, brand_id: UUID, claim: Claim, keys: Sequence[str]) -> dict[str, Any]:
    """What a proof keeps of what was said: digests that only this installation can make, since phones can be tried."""
    keyring: Keyring = request.app.state.keyring
    said = claim.model_dump(mode="json", include={*keys, "birthday_on"}, exclude_none=True)
    return {name: keyring.sign(f"liff.claim:{brand_id}:{name}:{value}".encode()).hex() for name, value in said.items()}


def _take_guess(session: ScopedSession, identity_id: UUID, now: datetime) -> int | None:
    """Count an attempt as wrong until it proves right; None, or the seconds until another one may be made."""
    values = {
        "brand_id": session.scope.brand_id, "identity_id": identity_id, "now": now, "over": now - WINDOW,
        "most": MOST_WRONG,
    }  # fmt: skip
    wrong, window_at = session.execute(_GUESS, values).one()
    if wrong <= MOST_WRONG:
        return None
    return max(1, int((window_at + WINDOW - now).total_seconds()))


# The row stays locked until the commit, so that attempts at once are counted one after another.
_GUESS = text(
    """
    INSERT INTO link_guess AS kept (brand_id, identity_id, window_at, wrong) VALUES (:brand_id, :identity_id, :now, 1)
    ON CONFLICT (brand_id, identity_id) DO UPDATE
    SET window_at = CASE WHEN kept.window_at <= :over THEN excluded.window_at ELSE kept.window_at END,
        wrong = CASE WHEN kept.window_at <= :over THEN 1 ELSE least(kept.wrong, :most) + 1 END
    RETURNING wrong, window_at
    """
)


def _give_guess_back(session: ScopedSession, identity_id: UUID) -> None:
    """Count an attempt as right. Wrong ones stay counted: who may name herself in between could guess for ever."""
    values = {"brand_id": session.scope.brand_id, "identity_id": identity_id}
    session.execute(_RIGHT, values)
    session.execute(_NONE_LEFT, values)


_OF_IDENTITY: Final = "WHERE brand_id = :brand_id AND identity_id = :identity_id"
_RIGHT = text(f"UPDATE link_guess SET wrong = wrong - 1 {_OF_IDENTITY}")
_NONE_LEFT = text(f"DELETE FROM link_guess {_OF_IDENTITY} AND wrong <= 0")

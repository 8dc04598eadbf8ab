"""What a till reads, whatever it is: a copy's code, a card or a member number, printed, typed or shown on a phone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.cards.numbers import find_number
from app.cards.queries import find_by_number
from app.coupons import guessing, queries, rotating
from app.coupons.codes import find_code
from app.coupons.guessing import Guesser
from app.coupons.problems import CodeStale
from app.customers.models import Customer
from app.customers.queries import map_present
from tenants.sealing import BrandKey
from tenants.session import ScopedSession

OpenKey = Callable[[], BrandKey]
"""Opens the brand's key. It is asked only for what changes every 30 seconds: most codes need none."""


@dataclass(frozen=True)
class Scanned:
    """What was read, and whose it is."""

    kind: Literal["copy", "card"]
    code: str
    """A copy's code, or the number of a card or of a member."""
    customer: Customer
    is_shown: bool
    """Whether she must have shown it herself. A number is printed, and easy to guess: it opens no coupon."""


def find_scanned(
    session: ScopedSession, open_key: OpenKey, typed: str, now: datetime, *, guesser: Guesser | None = None
) -> Scanned:
    """Whose code, card or number this is. Needs a session of the whole brand.

    Raises NotFound, also for a forged picture and for one of somebody erased; CodeStale for an old picture;
    TooManyUnknownCodes to a guesser who has been wrong too often.
    """
    bare = read_typed(open_key, typed, now)
    found = _find_copy(session, bare) if bare is not None else None
    if found is None and bare is not None:
        if bare == typed:
            guessing.refuse_numbers(session, guesser, now)
        found = _find_person(session, bare, is_shown=bare != typed)
    if found is None:
        raise guessing.unknown(session, guesser, now)
    return found


def read_typed(open_key: OpenKey, typed: str, at: datetime | None) -> str | None:
    """What was typed or scanned, without the proof that comes with a picture; None where that proof is forged.

    Raises CodeStale where the picture was old at that moment; None does not ask how old it was.
    """
    shown = rotating.read(typed)
    if shown is None:
        return typed
    if not rotating.is_true(open_key(), shown):
        return None
    if at is not None and not rotating.is_current(shown, at):
        raise CodeStale
    return shown.code


def _find_copy(session: ScopedSession, bare: str) -> Scanned | None:
    code = find_code(bare)
    customer = queries.find_holder(session, code) if code is not None else None
    return Scanned("copy", code, customer, is_shown=True) if code is not None and customer is not None else None


def _find_person(session: ScopedSession, bare: str, *, is_shown: bool) -> Scanned | None:
    number = find_number(bare)
    card = find_by_number(session, number) if number is not None else None
    if card is not None:
        customer = map_present(session, [card.customer_id]).get(card.customer_id)
        return Scanned("card", card.number, customer, is_shown) if customer is not None else None
    member = bare.strip()
    customer = queries.find_member(session, member) if not is_shown else None
    return Scanned("card", member, customer, is_shown=False) if customer is not None else None


def get_copy_code(
    session: ScopedSession,
    open_key: OpenKey | None,
    typed: str,
    at: datetime | None,
    *,
    guesser: Guesser | None = None,
    now: datetime,
) -> str:
    """The code of a copy as its row has it, from what was typed or scanned, if it can be one.

    Raises as `find_scanned` does.
    """
    bare = read_typed(open_key, typed, at) if open_key is not None else typed
    code = find_code(bare) if bare is not None else None
    if code is None:
        raise guessing.unknown(session, guesser, now)
    return code

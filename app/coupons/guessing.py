"""Whoever asks for codes that nobody has, again and again, is guessing: he is counted, and soon kept waiting.

A code of a copy is one in 2⁶⁰, and what a phone shows cannot be made at all, so both are answered whoever asks: an
honest till goes on. Numbers of members and cards are short, so to a guesser even the true ones are refused.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from app.coupons.incidents import CodeGuess
from app.coupons.problems import TooManyUnknownCodes
from tenants.ids import uuid7
from tenants.problems import NotFound, Problem
from tenants.session import ScopedSession

KEPT: Final = timedelta(days=30)
"""For how long it stays known who guessed."""


@dataclass(frozen=True)
class Guesser:
    """Who reads codes, by the credential or device, at which store, and how often a minute it may be wrong there."""

    id: UUID
    store_no: int | None
    most: int


def refuse_numbers(session: ScopedSession, guesser: Guesser | None, now: datetime) -> None:
    """Raises TooManyUnknownCodes to whom even true numbers are refused until the minute ends."""
    if guesser is not None and _count(session, guesser, now) >= guesser.most:
        raise _too_many(now).leaving(lambda later: note(later, guesser, 1, now))


def unknown(session: ScopedSession, guesser: Guesser | None, now: datetime) -> Problem:
    """What to say of a code that nobody has. It is counted once the request has been refused."""
    if guesser is None:
        return NotFound()
    problem = say_unknown(session, guesser, now)
    return problem.leaving(lambda later: note(later, guesser, 1, now))


def say_unknown(session: ScopedSession, guesser: Guesser | None, now: datetime, *, met: int = 0) -> Problem:
    """The same without counting, where `met` more have come in this call."""
    if guesser is not None and _count(session, guesser, now) + met >= guesser.most:
        return _too_many(now)
    return NotFound()


def note(session: ScopedSession, guesser: Guesser, guesses: int, now: datetime) -> None:
    """Count wrong guesses of this minute, and forget those of long ago."""
    values = {
        "brand_id": session.scope.brand_id,
        "id": uuid7(),
        "guesser_id": guesser.id,
        "store_no": guesser.store_no,
        "minute_at": _minute(now),
        "guesses": guesses,
        "now": now,
        "before": now - KEPT,
    }
    session.execute(_NOTE, values)
    session.execute(_FORGET, values)


def _count(session: ScopedSession, guesser: Guesser, now: datetime) -> int:
    guesses = select(CodeGuess.guesses).where(
        col(CodeGuess.guesser_id) == guesser.id,
        col(CodeGuess.store_no).is_not_distinct_from(guesser.store_no),
        col(CodeGuess.minute_at) == _minute(now),
    )
    return session.exec(guesses).one_or_none() or 0


def _too_many(now: datetime) -> TooManyUnknownCodes:
    return TooManyUnknownCodes(retry_after_seconds=60 - now.second)


def _minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)


_NOTE = text(
    """
    INSERT INTO code_guess AS known (brand_id, id, created_at, guesser_id, store_no, minute_at, guesses)
    VALUES (:brand_id, :id, :now, :guesser_id, :store_no, :minute_at, :guesses)
    ON CONFLICT (brand_id, guesser_id, store_no, minute_at) DO UPDATE SET guesses = known.guesses + excluded.guesses
    """
)
_FORGET = text("DELETE FROM code_guess WHERE brand_id = :brand_id AND minute_at < :before")

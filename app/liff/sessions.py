"""A person's session on our pages: what LINE has proven of her, sealed, in her own browser.

Nothing of it is stored. It names identities by our own ids, so it says nothing to whoever finds it, and is worth
nothing once she is erased. A proof counts for twelve hours, as long as LINE lets a LIFF app's token live; a session
that nobody uses ends sooner.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from fastapi import Request

from app import sessions as browser
from app.liff.sealed import open_sealed, write_sealed
from app.sessions import RequestForged
from tenants.sealing import BrandKey

PROOF_LIVES: Final = timedelta(hours=12)
IDLE_LIVES: Final = timedelta(hours=2)
PREFIX: Final = "nrn_liff_"
LONGEST: Final = 3_900
"""What a browser keeps in one cookie."""
MOST_PROOFS: Final = 10
_COOKIE: Final = "-liff"
_PURPOSE: Final = "liff.session"


@dataclass(frozen=True)
class Proof:
    """An identity for which LINE vouched, by which Login channel, and when."""

    identity_id: UUID
    login_channel_id: str
    proven_at: datetime


@dataclass(frozen=True)
class LiffSession:
    """What is proven in this browser of one person of a brand; the newest proof comes last."""

    brand_id: UUID
    proofs: tuple[Proof, ...]
    by_cookie: bool = True

    def expires_at(self, now: datetime) -> datetime:
        """When it ends, if it is not used again."""
        last = max(proof.proven_at for proof in self.proofs)
        return min(now + IDLE_LIVES, last + PROOF_LIVES)


def read_session(request: Request, now: datetime) -> LiffSession | None:
    """The live session that a request carries: in `Authorization: Bearer`, else in the cookie.

    Raises RequestForged for a cookie that comes with what another site has sent.
    """
    bearer = request.headers.get("authorization", "")
    if bearer:
        scheme, _, token = bearer.partition(" ")
        return _open(request, token.strip(), now, by_cookie=False) if scheme.lower() == "bearer" else None
    token = request.cookies.get(browser.cookie_name(request.app.state.settings, _COOKIE), "")
    found = _open(request, token, now, by_cookie=True)
    if found is not None and request.method not in browser.SAFE_METHODS:
        if "origin" not in request.headers:
            raise RequestForged  # browsers name it with everything that changes something
        browser.refuse_other_sites(request)
    return found


def hand_session(request: Request, session: LiffSession, key: BrandKey, now: datetime) -> tuple[str, datetime]:
    """Give the browser this session, renewed: its token, and when it ends."""
    expires_at = session.expires_at(now)
    proofs = [[one.identity_id, one.login_channel_id, one.proven_at.timestamp()] for one in session.proofs]
    values = {"proofs": proofs, "until": expires_at.timestamp()}
    token = PREFIX + write_sealed(session.brand_id, key, values, _PURPOSE)
    browser.set_cookie(request, _COOKIE, token, max(0, int((expires_at - now).total_seconds())))
    return token, expires_at


def end_session(request: Request) -> None:
    """Have the browser forget its session."""
    browser.set_cookie(request, _COOKIE, "", 0)


def keep(proofs: Sequence[Proof], newest: Proof) -> tuple[Proof, ...]:
    """These proofs and a new one, which takes the place of an older one of the same identity."""
    others = [one for one in proofs if one.identity_id != newest.identity_id]
    return (*others[-(MOST_PROOFS - 1) :], newest)


def _open(request: Request, token: str, now: datetime, *, by_cookie: bool) -> LiffSession | None:
    if not token.startswith(PREFIX) or len(token) > LONGEST or not token.isascii():
        return None
    opened = open_sealed(request, token.removeprefix(PREFIX), _PURPOSE)
    if opened is None:
        return None
    brand_id, written = opened
    if datetime.fromtimestamp(written["until"], UTC) <= now:
        return None
    proofs = [Proof(UUID(one[0]), one[1], datetime.fromtimestamp(one[2], UTC)) for one in written["proofs"]]
    live = tuple(one for one in proofs if one.proven_at + PROOF_LIVES > now)
    return LiffSession(brand_id, live, by_cookie) if live else None

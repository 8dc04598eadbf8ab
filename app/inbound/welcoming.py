"""The welcome of those who follow an account of the brand for the first time."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import or_
from sqlmodel import col, select

from app.coupons.issuing import Via
from app.coupons.models import Coupon
from app.coupons.occasions import Newcomer, find_welcome, welcome
from app.customers.identity import Place
from app.customers.models import Friend
from tenants.session import ScopedSession


@dataclass
class Turn:
    """What the events of one turn share."""

    place: Place
    now: datetime
    newcomers: list[Newcomer] = field(default_factory=list)
    """Who followed for the first time in this turn, where the brand gives a welcome."""
    _welcome: Coupon | None = None
    _is_found: bool = False

    def find_welcome(self, session: ScopedSession) -> Coupon | None:
        """The brand's welcome, asked for once and only where somebody is new."""
        if not self._is_found:
            self._welcome, self._is_found = find_welcome(session), True
        return self._welcome


def is_newcomer(session: ScopedSession, place: Place, line_user_id: str) -> bool:
    """Whether she has never been a friend of any account of the brand, as far as it knows; having written is no tie."""
    person = place.people.get(line_user_id)
    if person is None:
        return True
    befriended = select(Friend.id).where(
        col(Friend.customer_id) == person.customer.id,
        or_(
            col(Friend.followed_at).is_not(None),
            col(Friend.status) != "unknown",
            col(Friend.source).not_in(("message",)),
        ),
    )
    return session.exec(befriended.limit(1)).first() is None


def welcome_newcomers(session: ScopedSession, turn: Turn) -> None:
    """Give the newcomers of a turn the welcome, at its end: the coupon's counter is the last lock that it takes."""
    coupon = turn.find_welcome(session) if turn.newcomers else None
    if coupon is not None:
        via = Via(turn.place.account.no, turn.place.store_no)
        welcome(session, coupon, turn.newcomers, via=via, now=turn.now)

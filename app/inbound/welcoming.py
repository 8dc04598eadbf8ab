"""What the events of one turn share, the welcome of those who are new, and what auto-replies say."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import or_
from sqlmodel import col, select

from app.auto_replies.answering import answer
from app.auto_replies.matching import Waiting, find_match
from app.auto_replies.models import AutoReply
from app.auto_replies.queries import list_live
from app.coupons.issuing import Via
from app.coupons.models import Coupon
from app.coupons.occasions import Newcomer, find_welcome, welcome
from app.customers.identity import Place
from app.customers.models import Customer, Friend
from app.inbound.forward.queries import find_forward
from app.inbound.models import LineReply
from tenants.brands.queries import get_brand
from tenants.session import ScopedSession
from tenants.stores.queries import has_places


@dataclass(frozen=True)
class Asked:
    """An answer of an auto-reply for which it is still to be found out what it says."""

    reply: LineReply
    auto_reply: AutoReply
    customer: Customer


@dataclass
class Turn:
    """What the events of one turn share."""

    place: Place
    now: datetime
    newcomers: list[Newcomer] = field(default_factory=list)
    """Who followed for the first time in this turn, where the brand gives a welcome."""
    asked: list[Asked] = field(default_factory=list)
    """What is answered by auto-replies whose words depend on a coupon or on the weather."""
    _welcome: Coupon | None = None
    _is_found: bool = False
    _answers_places: bool | None = None
    _auto_replies: Sequence[Waiting] | None = None
    _zone: ZoneInfo | None = None

    def find_welcome(self, session: ScopedSession) -> Coupon | None:
        """The brand's welcome, asked for once and only where somebody is new."""
        if not self._is_found:
            self._welcome, self._is_found = find_welcome(session), True
        return self._welcome

    def answers_places(self, session: ScopedSession) -> bool:
        """Whether who sends her place is told the nearest stores: where the brand wants it and has said where any lie,
        and no other tool gets the account's calls, which perhaps answers her by itself."""
        if self._answers_places is None:
            forward = find_forward(session, self.place.account.id)
            is_wanted = get_brand(session, session.scope.brand_id).location_reply
            self._answers_places = is_wanted and (forward is None or not forward.active) and has_places(session)
        return self._answers_places

    def find_auto_reply(
        self, session: ScopedSession, *, said: str | None = None, postback_data: str | None = None
    ) -> AutoReply | None:
        """The auto-reply that answers a text or a postback; the brand's are read once."""
        if self._auto_replies is None:
            self._auto_replies = [Waiting.of(one) for one in list_live(session)]
        if not self._auto_replies:
            return None
        if self._zone is None:
            self._zone = ZoneInfo(get_brand(session, session.scope.brand_id).timezone)
        place = self.place.account.id
        return find_match(
            self._auto_replies, place, text=said, postback_data=postback_data, zone=self._zone, now=self.now
        )


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


def answer_asked(session: ScopedSession, turn: Turn) -> None:
    """Find out what auto-replies say, and give the copies that they name, at the end of a turn.

    Coupon by coupon in the order of their ids, since each one's counter stays locked.
    """
    asked = [one for one in turn.asked if one.reply.status == "waiting"]
    for one in sorted(asked, key=lambda one: str(one.auto_reply.coupon_id or one.auto_reply.weather_rule_id)):
        said = answer(
            session,
            one.auto_reply,
            one.customer,
            account=turn.place.account,
            stores=turn.place.stores,
            now=turn.now,
        )
        one.reply.is_otherwise, one.reply.issued_coupon_id = said.is_otherwise, said.issued_coupon_id
        session.add(one.reply)

"""Working off what LINE told us: in order of LINE's time, each event once, and none that can block the others."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Counter
from psycopg.errors import ProgramLimitExceeded
from sqlalchemy import Engine, Row, text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlmodel import col, select

from app.auto_replies.answering import has_terms
from app.auto_replies.models import AutoReply
from app.coupons.occasions import Newcomer
from app.customers.identity import Place, Sign, follow, hear, lock_people, unfollow
from app.customers.linking.service import note_failed, note_linked
from app.customers.models import Customer
from app.customers.queries import list_account_stores
from app.inbound.content.service import note_content
from app.inbound.models import LineReply
from app.inbound.replies.nearest import find_point
from app.inbound.replies.service import AUTO_REPLY, GREETING, NEAREST_STORES, note_reply
from app.inbound.unsend import erase_unsent, unsend
from app.inbound.welcoming import Asked, Turn, answer_asked, is_newcomer, welcome_newcomers
from app.qr_codes.tying import tie_follow
from app.settings import Settings
from tenants.brands.queries import get_brand
from tenants.line_accounts.models import LineAccount
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import ScopedSession, open_session

log = structlog.get_logger("intake")
WORKED = Counter("noren_line_events_total", "Events of LINE worked off, by type and outcome.", ["type", "outcome"])

MOST = 200
HEARD_EVERY = timedelta(minutes=1)
LONGEST_TEXT = 5000

# What a damaged event can cause, besides a value that is too long for an index, which the driver counts among the
# operational errors. A lost connection or a deadlock is not the event's fault: it ends the whole turn, and the lane
# comes back.
_FAULTS = (DataError, IntegrityError, ValueError, TypeError, LookupError, AttributeError)


def work_line_events(
    engine: Engine, keyring: Keyring, settings: Settings, brand_id: UUID, line_account_id: UUID, now: datetime
) -> bool:
    """Work off up to 200 waiting events of an account in one transaction; whether more are waiting."""
    with open_session(engine, Scope(brand_id)) as session:
        work_off(session, line_account_id, now)
        session.commit()
        return _is_waiting(session, line_account_id)


def work_off(session: ScopedSession, line_account_id: UUID, now: datetime) -> int:
    """Apply up to 200 waiting events of an account, the oldest first; answers how many."""
    events = session.execute(_WAITING, _values(session, line_account_id)).all()
    if not events:
        return 0
    place = _find_place(session, line_account_id)
    user_ids = {event.line_user_id for event in events if _is_user_id(event.line_user_id)}
    lock_people(session, place, user_ids)
    turn = Turn(place, now)
    troubles = [(event.webhook_event_id, _work(session, turn, event)) for event in events]
    session.flush()
    welcome_newcomers(session, turn)
    answer_asked(session, turn)
    # At the end of the turn, so that it does not matter on which side of its message the news of it came.
    erase_unsent(session, line_account_id, events)
    note_heard(session, place.account, now)
    session.execute(
        _DONE,
        {
            **_values(session, line_account_id),
            "now": now,
            "ids": [event_id for event_id, _ in troubles],
            "troubles": [trouble for _, trouble in troubles],
        },
    )
    return len(events)


_OF_ACCOUNT = "brand_id = :brand_id AND line_account_id = :line_account_id AND worked_at IS NULL"
# Two workers may meet here for a moment, when a lease ran out: each takes events that the other does not have, and the
# newest status of a friend wins whatever the order.
_WAITING = text(
    "SELECT webhook_event_id, type, line_user_id, occurred_at, received_at, body FROM line_event"
    f" WHERE {_OF_ACCOUNT} ORDER BY occurred_at, webhook_event_id LIMIT {MOST} FOR UPDATE SKIP LOCKED"
)
_ANY_WAITING = text(f"SELECT EXISTS (SELECT 1 FROM line_event WHERE {_OF_ACCOUNT})")
# Of a group it is kept that something happened, and not whom it named: nobody would find her there again to erase her.
_OF_GROUP = "coalesce(body->'source'->>'type', '') IN ('group', 'room')"
_ANONYMOUS = (
    "jsonb_build_object('type', body->'type', 'timestamp', body->'timestamp', 'source', (body->'source') - 'userId')"
)
_DONE = text(
    "UPDATE line_event SET worked_at = :now, trouble = done.trouble,"
    f" body = CASE WHEN {_OF_GROUP} THEN {_ANONYMOUS} ELSE body END,"
    f" line_user_id = CASE WHEN {_OF_GROUP} THEN NULL ELSE line_user_id END"
    " FROM unnest(CAST(:ids AS text[]), CAST(:troubles AS text[])) AS done(id, trouble)"
    " WHERE brand_id = :brand_id AND line_account_id = :line_account_id AND webhook_event_id = done.id"
)


def _values(session: ScopedSession, line_account_id: UUID) -> dict[str, Any]:
    return {"brand_id": session.scope.brand_id, "line_account_id": line_account_id}


def _is_waiting(session: ScopedSession, line_account_id: UUID) -> bool:
    return bool(session.execute(_ANY_WAITING, _values(session, line_account_id)).scalar_one())


def _find_place(session: ScopedSession, line_account_id: UUID) -> Place:
    account = session.exec(select(LineAccount).where(col(LineAccount.id) == line_account_id)).one()
    stores = tuple(list_account_stores(session, line_account_id))
    return Place(account, stores, may_join=get_brand(session, session.scope.brand_id).joining_basis is not None)


def note_heard(session: ScopedSession, account: LineAccount, now: datetime) -> None:
    """Write down when the account's webhook last brought something: once a minute, so that its row is left in peace."""
    if account.heard_at is None or now - account.heard_at >= HEARD_EVERY:
        values = {"brand_id": session.scope.brand_id, "line_account_id": account.id, "now": now}
        session.execute(_HEARD, {**values, "before": now - HEARD_EVERY})


_HEARD = text(
    "UPDATE line_account SET heard_at = :now WHERE brand_id = :brand_id AND id = :line_account_id"
    " AND (heard_at IS NULL OR heard_at <= :before)"
)


def _work(session: ScopedSession, turn: Turn, event: Row[Any]) -> str | None:
    """Apply one event; why it could not be, if it could not."""
    place = turn.place
    kind = event.type if event.type in _KNOWN else "other"
    try:
        with session.begin_nested():
            outcome = _apply(session, turn, event)
    except (*_FAULTS, OperationalError) as fault:
        if isinstance(fault, OperationalError) and not isinstance(fault.orig, ProgramLimitExceeded):
            raise
        place.people.pop(event.line_user_id, None)
        trouble = type(fault).__name__
        log.warning("event_not_worked_off", line_account_id=str(place.account.id), type=kind, trouble=trouble)
        WORKED.labels(kind, "trouble").inc()
        return trouble
    WORKED.labels(kind, outcome).inc()
    return None


_KNOWN = {
    "follow", "unfollow", "message", "messageEdited", "postback", "unsend", "join", "leave", "memberJoined",
    "memberLeft", "videoPlayComplete", "beacon", "accountLink", "membership", "activated", "deactivated",
    "botSuspended", "botResumed", "module", "delivery",
}  # fmt: skip
"""LINE's types, as metrics name them. Those that nothing is done about yet are kept as they came, and ignored."""


def _apply(session: ScopedSession, turn: Turn, event: Row[Any]) -> str:
    """What became of an event: `done` or `ignored`."""
    place, now, body = turn.place, turn.now, event.body or {}
    if event.type == "unsend":
        message_id = _text(_part(body, "unsend"), "messageId")
        if message_id is None:
            return "ignored"
        unsend(session, place.account.id, message_id, event.line_user_id, event.occurred_at)
        return "done"
    if event.type == "accountLink":
        return _link(session, place, event, now)
    if event.type not in ("follow", "unfollow", "message", "postback") or _part(body, "source").get("type") != "user":
        return "ignored"  # what happens in groups says nothing about a friend of the account
    if not _is_user_id(event.line_user_id):
        return "ignored"  # she has not agreed to give her profile
    sign = Sign(event.line_user_id, event.webhook_event_id, event.occurred_at)
    if event.type == "follow":
        is_unblocked = _part(body, "follow").get("isUnblocked") is True
        is_first = not is_unblocked and is_newcomer(session, place, sign.line_user_id)
        follow(session, place, sign, is_unblocked=is_unblocked)
        tie_follow(session, place, sign, now)
        _greet(session, turn, event, is_first=is_first)
    elif event.type == "unfollow":
        unfollow(session, place, sign)
    elif event.type == "message":
        message = _part(body, "message")
        kind, message_id = _text(message, "type") or "unknown", _text(message, "id")
        said = _text(message, "text")
        customer = hear(session, place, sign, message_type=kind, message_id=message_id, text=said)
        note_content(session, place.account.id, customer.id, message, event.occurred_at)
        if kind == "location" and find_point(message) is not None and turn.answers_places(session):
            _answer(session, turn, event, customer.id, NEAREST_STORES)
        elif kind == "text" and said is not None:  # a sticker has a text too, which nobody wrote
            _answer_by_itself(session, turn, event, customer, turn.find_auto_reply(session, said=said))
    else:
        data = _text(_part(body, "postback"), "data")
        customer = hear(session, place, sign, message_type="postback", postback_data=data)
        if data is not None:
            _answer_by_itself(session, turn, event, customer, turn.find_auto_reply(session, postback_data=data))
    return "done"


def _link(session: ScopedSession, place: Place, event: Row[Any], now: datetime) -> str:
    """What became of LINE's word that somebody has come back from its account link dialogue."""
    link = _part(event.body or {}, "link")
    nonce = _text(link, "nonce")
    if nonce is None:
        return "ignored"
    if link.get("result") == "ok" and _is_user_id(event.line_user_id):
        sign = Sign(event.line_user_id, event.webhook_event_id, event.occurred_at)
        return "done" if note_linked(session, place, sign, nonce, now) else "ignored"
    if link.get("result") == "failed":  # LINE does not tell who it was
        return "done" if note_failed(session, place.account.id, nonce, now) else "ignored"
    return "ignored"


def _greet(session: ScopedSession, turn: Turn, event: Row[Any], *, is_first: bool) -> None:
    """Have who came greeted, where there are words for her; a newcomer is welcomed besides."""
    account = turn.place.account
    customer_id = turn.place.people[event.line_user_id].customer.id
    has_words = bool(account.greeting)
    if is_first and (coupon := turn.find_welcome(session)) is not None:
        turn.newcomers.append(Newcomer(customer_id, event.webhook_event_id))
        has_words = has_words or bool(coupon.welcome_messages)
    if has_words:
        _answer(session, turn, event, customer_id, GREETING)


def _answer_by_itself(
    session: ScopedSession, turn: Turn, event: Row[Any], customer: Customer, auto_reply: AutoReply | None
) -> None:
    """Have an event answered by an auto-reply; what it says, where that depends, is found out at the turn's end."""
    if auto_reply is None:
        return
    reply = _answer(session, turn, event, customer.id, AUTO_REPLY, auto_reply.id)
    if reply is not None and has_terms(auto_reply):
        turn.asked.append(Asked(reply, auto_reply, customer))


def _answer(
    session: ScopedSession,
    turn: Turn,
    event: Row[Any],
    customer_id: UUID,
    kind: str,
    auto_reply_id: UUID | None = None,
) -> LineReply | None:
    """Have an event answered, where LINE lets us.

    Standby means that another tool has the chat just now: nobody else may answer.
    """
    account = turn.place.account
    is_answerable = event.body.get("mode") != "standby" and isinstance(event.body.get("replyToken"), str)
    if not is_answerable or account.archived_at is not None:
        return None
    return note_reply(
        session,
        line_account_id=account.id,
        customer_id=customer_id,
        webhook_event_id=event.webhook_event_id,
        received_at=event.received_at,
        now=turn.now,
        kind=kind,
        auto_reply_id=auto_reply_id,
    )


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _text(part: Mapping[str, Any], name: str) -> str | None:
    value = part.get(name)
    return value[:LONGEST_TEXT] if isinstance(value, str) else None


def _is_user_id(value: str | None) -> bool:
    """`U` and 32 hexadecimal digits: LINE refuses all 500 people of a multicast for one id of another form."""
    return value is not None and len(value) == 33 and value[0] == "U" and not set(value[1:]) - set("0123456789abcdef")

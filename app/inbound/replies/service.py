"""Answers to LINE's events: noted once in the transaction that works the event off, tried, settled."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlmodel import col, select

from app.customers.models import Customer
from app.inbound.models import LineReply
from app.inbound.replies.nearest import write_nearest
from app.inbound.replies.queries import Waiting, lock_waiting
from app.jobs.lanes import touch
from tenants.brands.models import Brand
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession

REPLY_LANE = "line_replies"
TOKEN_LIFE = timedelta(seconds=50)
"""LINE's minute, less what the call itself may take. Counted from when the event came, not from when it happened."""
MOST = 32
GREETING, NEAREST_STORES, AUTO_REPLY = "greeting", "nearest_stores", "auto_reply"
"""What an answer says."""
SLOWED_DOWN, UNCLEAR = "slowed_down", "unclear"
"""Why an answer waits though it was tried: LINE took too many calls, or nobody knows whether it took this one."""


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt."""

    status: str
    reason: str | None = None
    detail: str | None = None
    messages: Sequence[Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class Taken:
    """Answers in hand, each counted as tried, and the account that gives them."""

    account: LineAccount
    waiting: Sequence[Waiting]


def note_reply(
    session: ScopedSession,
    *,
    line_account_id: UUID,
    customer_id: UUID,
    webhook_event_id: str,
    received_at: datetime,
    now: datetime,
    kind: str = GREETING,
    auto_reply_id: UUID | None = None,
) -> LineReply:
    """Have an event answered; one that came too long ago is dropped with a record. Once for each event."""
    reply = LineReply(
        line_account_id=line_account_id,
        customer_id=customer_id,
        webhook_event_id=webhook_event_id,
        kind=kind,
        auto_reply_id=auto_reply_id,
        status="waiting",
        expires_at=received_at + TOKEN_LIFE,
    )
    session.add(reply)
    if now >= reply.expires_at:
        reply.status, reply.reason, reply.settled_at = "dropped", "too_late", now
    else:
        touch(session, REPLY_LANE, session.scope.brand_id, [line_account_id])
    return reply


def take_replies(session: ScopedSession, line_account_id: UUID, now: datetime) -> Taken | None:
    """Take answers of an account in hand, and settle those that cannot be given any more; None when none are left."""
    account = session.exec(select(LineAccount).where(col(LineAccount.id) == line_account_id)).one_or_none()
    if account is None:
        return None
    found = lock_waiting(session, account, MOST)
    if not found:
        return None
    brand_status, timezone = session.exec(select(Brand.status, Brand.timezone)).one()
    outcomes = {one.id: _refuse(one, account, brand_status, now) for one in found}
    settle(session, {reply_id: outcome for reply_id, outcome in outcomes.items() if outcome is not None}, now)
    good = [_prepare(session, one, ZoneInfo(timezone), now) for one in found if outcomes[one.id] is None]
    session.execute(_COUNT, {"brand_id": session.scope.brand_id, "ids": [one.id for one in good]})
    return Taken(account, good)


def _refuse(one: Waiting, account: LineAccount, brand_status: str, now: datetime) -> Outcome | None:
    """Why an answer is not given any more, if so."""
    if now >= one.expires_at:
        return Outcome("failed", UNCLEAR) if is_unclear(one) else Outcome("dropped", "too_late")
    if one.reply_token is None:
        return Outcome("dropped", "erased")
    if account.archived_at is not None:
        return Outcome("dropped", "archived")
    if brand_status != "active":
        return Outcome("dropped", "suspended")
    if one.kind == GREETING and not account.greeting and not one.welcome_messages:
        return Outcome("dropped", "no_greeting")
    if one.kind == AUTO_REPLY and not one.own_messages:
        return Outcome("dropped", "no_text")
    return None


def _prepare(session: ScopedSession, one: Waiting, zone: ZoneInfo, now: datetime) -> Waiting:
    """The answer with its words, where they are not a text of the brand's."""
    if one.kind != NEAREST_STORES or one.point is None:
        return one
    return replace(one, prepared=write_nearest(session, one.point, language=one.language, zone=zone, now=now))


def is_unclear(one: Waiting) -> bool:
    """Whether an earlier attempt may have reached LINE: it was begun, and no answer said that it was not taken."""
    return one.attempts > 0 and one.reason != SLOWED_DOWN


def settle(session: ScopedSession, outcomes: Mapping[UUID, Outcome], now: datetime) -> None:
    """Write down what became of answers. One that is settled already stays as it is.

    Who was erased while LINE was asked leaves no words behind.
    """
    if not outcomes:
        return
    wanted = select(LineReply).where(col(LineReply.id).in_(outcomes), col(LineReply.status) == "waiting")
    replies = session.exec(wanted.order_by(col(LineReply.id)).with_for_update()).all()
    # Asked for once the answers are locked: an erasure has ended before that, or will find what is written here.
    erased = _list_erased(session, {reply.customer_id for reply in replies})
    for reply in replies:
        outcome, is_erased = outcomes[reply.id], reply.customer_id in erased
        reply.status, reply.reason = outcome.status, outcome.reason
        reply.detail = None if is_erased else outcome.detail
        if outcome.status != "waiting":
            reply.settled_at = now
        if outcome.messages is not None and not is_erased:
            reply.messages = [dict(message) for message in outcome.messages]
    session.flush()


def _list_erased(session: ScopedSession, customer_ids: Collection[UUID]) -> set[UUID]:
    erased = select(Customer.id).where(col(Customer.id).in_(customer_ids), col(Customer.erased_at).is_not(None))
    return set(session.exec(erased).all())


_COUNT = text(
    "UPDATE line_reply SET attempts = attempts + 1"
    " WHERE brand_id = :brand_id AND id = ANY(CAST(:ids AS uuid[])) AND status = 'waiting'"
)

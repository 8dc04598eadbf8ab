"""Retention: what has been kept for as long as the brand says goes, kind by kind.

Each call does some of one kind and says how many, so that a nightly task can go on in small transactions.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from app.customers.erasing.models import ErasureReceipt
from app.customers.erasing.schemas import Retention
from app.customers.erasing.service import Reason
from app.customers.locks import lock_customers
from app.customers.models import Identity
from tenants.session import ScopedSession

ROWS_AT_ONCE: Final = 2_000
PROFILES_AT_ONCE: Final = 200

Keep = Callable[[ScopedSession, Retention, datetime], int]


def forget_line_events(session: ScopedSession, retention: Retention, now: datetime) -> int:
    """Empty what LINE told, as it came, once it is worked off and old. The ids stay, against redelivery."""
    return _forget(session, _LINE_EVENTS, now - timedelta(days=retention.line_events_days))


def forget_messages(session: ScopedSession, retention: Retention, now: datetime) -> int:
    """Empty the words of old messages on timelines."""
    return _forget(session, _MESSAGES, now - timedelta(days=retention.messages_days))


def forget_replies(session: ScopedSession, retention: Retention, now: datetime) -> int:
    """Empty the words of old answers."""
    return _forget(session, _REPLIES, now - timedelta(days=retention.messages_days))


def forget_scans(session: ScopedSession, retention: Retention, now: datetime) -> int:
    """Make old scans of QR codes figures of nobody."""
    return _forget(session, _SCANS, now - timedelta(days=retention.scans_days))


def forget_profiles_of_blockers(session: ScopedSession, retention: Retention, now: datetime) -> int:
    """Empty the LINE profiles of those who have followed no account for so long. The tie to the account stays."""
    before = now - timedelta(days=retention.profiles_after_block_days)
    return _forget_profiles(session, _BLOCKERS, before, now, reason="retention", more={})


def forget_people_gone_from_line(session: ScopedSession, retention: Retention, now: datetime) -> int:
    """Empty all that LINE told of those whom it does not know any more at any account. What the brand knows stays."""
    before = now - timedelta(days=retention.profiles_after_missing_days)
    told = {"line_event": _EVENTS_OF_IDENTITY, "event": _WORDS_OF_IDENTITY}
    return _forget_profiles(session, _GONE, before, now, reason="line", more=told)


@dataclass(frozen=True)
class Kind:
    """A kind of data: its name in the metric, and what empties some of it."""

    name: str
    forget: Keep
    at_once: int = ROWS_AT_ONCE


KINDS: Final = (
    Kind("line_events", forget_line_events),
    Kind("messages", forget_messages),
    Kind("replies", forget_replies),
    Kind("scans", forget_scans),
    Kind("people_gone_from_line", forget_people_gone_from_line, PROFILES_AT_ONCE),
    Kind("profiles_of_blockers", forget_profiles_of_blockers, PROFILES_AT_ONCE),
)
"""Whom LINE does not know goes before those who follow nobody: of her more goes, and her receipt says why."""


def _forget(session: ScopedSession, statement: Any, before: datetime) -> int:
    values = {"brand_id": session.scope.brand_id, "before": before, "most": ROWS_AT_ONCE}
    changed: int = session.execute(statement, values).rowcount  # type: ignore[attr-defined]
    return changed


def _forget_profiles(
    session: ScopedSession,
    chosen: Any,
    before: datetime,
    now: datetime,
    *,
    reason: Reason,
    more: Mapping[str, Any],
) -> int:
    values = {"brand_id": session.scope.brand_id, "before": before, "most": PROFILES_AT_ONCE}
    found = session.execute(chosen, values).all()
    customers = lock_customers(session, {row.customer_id for row in found})
    wanted = select(Identity).where(col(Identity.id).in_([row.id for row in found]))
    counts: dict[UUID, Counter[str]] = {}
    for identity in session.exec(wanted.order_by(col(Identity.id))).all():
        customer = customers.get(identity.customer_id)
        if customer is None:  # erased this moment
            continue
        identity.display_name = identity.picture_url = identity.language = identity.profile_at = None
        customer.updated_at = customer.profile_updated_at = now
        hers = counts.setdefault(customer.id, Counter())
        hers["identity"] += 1
        key = {**values, "identity_id": identity.id, "line_user_id": identity.line_user_id, "customer_id": customer.id}
        for table, statement in more.items():
            hers[table] += session.execute(statement, key).rowcount  # type: ignore[attr-defined]
    for customer_id, hers in counts.items():
        told = {table: count for table, count in sorted(hers.items()) if count}
        session.add(ErasureReceipt(customer_id=customer_id, reason=reason, erased_at=now, counts=told))
    session.flush()
    return len(found)


def _oldest(table: str, columns: str, condition: str) -> Any:
    """An UPDATE of some rows that nobody holds just now."""
    return text(
        f"UPDATE {table} SET {columns} WHERE brand_id = :brand_id AND ctid = ANY(ARRAY("
        f"SELECT ctid FROM {table} WHERE brand_id = :brand_id AND {condition} LIMIT :most FOR UPDATE SKIP LOCKED))"
    )


_LINE_EVENTS = _oldest(
    "line_event",
    "body = NULL, line_user_id = NULL, trouble = NULL",
    "worked_at IS NOT NULL AND body IS NOT NULL AND received_at < :before",
)
_HAS_WORDS = "type = 'message.received' AND (data ? 'text' OR data ? 'postback_data')"
_MESSAGES = _oldest("event", "data = data - 'text' - 'postback_data'", f"{_HAS_WORDS} AND occurred_at < :before")
_REPLIES = _oldest(
    "line_reply",
    "messages = NULL, detail = NULL",
    "(messages IS NOT NULL OR detail IS NOT NULL) AND settled_at < :before",
)
_SCANS = _oldest(
    "qr_scan",
    "line_user_id = NULL, friend_id = NULL, customer_id = NULL",
    "tied_at < :before AND (customer_id IS NOT NULL OR friend_id IS NOT NULL OR line_user_id IS NOT NULL)",
)
_OF_IDENTITY = "friend.brand_id = :brand_id AND friend.identity_id = identity.id"
_WITH_PROFILE = f"""
    SELECT identity.id, identity.customer_id FROM identity
    WHERE identity.brand_id = :brand_id AND (identity.display_name IS NOT NULL OR identity.picture_url IS NOT NULL)
      AND EXISTS (SELECT FROM friend WHERE friend.customer_id = identity.customer_id AND {_OF_IDENTITY})
"""
_NO_FRIEND = f"SELECT FROM friend WHERE friend.customer_id = identity.customer_id AND {_OF_IDENTITY}"
_BLOCKERS = text(
    f"{_WITH_PROFILE} AND NOT EXISTS ({_NO_FRIEND} AND (friend.status = 'following' OR friend.changed_at >= :before))"
    " ORDER BY identity.id LIMIT :most"
)
_GONE = text(
    f"{_WITH_PROFILE} AND NOT EXISTS ({_NO_FRIEND} AND (friend.missing_at IS NULL OR friend.missing_at >= :before))"
    " ORDER BY identity.id LIMIT :most"
)
_ACCOUNTS = "SELECT {0} FROM friend WHERE friend.brand_id = :brand_id AND friend.identity_id = :identity_id"
_EVENTS_OF_IDENTITY = text(
    "UPDATE line_event SET body = NULL, line_user_id = NULL, trouble = NULL"
    " WHERE brand_id = :brand_id AND line_user_id = :line_user_id AND worked_at IS NOT NULL"
    f" AND line_account_id IN ({_ACCOUNTS.format('friend.line_account_id')})"
)
_WORDS_OF_IDENTITY = text(
    "UPDATE event SET data = data - 'text' - 'postback_data'"
    f" WHERE brand_id = :brand_id AND customer_id = :customer_id AND {_HAS_WORDS}"
    f" AND account_no IN ({_ACCOUNTS.format('friend.account_no')})"
)

"""Messages that their writers took back: what they said goes from everything that we keep of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from tenants.session import ScopedSession


def unsend(
    session: ScopedSession, line_account_id: UUID, message_id: str, line_user_id: str | None, occurred_at: datetime
) -> None:
    """Erase what a message said, from the event that brought it and from the timeline; and note that it must not be
    kept should it still come."""
    key: dict[str, object] = {"brand_id": session.scope.brand_id, "line_account_id": line_account_id}
    session.execute(_NOTE, {**key, "message_id": message_id, "unsent_at": occurred_at})
    key["message_id"] = message_id
    if line_user_id is None:
        found = session.execute(_NOBODYS, key)
    else:
        found = session.execute(_HERS, {**key, "line_user_id": line_user_id})
    _erase(session, line_account_id, list(found.scalars()))


def erase_unsent(session: ScopedSession, line_account_id: UUID, events: Sequence[Row[Any]]) -> None:
    """Of messages that came after the news that they were taken back, erase what they say."""
    ids = {event.webhook_event_id: message_id for event in events if (message_id := _message_id_of(event))}
    if not ids:
        return
    key = {"brand_id": session.scope.brand_id, "line_account_id": line_account_id}
    unsent = set(session.execute(_UNSENT, {**key, "message_ids": sorted(set(ids.values()))}).scalars())
    _erase(session, line_account_id, [event_id for event_id, message_id in ids.items() if message_id in unsent])


def _message_id_of(event: Row[Any]) -> str | None:
    """LINE's id of the message that an event brings."""
    message = (event.body or {}).get("message") if isinstance(event.body, dict) else None
    message_id = message.get("id") if isinstance(message, dict) else None
    return message_id if isinstance(message_id, str) else None


def _erase(session: ScopedSession, line_account_id: UUID, event_ids: Collection[str]) -> None:
    if not event_ids:
        return
    values = {"brand_id": session.scope.brand_id, "line_account_id": line_account_id, "ids": sorted(event_ids)}
    session.execute(_EMPTY_EVENTS, values)
    keys = [f"message.received:{line_account_id}:{event_id}" for event_id in sorted(event_ids)]
    session.execute(_EMPTY_TIMELINE, {"brand_id": session.scope.brand_id, "keys": keys})


_NOTE = text(
    "INSERT INTO line_unsent (brand_id, line_account_id, message_id, unsent_at)"
    " VALUES (:brand_id, :line_account_id, :message_id, :unsent_at) ON CONFLICT DO NOTHING"
)
_UNSENT = text(
    "SELECT message_id FROM line_unsent WHERE brand_id = :brand_id AND line_account_id = :line_account_id"
    " AND message_id = ANY(CAST(:message_ids AS text[]))"
)
_SAID = (
    "SELECT webhook_event_id FROM line_event WHERE brand_id = :brand_id AND line_account_id = :line_account_id"
    " AND type IN ('message', 'messageEdited') AND body->'message'->>'id' = :message_id AND line_user_id"
)
# Found by who wrote it: an index on the message's id would cost every event that comes in.
_HERS = text(f"{_SAID} = :line_user_id")
_NOBODYS = text(f"{_SAID} IS NULL")
_EMPTY_EVENTS = text(
    "UPDATE line_event SET body = jsonb_set(body, '{message}',"
    " jsonb_build_object('id', body->'message'->'id', 'type', body->'message'->'type'))"
    " WHERE brand_id = :brand_id AND line_account_id = :line_account_id"
    " AND webhook_event_id = ANY(CAST(:ids AS text[])) AND jsonb_typeof(body) = 'object'"
)
_EMPTY_TIMELINE = text(
    """UPDATE event SET data = jsonb_set(data, '{text}', 'null')"""
    " WHERE brand_id = :brand_id AND dedupe_key = ANY(CAST(:keys AS text[]))"
)

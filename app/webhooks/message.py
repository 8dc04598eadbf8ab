"""What an endpoint is told: the event as the feed shows it, with its type and time outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from app.events.feed import show_events
from app.events.models import Event
from app.schemas import write_instant
from app.webhooks.models import WebhookDelivery
from tenants.ids import encode_id
from tenants.session import ScopedSession


@dataclass(frozen=True)
class Message:
    """A message: its id, by which a receiver knows it again, and its document."""

    id: str
    content: dict[str, Any]
    recorded_at: datetime | None


def write_messages(session: ScopedSession, deliveries: Sequence[WebhookDelivery]) -> list[Message]:
    """The messages of deliveries, in their order: `{"type", "timestamp", "data"}`, with the feed's event as `data`.

    They are written from what is known now, so nothing of a person who was erased is told. An event keeps its id
    however often it is sent.
    """
    ids = {one.event_id for one in deliveries if one.event_id is not None}
    found = session.exec(select(Event).where(col(Event.id).in_(ids))).all() if ids else []
    shown = {event.id: read for event, read in zip(found, show_events(session, found), strict=True)}
    return [_write(delivery, shown.get(delivery.event_id) if delivery.event_id else None) for delivery in deliveries]


def _write(delivery: WebhookDelivery, event: Any) -> Message:
    if event is None:
        content = {"type": delivery.type, "timestamp": write_instant(delivery.created_at), "data": {}}
        return Message(encode_id("whd", delivery.id), content, None)
    data = event.model_dump(mode="json")
    content = {"type": event.type, "timestamp": data["occurred_at"], "data": data}
    return Message(str(data["id"]), content, event.recorded_at)

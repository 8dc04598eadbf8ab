"""LINE's JSON, read by us and tolerant: new fields, new types and damaged events are kept, not refused."""

import json
import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson

from app.inbound.append import Told

MOST_EVENTS = 5000
_DAY_MS = 86_400_000
_LINE_BEGAN_MS = 1_300_000_000_000
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Malformed(Exception):
    """The body is signed but is not a webhook call; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Call:
    """One webhook call: the bot's user id, and the events as LINE sent them."""

    destination: str | None
    events: list[Any]


def read_call(body: bytes) -> Call:
    """The call in a body. Raises Malformed."""
    document = _read_json(body)
    if not isinstance(document, dict) or not isinstance(document.get("events"), list):
        raise Malformed("The body needs a list `events`.")
    if len(document["events"]) > MOST_EVENTS:
        raise Malformed(f"More than {MOST_EVENTS} events in one call.")
    destination = document.get("destination")
    return Call(destination if isinstance(destination, str) else None, document["events"])


def told(events: Sequence[Any], brand_id: UUID, line_account_id: UUID) -> list[Told]:
    """The rows of these events. Raises Malformed."""
    now_ms = int(time.time() * 1000)
    try:
        return [_row(event, brand_id, line_account_id, now_ms) for event in events]
    except orjson.JSONEncodeError as error:
        raise Malformed("An event is nested too deeply.") from error


def _row(event: Any, brand_id: UUID, line_account_id: UUID, now_ms: int) -> Told:
    if not isinstance(event, dict):
        event = {"type": "malformed", "value": event}
    source = event.get("source")
    return Told(
        brand_id,
        line_account_id,
        _text(event.get("webhookEventId"), 64) or _digest(event),
        _text(event.get("type"), 64) or "unknown",
        _text(source.get("userId"), 64) if isinstance(source, dict) else None,
        _occurred(event.get("timestamp"), now_ms),
        orjson.dumps(event).decode(),
    )


def _text(value: Any, longest: int) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= longest else None


def _occurred(value: Any, now_ms: int) -> int:
    """LINE's time of the event; ours where it is missing or absurd, since later events must still count as later."""
    if isinstance(value, int) and _LINE_BEGAN_MS <= value <= now_ms + _DAY_MS:
        return value
    return now_ms


def _digest(event: dict[str, Any]) -> str:
    """An id for an event that has none: the same when LINE sends it again, which changes `deliveryContext` only."""
    same = {name: value for name, value in event.items() if name != "deliveryContext"}
    return "sum:" + blake2b(orjson.dumps(same, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def _read_json(body: bytes) -> Any:
    """The document; where Postgres could not store it, what stands in the way is replaced."""
    try:
        document = orjson.loads(body)
        return _clean(document) if b"\\u0000" in body else document
    except orjson.JSONDecodeError:
        pass
    try:
        return _clean(json.loads(body, parse_constant=lambda name: None))
    except (ValueError, RecursionError) as error:
        raise Malformed("The body is not JSON.") from error


def _clean(value: Any) -> Any:
    """The same with U+FFFD for NUL and lone surrogates, and null or a float for numbers that are out of range."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 2**63 else None
    return value

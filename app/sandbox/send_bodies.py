"""What a send says besides its messages: to whom, whether to sound, and under which name it is counted."""

import re
from typing import Any

from app.sandbox import answers
from app.sandbox.answers import Detail, Refusal
from app.sandbox.ledger import Kind

MAX_MULTICAST = 500
_UNIT_MAX = 30
_UNIT = re.compile(r"[A-Za-z0-9_]+")
_EMPTY = "May not be empty"


def check_body(kind: Kind, body: dict[str, Any]) -> list[Detail]:
    """What LINE would complain of, one detail for each error. Raises Refusal for a value of another type."""
    details: list[Detail] = []
    match kind:
        case Kind.PUSH:
            _check_text(body.get("to"), "to", details)
        case Kind.MULTICAST:
            _check_recipients(body.get("to"), details)
        case Kind.REPLY:
            _check_text(body.get("replyToken"), "replyToken", details)
    if body.get("notificationDisabled") not in (None, True, False):
        raise Refusal(answers.invalid_property("'notificationDisabled'"))
    if kind in (Kind.PUSH, Kind.MULTICAST) and body.get("customAggregationUnits") is not None:
        _check_units(body["customAggregationUnits"], details)
    return details


def find_unit(kind: Kind, body: dict[str, Any]) -> str | None:
    """The aggregation unit of a body without errors; replies and broadcasts have none, whatever they say."""
    units = body.get("customAggregationUnits")
    return units[0] if units and kind in (Kind.PUSH, Kind.MULTICAST) else None


def _check_text(value: Any, name: str, details: list[Detail]) -> None:
    if value is None or value == "":
        details.append({"message": _EMPTY, "property": name})
    elif not isinstance(value, str):
        raise Refusal(answers.invalid_property(f"'{name}'"))


def _check_recipients(to: Any, details: list[Detail]) -> None:
    if to is None:
        details.append({"message": _EMPTY, "property": "to"})
    elif not isinstance(to, list):
        raise Refusal(answers.invalid_property("'to'"))
    elif not 1 <= len(to) <= MAX_MULTICAST:
        details.append({"message": f"Size must be between 1 and {MAX_MULTICAST}", "property": "to"})


def _check_units(units: Any, details: list[Detail]) -> None:
    name = "customAggregationUnits"
    if not isinstance(units, list):
        raise Refusal(answers.invalid_property(f"'{name}'"))
    if len(units) > 1:
        details.append({"message": "Size must be between 0 and 1", "property": name})
    for place, unit in enumerate(units):
        if not isinstance(unit, str):
            raise Refusal(answers.invalid_property(f"'{name}[{place}]'"))
        if not 1 <= len(unit) <= _UNIT_MAX:
            details.append({"message": f"Length must be between 1 and {_UNIT_MAX}", "property": f"{name}[{place}]"})
        elif not _UNIT.fullmatch(unit):
            # No wording is published; the rule is.
            details.append({"message": 'must match "[A-Za-z0-9_]+"', "property": f"{name}[{place}]"})

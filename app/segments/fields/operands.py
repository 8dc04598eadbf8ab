"""Operands: reads what a leaf compares with, and notes what is wrong with it."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

from app.problems import pointer_part
from app.segments.fields.base import Leaf, Reference
from tenants.ids import decode_id

MAX_VALUES = 200
MAX_DAYS = 36_500
MAX_TEXT = 500

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=", "between")
SPANS_OF_DAYS = ("within_days", "before_days")
TEXTS = ("=", "in", "starts_with")

Moment: TypeAlias = date | datetime
"""An instant, or a whole day of the brand's calendar."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?([Zz]|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)


@dataclass(frozen=True)
class Field:
    """A field: its operators, and how a comparison of it is read. The reader answers None once it has refused."""

    operators: tuple[str, ...]
    read: "Callable[[str, str, Any, str, Operands], Leaf | None]"
    """Takes the field's name, the operator, the value and where that stands."""
    later: tuple[str, ...] = ()
    """Operators that are known and whose data does not exist yet."""


class Operands:
    """Reads operands. What is wrong goes to `refuse`, as pointer and detail."""

    def __init__(self, refuse: Callable[[str, str], None], declared: Callable[[], Mapping[str, str]]) -> None:
        self.refuse = refuse
        self.declared = declared
        """The types of the attributes that the brand has declared, by name."""

    def references(self, prefix: str, value: object, at: str, one: bool = False) -> tuple[Reference, ...]:
        """One id or a list of them; of tags also names. Empty once something has been refused."""
        if isinstance(value, list) and not one:
            return self._list(value, at, lambda entry, place: self._reference(prefix, entry, place))
        single = self._reference(prefix, value, at)
        return () if single is None else (single,)

    def _reference(self, prefix: str, value: object, at: str) -> Reference | None:
        if isinstance(value, str) and value:
            try:
                return Reference(decode_id(prefix, value), at)
            except ValueError:
                if prefix == "tag":
                    return Reference(value, at)
        self.refuse(at, "Must be a tag's name or id." if prefix == "tag" else f"Must be an id that begins {prefix}_.")
        return None

    def _list(self, value: list[Any], at: str, read: Callable[[object, str], Any]) -> tuple[Any, ...]:
        if not 1 <= len(value) <= MAX_VALUES:
            self.refuse(at, f"Must hold 1 to {MAX_VALUES} entries.")
            return ()
        found = [read(entry, f"{at}/{index}") for index, entry in enumerate(value)]
        return () if any(entry is None for entry in found) else tuple(found)

    def compared(self, op: str, value: object, at: str, read: Callable[[object, str], Any]) -> tuple[Any, ...]:
        """One operand, or the two of `between`; nothing once one has been refused."""
        if op != "between":
            single = read(value, at)
            return () if single is None else (single,)
        if not isinstance(value, list) or len(value) != 2:
            self.refuse(at, "Must be [lowest, highest].")
            return ()
        low, high = (read(entry, f"{at}/{index}") for index, entry in enumerate(value))
        if low is None or high is None:
            return ()
        if type(low) is type(high) and low > high:
            self.refuse(at, "Must be [lowest, highest], in this order.")
            return ()
        return (low, high)

    def matched(self, op: str, value: object, at: str, read: Callable[[object, str], str | None]) -> tuple[str, ...]:
        """The texts of `=`, `in` or `starts_with`; nothing once one has been refused."""
        if op == "in" and isinstance(value, list):
            return self._list(value, at, read)
        single = read(value, at)
        return () if single is None else (single,)

    def text(self, value: object, at: str) -> str | None:
        """A text with something in it."""
        if isinstance(value, str) and 0 < len(value) <= MAX_TEXT:
            return value
        self.refuse(at, f"Must be a text of 1 to {MAX_TEXT} characters.")
        return None

    def number(self, value: object, at: str) -> int | None:
        """A whole number of any size that the database holds."""
        return self.whole(value, at, -(2**62), 2**62)

    def whole(self, value: object, at: str, least: int, most: int) -> int | None:
        """A whole number within bounds."""
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.refuse(at, f"Must be a whole number from {least} to {most}.")
            return None
        return value

    def days(self, value: object, at: str) -> int | None:
        """How many days back, or ahead."""
        return self.whole(value, at, 0, MAX_DAYS)

    def moment(self, value: object, at: str) -> Moment | None:
        """An instant or a day."""
        moment = _find_moment(value) if isinstance(value, str) else None
        if moment is None or not 1970 <= moment.year <= 2200:
            self.refuse(at, "Must be an instant with its zone, or a date, between 1970 and 2200.")
            return None
        return moment

    def day(self, value: object, at: str) -> date | None:
        """A day."""
        moment = _find_moment(value) if isinstance(value, str) and _DATE.fullmatch(value) else None
        if moment is None:
            self.refuse(at, "Must be a date such as 2026-11-21.")
        return moment

    def members(self, value: object, at: str, known: Collection[str]) -> dict[str, Any] | None:
        """An object with no other members than these."""
        if not isinstance(value, dict):
            self.refuse(at, f"Must be an object of {', '.join(known)}.")
            return None
        others = [name for name in value if name not in known]
        for name in others:
            self.refuse(f"{at}/{pointer_part(name)}", "Is not known here.")
        return None if others else value


def _find_moment(text: str) -> Moment | None:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return None

"""The parts that rules about messages are made of: each looks at one value and writes down what is wrong with it.

Null counts as absent, as it does for LINE. Source: Messaging API reference, message objects and actions, 2026-08.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Literal

import regex

Counting = Literal["units", "characters"]
MOST_ERRORS: Final = 50
MEDIA_URL_MAX: Final = 2000
LINK_MAX: Final = 1000
_CHARACTER = regex.compile(r"\X")
# What RFC 3986 lets stand in an address; anything else is percent-encoded.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?:[!#$&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]|%[0-9A-Fa-f]{2})+")
_HAS_HOST = re.compile(r"https?://[^/?#:@]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a text may be, and how LINE counts it there."""

    most: int | None
    counting: Counting = "units"
    least: int = 1
    form: Literal["plain", "braces"] = "plain"
    """`braces`: LINE reads `{…}` in the text, so those of a value that is filled in are doubled."""

    def refuse(self, text: str) -> str | None:
        """What is wrong with a text of this place, or None."""
        if self.least and not text.strip():
            return "Must be a text that is not empty."
        # Nothing counts more than two for a code point, so most texts need no counting.
        if self.most is None or len(text) * 2 <= self.most:
            return None
        counted = count_units(text) if self.counting == "units" else count_characters(text, self.most + 1)
        if counted <= self.most:
            return None
        return f"LINE takes at most {self.most} {'UTF-16 units' if self.counting == 'units' else 'characters'} here."


@dataclass
class Look:
    """One look at messages: what is wrong, and which limit each text was held against, both by JSON pointer."""

    errors: list[dict[str, str]] = field(default_factory=list)
    limits: dict[str, Limit] = field(default_factory=dict)

    def refuse(self, pointer: str, detail: str) -> None:
        """Write down what is wrong at a place; of very many errors the first are enough."""
        if len(self.errors) < MOST_ERRORS:
            self.errors.append({"pointer": pointer, "detail": detail})


Rule = Callable[[Any, str, Look], None]
"""Looks at a value that is there, and at all below it."""


def count_units(text: str) -> int:
    """The length as LINE counts most texts: UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def count_characters(text: str, enough: int) -> int:
    """The length as LINE counts labels and templates: characters as people see them; counting stops at `enough`."""
    return sum(1 for _ in islice(_CHARACTER.finditer(text), enough))


def below(pointer: str, name: str | int) -> str:
    """The JSON pointer of a member or an item."""
    return f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"


def text(
    most: int | None = None,
    counting: Counting = "units",
    *,
    least: int = 1,
    form: Literal["plain", "braces"] = "plain",
    also: Callable[[str], str | None] | None = None,
) -> Rule:
    """A text that is not empty, unless `least` is 0, and no longer than `most`; `also` says what else is wrong."""
    limit = Limit(most, counting, least, form)

    def check(value: Any, pointer: str, look: Look) -> None:
        look.limits[pointer] = limit
        if not isinstance(value, str):
            look.refuse(pointer, "Must be a text that is not empty." if least else "Must be a text.")
            return
        wrong = limit.refuse(value) or (also(value) if also is not None else None)
        if wrong is not None:
            look.refuse(pointer, wrong)

    return check


def matching(pattern: str, meaning: str) -> Rule:
    """A text that the whole pattern fits, such as `a colour like #12ab34`."""
    fits = re.compile(pattern).fullmatch

    def check(value: Any, pointer: str, look: Look) -> None:
        if not isinstance(value, str) or not fits(value):
            look.refuse(pointer, f"Must be {meaning}.")

    return check


def address(*schemes: str, most: int) -> Rule:
    """An address with one of these schemes, percent-encoded, with a host where the scheme has one."""
    limit = Limit(most)

    def check(value: Any, pointer: str, look: Look) -> None:
        look.limits[pointer] = limit
        wrong = limit.refuse(value) if isinstance(value, str) else "Must be a text that is not empty."
        look_at = None if wrong or not isinstance(value, str) else _ADDRESS.fullmatch(value)
        if wrong is None and (look_at is None or look_at[1].lower() not in schemes):
            wrong = f"Must be an address that begins with {', '.join(f'{one}:' for one in schemes)}, percent-encoded."
        elif look_at is not None and look_at[1].lower() in ("http", "https") and not _HAS_HOST.match(value):
            wrong = "Must be an address that names a host."
        if wrong is not None:
            look.refuse(pointer, wrong)

    return check


media_url: Rule = address("https", most=MEDIA_URL_MAX)
link: Rule = address("http", "https", "line", "tel", most=LINK_MAX)


def one_of(*values: str) -> Rule:
    """One of these texts."""

    def check(value: Any, pointer: str, look: Look) -> None:
        if not isinstance(value, str) or value not in values:
            look.refuse(pointer, f"Must be one of {', '.join(values)}.")

    return check


def number(least: float, most: float) -> Rule:
    """A number within both bounds."""

    def check(value: Any, pointer: str, look: Look) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            look.refuse(pointer, f"Must be a number from {least:g} to {most:g}.")

    return check


def integer(least: int, most: int | None = None) -> Rule:
    """A whole number not below `least`, nor above `most` if there is one."""
    bounds = f"of {least} or more" if most is None else str(least) if least == most else f"from {least} to {most}"

    def check(value: Any, pointer: str, look: Look) -> None:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or value < least or (most is not None and value > most):
            look.refuse(pointer, f"Must be a whole number {bounds}.")

    return check


def boolean(value: Any, pointer: str, look: Look) -> None:
    """True or false."""
    if not isinstance(value, bool):
        look.refuse(pointer, "Must be true or false.")


def array(item: Rule, least: int, most: int) -> Rule:
    """A list of so many."""

    def check(value: Any, pointer: str, look: Look) -> None:
        if not isinstance(value, list):
            look.refuse(pointer, "Must be a list.")
            return
        if not least <= len(value) <= most:
            size = str(least) if least == most else f"{least} to {most}"
            look.refuse(pointer, f"LINE takes {size} here.")
        for index, one in enumerate(value[:most]):
            item(one, below(pointer, index), look)

    return check


def members(needed: Mapping[str, Rule], optional: Mapping[str, Rule] | None = None, *, closed: bool = False) -> Rule:
    """An object with these members. LINE refuses others where it is `closed`, and ignores them elsewhere."""
    rules = {**needed, **(optional or {})}

    def check(value: Any, pointer: str, look: Look) -> None:
        if not isinstance(value, Mapping):
            look.refuse(pointer, "Must be an object.")
            return
        for name, rule in rules.items():
            given = value.get(name)
            if given is not None:
                rule(given, below(pointer, name), look)
            elif name in needed:
                look.refuse(below(pointer, name), "LINE does not take it without this.")
        for name in value if closed else ():
            if name not in rules and name != "type":
                look.refuse(below(pointer, name), "LINE does not know this.")

    return check


def by_type(rules: Mapping[str, Rule]) -> Rule:
    """An object whose `type` says which of these rules holds."""

    def check(value: Any, pointer: str, look: Look) -> None:
        if not isinstance(value, Mapping):
            look.refuse(pointer, "Must be an object.")
            return
        kind = value.get("type")
        if not isinstance(kind, str) or kind not in rules:
            look.refuse(below(pointer, "type"), f"Must be {'one of ' if len(rules) > 1 else ''}{', '.join(rules)}.")
            return
        rules[kind](value, pointer, look)

    return check

"""What a property may hold, and what LINE says when it holds something else.

A `Check` looks at one value; a `Branch` goes on into objects and lists. Null counts as absent, as it does for LINE.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

import regex

from app.sandbox.answers import Detail

Check = Callable[[Any], str | None]
"""Says what is wrong with a value that is there, in LINE's words, or None."""

Branch = Callable[[Any, str, list[Detail]], None]
"""Adds to the details what is wrong with a value at a path, and with all below it."""

EMPTY, MISSING, FORBIDDEN = "May not be empty", "must be specified", "Must not be specified"
# The reference has words for the first alone; the others were seen in LINE's answers about flex messages.
BAD_URI, BAD_SCHEME, BAD_PROPERTY, UNKNOWN_FIELD = (
    "invalid uri",
    "invalid uri scheme",
    "invalid property",
    "unknown field",
)

MEDIA_URL_MAX, ACTION_URI_MAX = 2_000, 1_000

_NO_LIMIT = 2**31
_CLUSTER = regex.compile(r"\X")
# What RFC 3986 lets stand in an address; anything else has to be percent-encoded.
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?:[!#$&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]|%[0-9A-Fa-f]{2})+")
_WITH_HOST = re.compile(r"https?://[^/?#:@]", re.IGNORECASE)


def count_units(text: str, enough: int = _NO_LIMIT) -> int:
    """The length as LINE counts most texts: UTF-16 code units.

    Counting stops at `enough`, here and below, so that a long text costs no more than a short one.
    """
    if text.isascii() or len(text) >= enough:
        return min(len(text), enough)
    return len(text) + sum(character > "\uffff" for character in text)


def count_clusters(text: str, enough: int = _NO_LIMIT) -> int:
    """The length as LINE counts labels and what templates show: characters as people see them."""
    return sum(1 for _ in islice(_CLUSTER.finditer(text), enough))


def text(most: int | None = None, *, least: int = 1, count: Callable[[str, int], int] = count_units) -> Check:
    """A string that is not empty (unless `least` is 0) and counts at most `most`."""
    too_long = f"Length must be between 0 and {most}"

    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be a string"
        if not value and least:
            return EMPTY
        # No count exceeds two for a code point, so most texts need no counting.
        if most is None or len(value) * 2 <= most or count(value, most + 1) <= most:
            return None
        return too_long

    return check


def clusters(most: int, *, least: int = 1) -> Check:
    """Like `text`, counted as people see it."""
    return text(most, least=least, count=count_clusters)


def matching(pattern: str, wrong: str = BAD_PROPERTY) -> Check:
    """A string that the whole pattern fits."""
    fits = re.compile(pattern).fullmatch

    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be a string"
        return None if fits(value) else wrong

    return check


def both(first: Check, second: Check) -> Check:
    """What both demand; the second is asked only where the first is content."""
    return lambda value: first(value) or second(value)


def uri(*schemes: str, most: int) -> Check:
    """An address with one of the schemes, percent-encoded, with a host where the scheme has one."""
    bounded = text(most)

    def check(value: Any) -> str | None:
        wrong = bounded(value)
        if wrong is not None:
            return wrong
        found = _URI.fullmatch(value)
        if found is None:
            return BAD_URI
        scheme = found[1].lower()
        if scheme not in schemes:
            return BAD_SCHEME
        return BAD_URI if scheme in ("http", "https") and not _WITH_HOST.match(value) else None

    return check


media_url = uri("https", most=MEDIA_URL_MAX)
link = uri("http", "https", "line", "tel", most=ACTION_URI_MAX)


def one_of(*values: str) -> Check:
    """One of these strings."""
    known, wrong = frozenset(values), f"Must be one of the following values: [{', '.join(values)}]"
    return lambda value: None if isinstance(value, str) and value in known else wrong


def number(least: float, most: float) -> Check:
    """A number within both bounds."""

    def check(value: Any) -> str | None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return "must be a number"
        return None if least <= value <= most else f"Must be between {least:g} and {most:g}"

    return check


def integer(least: int, most: int | None = None) -> Check:
    """A whole number not below `least`, nor above `most` if there is one."""

    def check(value: Any) -> str | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return "must be an integer"
        if value < least:
            return f"Must be greater than or equal to {least}"
        return f"Must be less than or equal to {most}" if most is not None and value > most else None

    return check


def boolean(value: Any) -> str | None:
    """True or false."""
    return None if isinstance(value, bool) else "must be a boolean"


class Shape:
    """The properties of an object: what each may hold, and which there must be.

    `filled` are strings whose absence LINE calls empty; `required` must be there; `branches` are objects and lists, of
    which `needed` must be there. A closed shape knows no other properties; an open one ignores them.
    """

    def __init__(
        self,
        *,
        filled: Mapping[str, Check] | None = None,
        required: Mapping[str, Check] | None = None,
        optional: Mapping[str, Check] | None = None,
        branches: Mapping[str, Branch] | None = None,
        needed: Iterable[str] = (),
        closed: bool = False,
    ) -> None:
        filled, required = filled or {}, required or {}
        self._absent = [*((name, EMPTY) for name in filled), *((name, MISSING) for name in (*required, *needed))]
        self._checks = {**filled, **required, **(optional or {})}
        self._branches = dict(branches or {})
        self._closed = closed

    def __call__(self, value: Any, path: str, details: list[Detail]) -> None:
        """A `Branch`: every property of an object by its rule."""
        if not isinstance(value, dict):
            details.append({"message": "must be an object", "property": path})
            return
        for name, wrong in self._absent:
            if value.get(name) is None:
                details.append({"message": wrong, "property": f"{path}.{name}"})
        checks, branches = self._checks, self._branches
        for name, part in value.items():
            if part is None:
                continue
            check = checks.get(name)
            if check is not None:
                complaint = check(part)
                if complaint is not None:
                    details.append({"message": complaint, "property": f"{path}.{name}"})
            elif name in branches:
                branches[name](part, f"{path}.{name}", details)
            elif self._closed:
                details.append({"message": UNKNOWN_FIELD, "property": f"{path}.{name}"})


def array(item: Branch, least: int, most: int) -> Branch:
    """A list of so many. Of a longer one only the first `most` are looked at, so that no body costs too much."""
    size = f"Size must be between {least} and {most}"

    def check(value: Any, path: str, details: list[Detail]) -> None:
        if not isinstance(value, list):
            details.append({"message": "must be an array", "property": path})
            return
        if not least <= len(value) <= most:
            details.append({"message": size, "property": path})
        for position, part in enumerate(value[:most]):
            item(part, f"{path}[{position}]", details)

    return check


def union(shapes: Mapping[str, Branch]) -> Branch:
    """An object whose `type` says which of the shapes it has."""
    known = one_of(*shapes)

    def check(value: Any, path: str, details: list[Detail]) -> None:
        if not isinstance(value, dict):
            details.append({"message": "must be an object", "property": path})
            return
        kind: Any = value.get("type")
        wrong = MISSING if kind is None else known(kind)
        if wrong is None:
            shapes[kind](value, path, details)
        else:
            details.append({"message": wrong, "property": f"{path}.type"})

    return check

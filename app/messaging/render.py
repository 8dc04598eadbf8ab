"""Messages with variables: read once, then only filled in.

`{{ store.name }}`, `{{ customer.name | default: "お客様" }}`. A missing value never sends a broken text: without a
value and a default nothing is sent to that person, and so it is when what was filled in is longer than LINE takes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Literal
from urllib.parse import quote

import orjson

from app.messaging.content.fields import Limit
from app.messaging.content.rules import look_at
from tenants.problems import Invalid

MOST_NUMBER: Final = 2**53 - 1
"""Up to here every reader of JSON has the same number; kept, one of a hundred digits could not be written again."""
VARIABLES: Final[Mapping[str, str | None]] = {
    "customer.name": "お客様",
    "customer.member_number": None,
    "customer.attributes.…": None,
    "store.name": None,
    "store.address": None,
    "store.phone": None,
    "store.values.…": None,
    "brand.name": None,
    "coupon.name": None,
    "coupon.code": None,
    "coupon.expires_at": None,
    "coupon.url": None,
    "coupon.line_id": None,
    "block.…": None,
}
"""Every variable, with what stands in for a missing value. In place of … comes a name that the brand chose."""
ATTRIBUTES: Final = "customer.attributes."
STORE_VALUES: Final = "store.values."
BLOCKS: Final = "block."
_OPEN = (ATTRIBUTES, STORE_VALUES, BLOCKS)
SAMPLES: Final = {
    "customer.name": "お客様",
    "customer.member_number": "100001",
    "store.phone": "03-0000-0000",
    "coupon.code": "0123456789AB",
    "coupon.expires_at": "12/31 23:59",
    "coupon.url": "https://example.com/",
    "coupon.line_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "coupon.name": "クーポン",
}
"""What may stand behind a variable, where messages are shown before there is somebody who gets them."""
_SAMPLE_ADDRESS = "https://example.com/"

_VARIABLE = re.compile(r"\{\{\s*([^{}|]+?)\s*(?:\|\s*default:\s*\"([^\"]*)\"\s*)?\}\}")
_MARK = "\ue000{}\ue001"
_MARKS = re.compile("\ue000([0-9]+)\ue001".encode())
_ANYTHING = Limit(None, least=0)
Form = Literal["plain", "braces", "address", "part"]


class Unfillable(Exception):
    """These values make no message: one is missing, or a text becomes longer than LINE takes. It says which."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A place in the rendered JSON where a value is written."""

    variable: str
    default: str | None
    form: Form = "plain"
    """What the value is made fit for: a link that it begins, or is a part of; a text where LINE reads braces."""

    def fit(self, value: str) -> str:
        """The value as it may stand here."""
        if self.form == "plain":
            return value
        if self.form == "braces":
            return value.replace("{", "{{").replace("}", "}}")
        return quote(value, safe="-._~" if self.form == "part" else "-._~:/?#[]@!$&'()*+,;=%")


@dataclass(frozen=True, slots=True)
class Place:
    """One text with gaps, and how long it may become."""

    pointer: str
    first: int
    """The number of its first gap."""
    literals: tuple[str, ...]
    """What stands before, between and behind its gaps."""
    limit: Limit

    def write(self, values: Sequence[str]) -> str:
        """The text with all gaps filled in."""
        own = values[self.first : self.first + len(self.literals) - 1]
        return self.literals[0] + "".join(value + rest for value, rest in zip(own, self.literals[1:], strict=True))


@dataclass(frozen=True)
class Template:
    """A list of LINE messages as JSON bytes with gaps: `pieces[0] gap[0] pieces[1] …`."""

    pieces: tuple[bytes, ...]
    gaps: tuple[Gap, ...]
    places: tuple[Place, ...]

    @cached_property
    def variables(self) -> frozenset[str]:
        """The variables that occur."""
        return frozenset(gap.variable for gap in self.gaps)

    def render(self, values: Mapping[str, str | None]) -> bytes:
        """The JSON array of messages with these values; a missing one becomes the default. Raises Unfillable."""
        written = []
        for gap in self.gaps:
            value = values.get(gap.variable) or gap.default
            if gap.default is not None and value is not None and value.isspace():
                value = gap.default  # some people at LINE are called by a space
            if value is None:
                raise Unfillable(f"There is no {gap.variable} for her, and the text has no default.")
            written.append(value if gap.form == "plain" else gap.fit(value))
        for place in self.places:
            wrong = place.limit.refuse(place.write(written))
            if wrong is not None:
                raise Unfillable(f"{place.pointer} is wrong once it is filled in. {wrong}")
        return self._write(written)

    def _write(self, values: Sequence[str]) -> bytes:
        parts = [self.pieces[0]]
        for value, piece in zip(values, self.pieces[1:], strict=True):
            parts.append(orjson.dumps(value)[1:-1])
            parts.append(piece)
        return b"".join(parts)

    def show_sample(self) -> list[Any]:
        """The messages with every gap filled in by its default, or by something that might stand there."""
        messages: list[Any] = orjson.loads(self._write([gap.fit(_sample(gap)) for gap in self.gaps]))
        return messages


def is_personal(variable: str) -> bool:
    """Whether its value differs from person to person, so that each gets a call of her own."""
    return variable.startswith("customer.") or variable in ("coupon.code", "coupon.expires_at")


def is_of_store(variable: str) -> bool:
    """Whether its value differs from store to store."""
    return variable.startswith(("store.", BLOCKS))


def write_attribute(value: Any) -> str | None:
    """A value of a customer's attribute as it is written in a text; None where it is no plain value."""
    if isinstance(value, bool):
        return "はい" if value else "いいえ"
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:,.10g}" if isinstance(value, float) else None


def read_template(messages: Sequence[Mapping[str, Any]]) -> Template:
    """The template of these messages. Raises Invalid, with a pointer into them, for an unknown variable."""
    marked = _Marking()
    split = _MARKS.split(orjson.dumps(marked.mark(list(messages), "/messages")))
    # Gaps were numbered in the order in which they are written.
    unbound = Template(tuple(split[0::2]), tuple(marked.gaps), ())
    if not marked.gaps:
        return unbound
    limits = look_at(unbound.show_sample()).limits
    gaps, places = list(marked.gaps), []
    for pointer, first, literals in marked.places:
        limit = limits.get(pointer, _ANYTHING)
        places.append(Place(pointer, first, literals, limit))
        if limit.form == "braces":
            numbers = range(first, first + len(literals) - 1)
            gaps[numbers.start : numbers.stop] = [replace(gaps[number], form="braces") for number in numbers]
    return Template(unbound.pieces, tuple(gaps), tuple(places))


class _Marking:
    """Puts a mark in the place of each variable, and notes what stood there."""

    def __init__(self) -> None:
        self.gaps: list[Gap] = []
        self.places: list[tuple[str, int, tuple[str, ...]]] = []
        """The pointer of each text with gaps, the number of its first, and what stands around them."""

    def mark(self, value: Any, pointer: str) -> Any:
        """The value with its variables marked. Raises Invalid."""
        if isinstance(value, Mapping):
            return {key: self.mark(item, f"{pointer}/{_escape(key)}") for key, item in value.items()}
        if isinstance(value, list):
            return [self.mark(item, f"{pointer}/{index}") for index, item in enumerate(value)]
        if isinstance(value, int | float) and abs(value) > MOST_NUMBER:
            raise Invalid.at(pointer, f"Numbers lie between -{MOST_NUMBER:,} and {MOST_NUMBER:,}.")
        if not isinstance(value, str):
            return value
        if "\ue000" in value or "\ue001" in value:
            raise Invalid.at(pointer, "Holds a private-use character that cannot be sent.")
        if "{{" not in value and "}}" not in value:
            return value
        return self._mark_text(value, pointer)

    def _mark_text(self, text: str, pointer: str) -> str:
        first, literals, end = len(self.gaps), [], 0
        is_link = pointer.lower().endswith(("url", "uri", "/desktop"))
        for match in _VARIABLE.finditer(text):
            name, default = match.group(1), match.group(2)
            if not _is_known(name):
                raise Invalid.at(pointer, f"There is no variable {name}; there are {', '.join(VARIABLES)}.")
            literals.append(text[end : match.start()])
            end = match.end()
            form: Form = "plain" if not is_link else "part" if match.start() else "address"
            self.gaps.append(Gap(name, default if default is not None else VARIABLES.get(name), form))
        literals.append(text[end:])
        if any("{{" in one or "}}" in one for one in literals):  # it would go out as it stands, for people to read
            raise Invalid.at(pointer, 'Write a variable as {{ store.name }} or {{ store.name | default: "…" }}.')
        self.places.append((pointer, first, tuple(literals)))
        marks = (_MARK.format(number) for number in range(first, len(self.gaps)))
        return literals[0] + "".join(mark + rest for mark, rest in zip(marks, literals[1:], strict=True))


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _is_known(name: str) -> bool:
    if name.startswith(_OPEN):
        return name not in _OPEN
    return name in VARIABLES and not name.endswith("…")


def _sample(gap: Gap) -> str:
    if gap.default:
        return gap.default
    return _SAMPLE_ADDRESS if gap.form == "address" else SAMPLES.get(gap.variable, "見本")


def check_messages(messages: Sequence[Mapping[str, Any]], *, with_blocks: bool = False) -> Template:
    """The template of messages that LINE would take. Raises Invalid with a pointer for each error.

    Only messages of a template of ours may name its blocks.
    """
    template = read_template(messages)
    look = look_at(template.show_sample())
    taken = {error["pointer"] for error in look.errors}
    for place in template.places:
        if place.limit is _ANYTHING and place.pointer not in taken:
            look.refuse(place.pointer, "No variable can stand here.")
        _, number, *rest = place.pointer.split("/")[1:]
        emojis = messages[int(number)].get("emojis") if rest == ["text"] else None
        if emojis:
            detail = "The places of emoji move with what is filled in: name them in textV2."
            look.refuse(f"/messages/{number}/emojis", detail)
    if look.errors:
        raise Invalid(look.errors)
    blocks = sorted(one for one in template.variables if one.startswith(BLOCKS))
    if blocks and not with_blocks:
        raise Invalid.at("/messages", f"Only the messages of a template have blocks, such as {blocks[0]}.")
    return template

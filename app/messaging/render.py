"""Messages with variables: read once, then only filled in.

`{{ store.name }}`, `{{ customer.name | default: "お客様" }}`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tenants.problems import Invalid

VARIABLES: Final = {
    "customer.name": "お客様",
    "store.name": "",
    "brand.name": "",
    "coupon.name": "",
    "coupon.code": None,
    "coupon.expires_at": None,
}
"""Every variable, with what stands in for a missing value; None: the person has one, or is not sent to."""
PERSONAL: Final = frozenset({"customer.name", "coupon.code", "coupon.expires_at"})
"""Variables whose value differs from person to person."""

_IMAGE: Final = {"originalContentUrl": "text", "previewImageUrl": "text"}
_MEMBERS: Final[dict[str, dict[str, str]]] = {
    "text": {"text": "text"},
    "textV2": {"text": "text"},
    "sticker": {"packageId": "text", "stickerId": "text"},
    "image": _IMAGE,
    "video": _IMAGE,
    "audio": {"originalContentUrl": "text", "duration": "number"},
    "location": {"title": "text", "address": "text", "latitude": "number", "longitude": "number"},
    "imagemap": {"baseUrl": "text", "altText": "text", "baseSize": "object", "actions": "list"},
    "template": {"altText": "text", "template": "object"},
    "flex": {"altText": "text", "contents": "object"},
    "coupon": {"couponId": "text"},
}
"""What a message of each type must have. LINE refuses a whole batch of people for one message without it."""
_KINDS: Final[dict[str, tuple[type, ...]]] = {"number": (int, float), "object": (Mapping,), "list": (list,)}
_VARIABLE = re.compile(r"\{\{\s*([a-z_.]+)\s*(?:\|\s*default:\s*\"([^\"]*)\"\s*)?\}\}")
_MARK = "\ue000{}\ue001"
_MARKS = re.compile("\ue000([0-9]+)\ue001".encode())
MAX_TEXT_UNITS: Final = 5000


@dataclass(frozen=True)
class Gap:
    """A place in the rendered JSON where a value is written."""

    variable: str
    default: str | None


@dataclass(frozen=True)
class Template:
    """A list of LINE messages as JSON bytes with gaps: `pieces[0] gap[0] pieces[1] …`."""

    pieces: tuple[bytes, ...]
    gaps: tuple[Gap, ...]

    @property
    def variables(self) -> frozenset[str]:
        """The variables that occur."""
        return frozenset(gap.variable for gap in self.gaps)

    def render(self, values: Mapping[str, str | None]) -> bytes:
        """The JSON array of messages with these values; a missing one becomes the default."""
        parts = [self.pieces[0]]
        for gap, piece in zip(self.gaps, self.pieces[1:], strict=True):
            value = values.get(gap.variable) or gap.default or ""
            parts.append(orjson.dumps(value)[1:-1])
            parts.append(piece)
        return b"".join(parts)


def read_template(messages: Sequence[Mapping[str, Any]]) -> Template:
    """The template of these messages. Raises Invalid, with a pointer into them, for an unknown variable."""
    gaps: list[Gap] = []
    marked = _mark(list(messages), "/messages", gaps)
    split = _MARKS.split(orjson.dumps(marked))
    order = [gaps[int(number)] for number in split[1::2]]
    return Template(tuple(split[0::2]), tuple(order))


def _mark(value: Any, pointer: str, gaps: list[Gap]) -> Any:
    if isinstance(value, Mapping):
        return {key: _mark(item, f"{pointer}/{key}", gaps) for key, item in value.items()}
    if isinstance(value, list):
        return [_mark(item, f"{pointer}/{index}", gaps) for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    if "\ue000" in value or "\ue001" in value:
        raise Invalid.at(pointer, "Holds a private-use character that cannot be sent.")

    def take(match: re.Match[str]) -> str:
        name, default = match.group(1), match.group(2)
        if name not in VARIABLES:
            raise Invalid.at(pointer, f"There is no variable {name}; there are {', '.join(VARIABLES)}.")
        gaps.append(Gap(name, default if default is not None else VARIABLES[name]))
        return _MARK.format(len(gaps) - 1)

    marked = _VARIABLE.sub(take, value)
    if "{{" in marked or "}}" in marked:  # it would go out as it stands, for people to read
        raise Invalid.at(pointer, 'Write a variable as {{ store.name }} or {{ store.name | default: "…" }}.')
    return marked


def check_messages(messages: Sequence[Mapping[str, Any]]) -> Template:
    """The template of messages that LINE would take. Raises Invalid with a pointer.

    LINE counts text in UTF-16 units. Source: Messaging API reference, message objects.
    """
    if not 1 <= len(messages) <= 5:
        raise Invalid.at("/messages", "LINE takes 1 to 5 messages.")
    for index, message in enumerate(messages):
        pointer = f"/messages/{index}"
        kind = message.get("type")
        if not isinstance(kind, str) or kind not in _MEMBERS:
            raise Invalid.at(f"{pointer}/type", f"Must be one of {', '.join(sorted(_MEMBERS))}.")
        for name, wanted in _MEMBERS[kind].items():
            _check_member(message.get(name), wanted, f"{pointer}/{name}")
        if kind == "flex" and message["contents"].get("type") not in ("bubble", "carousel"):
            raise Invalid.at(f"{pointer}/contents/type", "Must be bubble or carousel.")
    return read_template(messages)


def _check_member(value: Any, wanted: str, pointer: str) -> None:
    if wanted == "text":
        if not isinstance(value, str) or not value.strip():
            raise Invalid.at(pointer, "Must be a text that is not empty.")
        if len(value.encode("utf-16-le", "surrogatepass")) // 2 > MAX_TEXT_UNITS:
            raise Invalid.at(pointer, f"LINE takes at most {MAX_TEXT_UNITS} UTF-16 units.")
    elif isinstance(value, bool) or not isinstance(value, _KINDS[wanted]):
        raise Invalid.at(pointer, f"Must be {'an' if wanted == 'object' else 'a'} {wanted}.")

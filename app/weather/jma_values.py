"""Values out of a decoded forecast file, each refused with the place where it stands if it is of another kind."""

import re
from datetime import UTC, datetime
from typing import Any

import orjson

from app.weather.outlook import Gap

_STAMP = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](Z|[+-][01][0-9]:[0-5][0-9])")


NOT_STATED = Gap("the file leaves it empty")


class ForecastMalformed(Exception):
    """The file does not have the shape of a JMA forecast; `pointer` says where it departs from it."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(f"{pointer or '/'} {detail}")
        self.pointer = pointer
        self.detail = detail


def load(raw: bytes) -> object:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ForecastMalformed("", f"is not JSON: {error}") from None


def read_object(value: object, at: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ForecastMalformed(at, "is not an object")
    return value


def read_list(value: object, at: str, limit: int) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise ForecastMalformed(at, "is not a list with entries")
    if len(value) > limit:
        raise ForecastMalformed(at, f"has more than {limit} entries")
    return value


def read_text(value: object, at: str) -> str:
    if not isinstance(value, str) or not value:
        raise ForecastMalformed(at, "is not text")
    return value


def read_stamp(value: object, at: str) -> datetime:
    """An instant with its offset, in UTC. Without an offset it would be anybody's guess."""
    if isinstance(value, str) and _STAMP.fullmatch(value):
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except ValueError:
            pass
    raise ForecastMalformed(at, "is not a time with its offset")


def plain(text: object) -> str | None:
    """JMA's prose with its full-width spaces closed up."""
    return " ".join(text.replace("\u3000", " ").split()) if isinstance(text, str) and text else None


def quote(value: object) -> str:
    """A value for a message: text is quoted and cut, anything else named by its kind, as it may be deep."""
    return repr(value[:40]) if isinstance(value, str) else f"a {type(value).__name__}"


def token(key: str) -> str:
    return key[:40].replace("~", "~0").replace("/", "~1")

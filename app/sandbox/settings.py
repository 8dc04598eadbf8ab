"""The switches of the sandbox: where LINE's documents leave a choice, and what only LINE could know.

A new switch is one field here; what it may hold is read from its type, or stands beside it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any


class NoSuchSetting(ValueError):
    """A switch that is not there, or a value that it cannot take; the text says which."""


def _choice(*values: str) -> Any:
    """One of these texts; the first unless told otherwise."""
    return field(default=values[0], metadata={"choices": values})


@dataclass(slots=True)
class Settings:
    """Where LINE's documents leave a choice, and what a test wants otherwise. `PUT /_sandbox/settings`."""

    foreign_multicast_ids: str = _choice("refuse", "skip")
    """An id of another provider in a multicast: "refuse" all with 400, or "skip" it. The documents say both."""
    unauthenticated_text: str = _choice("new", "old")
    """The wording of the 401. Both have been seen."""
    bucket_capacity: str = _choice("rate", "double")
    """How many calls a full bucket holds: as many as the rate counts, or twice that. LINE publishes only the rate."""
    content_type_charset: bool = True
    """Whether answers say `application/json;charset=UTF-8`, as has been seen, or without the charset, as documented."""
    webhook_timeout_seconds: float = 2.0
    webhook_bundle: int = 1
    """Up to how many people's events share one call of a webhook."""
    webhook_header_case: str = _choice("lower", "title")
    """How the signature's header is written: "x-line-signature", or "X-Line-Signature"."""
    webhook_apply_seconds: float = 0.0
    """How long a new webhook address takes to be in force, on the sandbox's clock: LINE says up to a minute. The old
    one is called until then."""
    webhook_suspend_seconds: float = 0.0
    """After failing for so long, on the sandbox's clock, a webhook is called no more until its address is set again
    or its test succeeds. LINE says that it may do so and not when; 0 is never."""
    content_life_seconds: float = 30 * 24 * 3600.0
    """How long what people send is kept, on the sandbox's clock. LINE does not say."""
    content_preparing_seconds: float = 0.0
    """How long LINE prepares each content before it can be had."""
    webhook_log_size: int = 1_000
    """How many of the last events sent `GET /_sandbox/webhooks` remembers."""
    redelivery_seconds: list[float] = field(default_factory=lambda: [60.0, 300.0, 900.0, 3600.0])
    """Waits before each redelivery, on the sandbox's clock; empty is none. LINE does not publish its own."""
    reply_token_seconds: float = 60.0
    """How long a reply token is good after its event was delivered. LINE says not to rely on it."""
    same_user_pushes: int = 100
    """Pushes to one person within `same_user_seconds` before LINE takes it for a flood and answers 429. LINE has such
    a guard and publishes no number; this one is high enough for a lively chat and stops a loop. 0 is no guard."""
    same_user_seconds: float = 10.0
    consumption_lag_seconds: float = 60.0
    """How far `quota/consumption` may stay behind, on the sandbox's clock. LINE calls it approximate. A minute is what
    a caller notices who reads it after each send to learn what is left, and no hindrance to one who counts himself."""
    broadcast_seconds: float = 10.0
    """How long LINE is busy with a broadcast: until then its statistics do not say how many got it."""
    login_issuer: str = ""
    """Whom ID tokens of LINE Login name as their issuer; empty is the sandbox's own address. A client that has LINE's
    name built in wants "https://access.line.me"."""
    rich_menu_seconds: float = 1.0
    """How long after its 202 a bulk link, or a batch, of rich menus is done, on the sandbox's clock."""
    follower_pages: str = _choice("full", "short")
    """Whether pages of followers and members are filled up to the limit, or, as LINE reserves, may hold fewer."""


_AT_FIRST = Settings()


def change(now: Settings, values: Mapping[str, Any]) -> Settings:
    """The settings with these values in them. Raises NoSuchSetting."""
    known = {each.name: each for each in fields(Settings)}
    for name, value in values.items():
        if name not in known:
            raise NoSuchSetting(f"there is no setting {name}")
        _check(name, value, type(getattr(_AT_FIRST, name)), known[name].metadata.get("choices"))
    return Settings(**{**asdict(now), **values})


def _check(name: str, value: Any, kind: type, choices: tuple[str, ...] | None) -> None:
    if choices is not None:
        if value not in choices:
            raise NoSuchSetting(f"{name} is " + " or ".join(f'"{each}"' for each in choices))
    elif kind is bool:
        if not isinstance(value, bool):
            raise NoSuchSetting(f"{name} is true or false")
    elif kind is str:
        if not isinstance(value, str):
            raise NoSuchSetting(f"{name} is a text")
    elif kind is list:
        if not isinstance(value, list) or not all(_is_amount(each, float) for each in value):
            raise NoSuchSetting(f"{name} is a list of numbers from 0")
    elif not _is_amount(value, kind):
        raise NoSuchSetting(f"{name} is a {'whole ' if kind is int else ''}number from 0")


def _is_amount(value: Any, kind: type) -> bool:
    """A number from 0, which whoever wants a float may write without a point."""
    return isinstance(value, int if kind is int else (int, float)) and not isinstance(value, bool) and value >= 0

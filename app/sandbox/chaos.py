"""What goes wrong with webhooks on LINE's side, or near it: drawn by chance, and the same again for the same seed.

Nothing is lost by chaos: every event arrives, though it may come twice, late, nameless, or beside others.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

_RATIOS = (
    "duplicates_ratio",
    "disorder_ratio",
    "unknown_events_ratio",
    "missing_user_ratio",
    "standby_ratio",
    "wrong_signature_ratio",
)
_COUNTS = ("burst", "bundle", "seed")
NEVER_SEEN = "sandboxNovelty"
"""The type of the events that nobody can know yet."""


class MalformedChaos(ValueError):
    """Chaos that cannot be meant; the text says why."""


class Parcel(NamedTuple):
    """An event on its way, and what is done to it there."""

    event: dict[str, Any]
    late: bool = False
    """It lets the person's next event overtake it."""
    forged: bool = False
    """The call that carries it is made once before with a wrong signature, as by somebody who guesses."""


@dataclass(slots=True)
class Chaos:
    """How much of it there is. `PUT /_sandbox/chaos` replaces all; what is not named there is calm again."""

    duplicates_ratio: float = 0.0
    """Events that come twice, without being marked as redelivered."""
    disorder_ratio: float = 0.0
    """Events that arrive after the same person's next one."""
    unknown_events_ratio: float = 0.0
    """Events that carry members nobody knows, and are followed by one of a type that nobody knows."""
    missing_user_ratio: float = 0.0
    """Events whose source does not say who it is: LINE leaves the id out for who has not consented."""
    standby_ratio: float = 0.0
    """Events that come as to a channel on standby, with no reply token."""
    wrong_signature_ratio: float = 0.0
    """Events whose call comes first with a wrong signature, then with the right one."""
    burst: int = 0
    """How many events come back at once for each broadcast that is taken."""
    bundle: int = 0
    """Up to so many events share one call; how many, is drawn. 0 leaves that to the setting `webhook_bundle`."""
    seed: int = 0
    _random: random.Random = field(default_factory=random.Random)
    _aside: random.Random = field(default_factory=random.Random)
    """For what is drawn while calls are under way, whose order is nobody's: it must not change what events suffer."""

    def is_calm(self) -> bool:
        return not any(getattr(self, name) for name in (*_RATIOS, "burst", "bundle"))

    def draw_bundle(self, setting: int) -> int:
        """How many events the next call may carry."""
        return self._aside.randint(1, self.bundle) if self.bundle else max(1, setting)

    def disturb(self, event: dict[str, Any]) -> list[Parcel]:
        """What becomes of one event, in the order of sending."""
        if self._draws(self.missing_user_ratio) and "userId" in event.get("source", {}):
            source = {name: value for name, value in event["source"].items() if name != "userId"}
            event = {**event, "source": source}
        if self._draws(self.standby_ratio):
            event = {name: value for name, value in event.items() if name != "replyToken"} | {"mode": "standby"}
        unknown = self._draws(self.unknown_events_ratio)
        if unknown:
            event = {**event, "sandboxMember": {"grade": [1, 2, 3], "empty": None}}
        parcel = Parcel(event, late=self._draws(self.disorder_ratio), forged=self._draws(self.wrong_signature_ratio))
        parcels = [parcel, parcel] if self._draws(self.duplicates_ratio) else [parcel]
        if unknown:
            parcels.append(Parcel(_never_seen(event)))
        return parcels

    def _draws(self, ratio: float) -> bool:
        return ratio > 0 and (ratio >= 1 or self._random.random() < ratio)

    def pick(self, count: int) -> int:
        """A number below `count`."""
        return self._aside.randrange(count)


def _never_seen(event: dict[str, Any]) -> dict[str, Any]:
    common = ("timestamp", "source", "mode", "deliveryContext")
    # The last letter differs, so that it has an id of its own that is as long and as old.
    number = event["webhookEventId"]
    return {
        "type": NEVER_SEEN,
        "webhookEventId": number[:-1] + ("0" if number[-1] != "0" else "1"),
        **{name: event[name] for name in common if name in event},
        NEVER_SEEN: {"of": event["type"]},
    }


def parse(values: Mapping[str, Any]) -> Chaos:
    """Chaos as `PUT /_sandbox/chaos` takes it. Raises MalformedChaos."""
    if unknown := set(values) - {*_RATIOS, *_COUNTS}:
        raise MalformedChaos(f"unknown: {', '.join(sorted(unknown))}")
    for name in _RATIOS:
        value = values.get(name, 0.0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise MalformedChaos(f"{name} is a number from 0 to 1")
    for name in _COUNTS:
        value = values.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1_000_000:
            raise MalformedChaos(f"{name} is a whole number from 0 to 1,000,000")
    seed = values.get("seed", 0)
    return Chaos(**values, _random=random.Random(seed), _aside=random.Random(seed))  # noqa: S311 (it repeats itself)


def show(chaos: Chaos) -> dict[str, Any]:
    """Chaos as it is read back."""
    return {each.name: getattr(chaos, each.name) for each in fields(Chaos) if not each.name.startswith("_")}

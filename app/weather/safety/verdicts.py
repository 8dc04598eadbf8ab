"""What warnings mean for invitations to a store, as a pure function."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Literal

from app.schemas import write_instant
from app.weather.outlook import Gap, WarningInForce, Warnings

Kind = Literal["stop", "hold", "weather"]

OLDEST: Final = timedelta(minutes=60)
"""By the feed's own clock: what is older is not known any more."""
STOPPED_BY: Final = frozenset({"rain", "landslide", "storm", "snowstorm", "snow", "surge", "flood"})
"""Of what a warning stops. Dangers and emergencies stop whatever they are of."""
REVIEWED: Final = frozenset({"storm", "rain", "snow", "snowstorm"})
"""Of what an advisory holds weather rules until a person lets them go on."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be kept back for a store, and why; `kind` is None where nothing is."""

    kind: Kind | None
    cause: str
    in_force: tuple[WarningInForce, ...] = ()
    source: str | None = None
    checked_at: datetime | None = None

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """What is in force, as it is kept and shown."""
        return [
            {
                "code": one.code,
                "phenomenon": one.phenomenon,
                "tier": one.tier,
                "issued_at": write_instant(one.issued_at),
            }
            for one in self.in_force
        ]


def judge(warnings: Warnings | Gap, *, was_known: bool, now: datetime) -> Verdict:
    """What the warnings over a place keep back at `now`.

    What is not known holds everything that invites, or, over a place of which it never was known, weather rules alone:
    an installation that does not reach JMA sends its campaigns, but nothing by the weather.
    """
    if isinstance(warnings, Gap):
        return Verdict("hold" if was_known else "weather", f"It is not known what is in force: {warnings.reason}")
    told = partial(Verdict, in_force=warnings.in_force, source=warnings.source, checked_at=warnings.checked_at)
    if now - warnings.checked_at > OLDEST:
        return told("hold", f"What is in force was last known at {write_instant(warnings.checked_at)}.")
    stopping = [one for one in warnings.in_force if _stops(one)]
    if stopping:
        return told("stop", f"In force: {_name(stopping)}.")
    reviewed = [one for one in warnings.in_force if one.tier == "advisory" and one.phenomenon in REVIEWED]
    if reviewed:
        return told("weather", f"Weather rules wait for a person's word, in force: {_name(reviewed)}.")
    return told(None, "Nothing in force stops invitations.")


def _stops(one: WarningInForce) -> bool:
    if one.tier in ("danger", "emergency"):
        return True
    return one.tier == "warning" and one.phenomenon in STOPPED_BY


def _name(warnings: list[WarningInForce]) -> str:
    return ", ".join(sorted({f"{one.phenomenon} {one.tier} ({one.code})" for one in warnings}))

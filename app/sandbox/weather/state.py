"""What the weather of the sandbox is at the moment: a scenario for each office, and recorded days if given."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.sandbox.weather.recorded import RecordedIssue
from app.sandbox.weather.scenarios import NAMES
from app.sandbox.weather.tables import CARRIED_BY, offices, raw

DEFAULT = "dry"


class UnknownWeather(ValueError):
    """There is no such scenario or office; the text says which there are."""


@dataclass(slots=True)
class Weather:
    """The weather of all offices."""

    scenarios: dict[str, str] = field(default_factory=dict)
    """By office; those not named are dry."""
    changes: dict[str, int] = field(default_factory=dict)
    """How often an office's scenario changed: each change makes its file younger by a second."""
    recorded: Mapping[str, Sequence[RecordedIssue]] = field(default_factory=dict)
    warnings: dict[str, dict[str, str]] = field(default_factory=dict)
    """By municipality (class20) and code: the status."""
    warned_at: float = 0.0
    """When the warnings were put, in seconds since 1970."""

    def scenario_of(self, office: str) -> str:
        return self.scenarios.get(office, DEFAULT)

    def put(self, scenario: str, office_codes: Iterable[str] | None) -> None:
        """Put a scenario over some offices, or over all; the others keep theirs. Raises UnknownWeather."""
        if scenario not in NAMES:
            raise UnknownWeather(f"{scenario!r} is none of {', '.join(sorted(NAMES))}")
        codes = list(offices()) if office_codes is None else list(office_codes)
        for code in codes:
            if code in CARRIED_BY:
                raise UnknownWeather(f"office {code} has no file; its area is in that of {CARRIED_BY[code]}")
            if code not in offices():
                raise UnknownWeather(f"there is no office {code!r}")
        for code in codes:
            if self.scenario_of(code) != scenario:
                self.scenarios[code] = scenario
                self.changes[code] = self.changes.get(code, 0) + 1

    def warn(self, warnings: Iterable[tuple[str, str, str]], now: float) -> None:
        """Let these, each a class20, code and status, be all the warnings there are. Raises UnknownWeather."""
        found: dict[str, dict[str, str]] = {}
        for class20, code, status in warnings:
            if class20 not in raw()["class20s"]:
                raise UnknownWeather(f"there is no class20 {class20!r}")
            found.setdefault(class20, {})[code] = status
        self.warnings, self.warned_at = found, now

    def reset(self) -> None:
        """Dry everywhere, and no warnings."""
        self.put(DEFAULT, None)
        self.warnings, self.warned_at = {}, 0.0

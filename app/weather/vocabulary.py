"""The readings that a condition may use: what each may be compared with, over which time, and who has to say it."""

from dataclasses import dataclass
from typing import Final

from app.weather.calendars import LABELS
from app.weather.outlook import TIERS, Sky

EQUALITY: Final = ("=", "in")
COMPARISONS: Final = ("=", "in", "<", "<=", ">", ">=")
CHANGES: Final = ("rises_by", "drops_by")
FIRST: Final = "first_time_this_season"
OPERATORS: Final = (*COMPARISONS, *CHANGES, FIRST)
REFERENCES: Final = ("yesterday", "normal")
"""What a change may be measured against: what was observed the day before, or the normal of the date."""

MOST_DAYS: Final = 30
"""Of `for_days`."""

POLLEN: Final = ("low", "medium", "high", "very_high")


@dataclass(frozen=True, slots=True)
class Term:
    """One reading. It is a number from `least` to `greatest`, or one or several of the names in `choices`.

    `needs` is the part of the outlook beside the forecast that it is read from, `windowed` says that it is one of
    hours and takes `in`, `ranked` that its choices go from little to much.
    """

    least: float = 0
    greatest: float = 0
    choices: tuple[str, ...] = ()
    ranked: bool = False
    windowed: bool = False
    needs: str | None = None
    daily: bool = False
    """Whether it can be told of days gone by, for `for_days`."""
    seasonal: bool = False
    """Whether it may be asked for the first time of a season."""
    changes: bool = False
    """Whether it may rise or drop by something."""

    @property
    def is_number(self) -> bool:
        """Whether it is compared with numbers."""
        return self.greatest > self.least

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators that it takes."""
        if not self.choices and not self.is_number:
            return ("=",)
        found = COMPARISONS if self.is_number or self.ranked else EQUALITY
        return (*found, *(CHANGES if self.changes else ()), *((FIRST,) if self.seasonal else ()))


TERMS: Final[dict[str, Term]] = {
    "precipitation_probability": Term(0, 100, windowed=True),
    "precipitation": Term(0, 1000, windowed=True, needs="hourly", daily=True),
    "raining_now": Term(needs="observed"),
    "sky": Term(choices=tuple(Sky), seasonal=True),
    "weather": Term(choices=(*Sky, "thunder", "fog", "heavy", "storm"), daily=True, seasonal=True),
    "temperature": Term(-50, 50, needs="observed"),
    "temperature_max": Term(-50, 50, daily=True, seasonal=True, changes=True),
    "temperature_min": Term(-50, 50, seasonal=True),
    "apparent_temperature": Term(-70, 70, windowed=True, needs="hourly"),
    "wbgt": Term(-20, 50, windowed=True, needs="heat"),
    "heat_alert": Term(choices=("none", "alert", "special"), ranked=True, needs="heat"),
    "wind_speed": Term(0, 100, windowed=True, needs="observed"),
    "wind_gust": Term(0, 150, windowed=True, needs="hourly"),
    "snowfall": Term(0, 500, windowed=True, needs="hourly"),
    "snow_depth": Term(0, 1500, needs="observed"),
    "warning": Term(choices=("none", *TIERS), ranked=True, needs="warnings"),
    "pollen": Term(choices=POLLEN, ranked=True),
    "calendar": Term(choices=LABELS),
}
"""By name, in the order in which documents list them. Units: %, mm, °C, m/s and cm."""

FORECAST: Final = frozenset(
    {"precipitation_probability", "sky", "weather", "temperature_max", "temperature_min"},
)
"""The readings that JMA's forecast gives."""

FROM_HISTORY: Final = frozenset({"rain", "snow"})
"""The kinds of weather that observations can tell of a day gone by."""

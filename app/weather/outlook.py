"""What is known of the weather at one place at one moment, whoever said it: forecast, observed, warned of, gone by.

Every part is there or is a `Gap` with its reason; a value that is absent is never a number, so that nothing can mistake
"not stated" for "no rain". Instants are UTC, dates are Japanese. Nothing here asks a clock or a database: the same
parts are filled now from what was fetched, and in a back-test from what was known then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Gap:
    """A value that is not there, and why."""

    reason: str


class Sky(StrEnum):
    """What the sky mainly does on a day."""

    CLEAR = "clear"
    CLOUDY = "cloudy"
    RAIN = "rain"
    SNOW = "snow"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class PlaceForecast:
    """What one issue says about one place.

    `rain` holds the probability of 1 mm or more (%) by the start of its 6-hour block, `highs` the daytime
    maximum in °C and `skies` the weather by Japanese date; `lows` the morning's minimum (never of the issue's
    own date), `kinds` what else the day's weather holds (`rain`, `snow`, `thunder`, `fog`, `heavy`, `storm`),
    `normal_highs` the normal maximum. An instant or date that is not in them is not forecast by this issue.
    """

    source: str
    issued_at: datetime
    rain: Mapping[datetime, int | Gap]
    highs: Mapping[date, int | Gap]
    skies: Mapping[date, Sky | Gap]
    lows: Mapping[date, int | Gap] = field(default_factory=dict)
    kinds: Mapping[date, frozenset[str] | Gap] = field(default_factory=dict)
    normal_highs: Mapping[date, float | Gap] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observed:
    """The newest observations of the stations that speak for a place; a station that does not measure is a gap."""

    source: str
    observed_at: datetime
    rain_10_minutes_mm: float | Gap
    rain_hour_mm: float | Gap
    temperature_c: float | Gap
    wind_speed_ms: float | Gap
    snow_depth_cm: float | Gap


@dataclass(frozen=True, slots=True)
class DayFact:
    """What was observed on one Japanese date; `complete_ratio` is the share of its hours that are there (0-1)."""

    high_c: float | Gap
    low_c: float | Gap
    rain_mm: float | Gap
    snowed: bool | Gap
    complete_ratio: float


@dataclass(frozen=True, slots=True)
class Hourly:
    """A second source's hours, by the start of each hour, for what JMA does not state; never a stand-in for JMA.

    A rule on a source that may not be used commercially cannot go live.
    """

    source: str
    issued_at: datetime
    is_commercial: bool
    rain_mm: Mapping[datetime, float]
    apparent_c: Mapping[datetime, float]
    wind_speed_ms: Mapping[datetime, float]
    wind_gust_ms: Mapping[datetime, float]
    snowfall_cm: Mapping[datetime, float]


HeatAlert = Literal["none", "alert", "special"]


@dataclass(frozen=True, slots=True)
class Heat:
    """The Ministry of the Environment's heat index (WBGT, °C, every third hour) and its alerts by Japanese date."""

    source: str
    issued_at: datetime
    wbgt_c: Mapping[datetime, float]
    alerts: Mapping[date, HeatAlert]


Tier = Literal["advisory", "warning", "danger", "emergency"]
TIERS: Final[tuple[Tier, ...]] = ("advisory", "warning", "danger", "emergency")
"""From the least to the gravest; only JMA issues them."""


@dataclass(frozen=True, slots=True)
class WarningInForce:
    """One warning over a place, by JMA's code: `rain`, `landslide`, `surge`, `storm`, `snowstorm`, `snow`, `wave`,
    `flood`, `thunder`, …"""

    code: str
    phenomenon: str
    tier: Tier
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Warnings:
    """All that is in force over a place, as of `checked_at` by the feed's own clock. An empty list means none."""

    source: str
    checked_at: datetime
    in_force: tuple[WarningInForce, ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """All that is known of a place at a moment. `past` holds the days before, as far as they were observed."""

    forecast: PlaceForecast | Gap
    observed: Observed | Gap = Gap("No observation has been read.")
    hourly: Hourly | Gap = Gap("No second source is configured.")
    heat: Heat | Gap = Gap("No heat index has been read.")
    warnings: Warnings | Gap = Gap("No warnings have been read.")
    past: Mapping[date, DayFact] = field(default_factory=dict)

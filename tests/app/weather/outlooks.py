"""Outlooks made for a test: what is known of Tokyo on 21 November 2026, a Saturday, at 11:10."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from app.weather.outlook import (
    DayFact,
    Gap,
    Heat,
    Hourly,
    Observed,
    Outlook,
    PlaceForecast,
    Sky,
    WarningInForce,
    Warnings,
)
from tests.app.weather.files import at

TODAY = date(2026, 11, 21)
NOW = at("2026-11-21 11:10")
ISSUED = at("2026-11-21 11:00").astimezone(UTC)


def place(**changes: Any) -> PlaceForecast:
    """A dry day of 15 °C, cloudy."""
    rain = {at(f"2026-11-21 {hour:02}:00").astimezone(UTC): 10 for hour in (12, 18)}
    values: dict[str, Any] = {
        "source": "jma",
        "issued_at": ISSUED,
        "rain": rain,
        "highs": {TODAY: 15},
        "skies": {TODAY: Sky.CLOUDY},
        "lows": {TODAY + timedelta(days=1): 4},
        "kinds": {TODAY: frozenset[str]()},
        "normal_highs": {TODAY: 16.4},
    }
    return PlaceForecast(**{**values, **changes})


def observed(minutes_ago: float = 10, **changes: Any) -> Observed:
    """A dry, calm quarter of an hour."""
    values: dict[str, Any] = {
        "rain_10_minutes_mm": 0.0,
        "rain_hour_mm": 0.0,
        "temperature_c": 12.5,
        "wind_speed_ms": 3.0,
        "snow_depth_cm": 0.0,
    }
    return Observed("jma_amedas", NOW - timedelta(minutes=minutes_ago), **{**values, **changes})


def hourly(hours_ago: float = 3, *, is_commercial: bool = True, **changes: Mapping[datetime, float]) -> Hourly:
    """A run that says nought of every hour of the day, but for what is given."""
    midnight = at("2026-11-21 00:00").astimezone(UTC)
    nought = {midnight + timedelta(hours=hour): 0.0 for hour in range(30)}
    names = ("rain_mm", "apparent_c", "wind_speed_ms", "wind_gust_ms", "snowfall_cm")
    values: dict[str, Any] = dict.fromkeys(names, nought)
    issued_at = NOW - timedelta(hours=hours_ago)
    return Hourly("open_meteo", issued_at, is_commercial, **{**values, **changes})


def hour(clock: int) -> datetime:
    """The start of an hour of the day, as an hourly value is found by."""
    return (at("2026-11-21 00:00") + timedelta(hours=clock)).astimezone(UTC)


def heat(hours_ago: float = 1, alert: str | None = "none", **values: float) -> Heat:
    """The Ministry's values by hour, `at_12=31.0`."""
    wbgt = {hour(int(name[3:])): value for name, value in values.items()}
    return Heat("env_wbgt", NOW - timedelta(hours=hours_ago), wbgt, {TODAY: alert} if alert else {})  # type: ignore[dict-item]


def warned(*tiers: str, minutes_ago: float = 5) -> Warnings:
    """These tiers of rain in force."""
    in_force = tuple(WarningInForce("03", "rain", tier, ISSUED) for tier in tiers)  # type: ignore[arg-type]
    return Warnings("jma_warning", NOW - timedelta(minutes=minutes_ago), in_force)


def fact(ratio: float = 1.0, **changes: Any) -> DayFact:
    """A dry day of 15 °C gone by."""
    values: dict[str, Any] = {"high_c": 15.0, "low_c": 5.0, "rain_mm": 0.0, "snowed": False}
    return DayFact(**{**values, **changes}, complete_ratio=ratio)


def days(count: int, until: date = TODAY, **changes: Any) -> dict[date, DayFact]:
    """So many days before a date, all alike."""
    return {until - timedelta(days=back): fact(**changes) for back in range(1, count + 1)}


def known(**parts: Any) -> Outlook:
    """An outlook with a forecast, and these parts."""
    return Outlook(**{"forecast": place(), **parts})


NOTHING = Gap("there is none")

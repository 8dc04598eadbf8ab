"""What warnings keep back: tiers of the safety stop, and what is not known."""

from datetime import timedelta

import pytest

from app.weather.feeds.warning_codes import WARNING_CODES
from app.weather.outlook import Gap, WarningInForce, Warnings
from app.weather.safety.verdicts import OLDEST, judge
from tests.app.weather.files import at

NOW = at("2026-11-21 11:10")


def in_force(*codes: str) -> Warnings:
    """These warnings over a place."""
    found = (WarningInForce(code, *WARNING_CODES[code], issued_at=NOW) for code in codes)
    return Warnings("jma", NOW, tuple(found))


@pytest.mark.parametrize("code", ["02", "03", "05", "06", "08", "09", "04", "43", "48", "49", "32", "33", "35", "36",
                                  "37", "38", "39"])  # fmt: skip
def test_warnings_dangers_and_emergencies_stop(code: str) -> None:
    assert judge(in_force("14", code), was_known=True, now=NOW).kind == "stop"


@pytest.mark.parametrize("code", ["10", "12", "13", "15"])
def test_advisories_of_rain_snow_and_wind_hold_weather_rules_alone(code: str) -> None:
    assert judge(in_force(code), was_known=True, now=NOW).kind == "weather"


@pytest.mark.parametrize("code", ["07", "14", "16", "20", "21", "24"])
def test_waves_thunder_and_frost_keep_nothing_back(code: str) -> None:
    assert judge(in_force(code), was_known=True, now=NOW).kind is None


def test_what_is_not_known_is_held() -> None:
    assert judge(Gap("The feed stands still."), was_known=True, now=NOW).kind == "hold"


def test_where_warnings_were_never_read_weather_rules_alone_are_held() -> None:
    assert judge(Gap("No warnings have been fetched yet."), was_known=False, now=NOW).kind == "weather"


def test_what_was_known_too_long_ago_is_not_known() -> None:
    assert judge(in_force(), was_known=True, now=NOW + OLDEST).kind is None
    assert judge(in_force(), was_known=True, now=NOW + OLDEST + timedelta(seconds=1)).kind == "hold"


def test_the_cause_names_what_is_in_force() -> None:
    verdict = judge(in_force("03", "14"), was_known=True, now=NOW)
    assert verdict.cause == "In force: rain warning (03)."
    assert [one["code"] for one in verdict.warnings] == ["03", "14"]

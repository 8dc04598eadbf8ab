"""What is read for a spot: the parts that are asked for, and days beyond the first part by the season's districts."""

from datetime import date

import pytest

from app.weather.forecasts import Current
from app.weather.jma import parse_forecast
from app.weather.outlook import Gap, PlaceForecast
from app.weather.outlooks import NOT_READ, read_outlooks
from app.weather.places import Spot
from tenants.session import ScopedSession
from tests.app.weather.files import IZU, TOKYO, TOKYO_STATION, at, forecast
from tests.app.weather.test_jma import recorded

NOW = at("2026-11-21 11:15")
SPOT = Spot("130000", TOKYO, "1310100", TOKYO_STATION)


def place_of(session: ScopedSession, spot: Spot, current: Current) -> PlaceForecast:
    """The forecast of a spot, which has one."""
    found = read_outlooks(session, [spot], NOW, current={spot.office: current})[spot].forecast
    assert not isinstance(found, Gap)
    return found


def test_parts_that_nobody_asks_for_are_not_read(session: ScopedSession) -> None:
    current = Current(parse_forecast(forecast()), None, NOW)
    found = read_outlooks(session, [SPOT], NOW, frozenset(), {"130000": current})[SPOT]
    assert (found.observed, found.hourly, found.heat, found.warnings) == (NOT_READ,) * 4
    assert found.past == {}


def test_an_office_without_a_forecast_is_a_gap(session: ScopedSession) -> None:
    nowhere = Spot("999999", TOKYO, None, None)
    assert isinstance(read_outlooks(session, [nowhere], NOW)[nowhere].forecast, Gap)


@pytest.mark.parametrize(
    ("name", "spot", "on", "is_known"),
    [
        ("200000_20240805", Spot("200000", "200010", None, "48156"), date(2024, 8, 10), True),
        ("200000_20240805", Spot("200000", "200020", None, "48361"), date(2024, 8, 10), True),
        ("070000_20220221T0500", Spot("070000", "070030", None, None), date(2022, 2, 25), True),
        ("070000_20220221T0500", Spot("070000", "070020", None, None), date(2022, 2, 25), False),
        ("014100_20230125", Spot("014100", "014030", None, None), date(2023, 1, 30), True),
    ],
    ids=["undivided in summer", "its other half", "itself", "divided otherwise", "in another office's file"],
)
def test_the_weeks_districts_change_with_the_season(
    session: ScopedSession, name: str, spot: Spot, on: date, is_known: bool
) -> None:
    place = place_of(session, spot, Current(recorded(name), None, NOW))
    assert (on in place.skies) is is_known


def test_a_day_of_the_first_part_is_not_the_weeks(session: ScopedSession) -> None:
    place = place_of(session, Spot("130000", IZU, None, TOKYO_STATION), Current(parse_forecast(forecast()), None, NOW))
    assert place.highs[date(2026, 11, 21)] == 15
    assert place.highs[date(2026, 11, 26)] == 13

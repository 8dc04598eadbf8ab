"""All feeds of the sandbox, fetched over HTTP and read for a place: what it rains is what was forecast."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from app.jobs.queue import Clockwork
from app.settings import Settings
from app.weather import fetching
from app.weather.fetching import Needs
from app.weather.forecasts import read_current
from app.weather.outlook import Gap, Heat, Hourly, Observed, Outlook, Warnings
from app.weather.outlooks import read_outlooks
from app.weather.places import Spot
from tenants.sealing import Keyring
from tests.app.sandbox.process import running_sandbox
from tests.app.weather.files import at

pytestmark = [pytest.mark.every_brand, pytest.mark.slow]

NOON = at("2026-07-22 12:31")
CHIYODA = "1310100"
TOKYO = Spot("130000", "130010", CHIYODA, "44132", "44132", "35.70,139.75")
PARTS = frozenset({"observed", "past", "hourly", "heat", "warnings"})


@pytest.fixture(scope="module")
def sandbox() -> Iterator[httpx.Client]:
    """A sandbox of this module's own."""
    with running_sandbox() as client:
        yield client


@pytest.fixture
def clock(feeds: Engine, keyring: Keyring, settings: Settings, sandbox: httpx.Client) -> Clockwork:
    """A summer's noon over the sandbox, whose tables are synchronised."""
    url = str(sandbox.base_url)
    there = settings.model_copy(update={"jma_url": url, "wbgt_url": url, "open_meteo_url": url})
    clock = Clockwork(feeds, keyring, there, NOON)
    put(sandbox, scenario="dry", warnings=[])
    assert not isinstance(fetching.sync(clock), Gap)
    return clock


def put(sandbox: httpx.Client, **weather: Any) -> None:
    """Let the sandbox have this weather."""
    assert sandbox.put("/_sandbox/weather", json=weather).status_code == 204


def outlook(clock: Clockwork, now: datetime = NOON, parts: frozenset[str] = PARTS, hours: int = 0) -> Outlook:
    """Everything that is fetched of Tokyo at a moment."""
    assert TOKYO.cell is not None
    fetching.fetch_offices(clock, [TOKYO.office], now)
    fetching.fetch_feeds(clock, Needs(parts, frozenset({TOKYO.cell})), now, most_hours=hours)
    with Session(clock.engine) as session:
        return read_outlooks(session, [TOKYO], now, parts)[TOKYO]


def test_a_rainy_lunch_is_observed_and_computed(sandbox: httpx.Client, clock: Clockwork) -> None:
    put(sandbox, scenario="rain-at-lunch", offices=["130000"])
    found = outlook(clock)
    assert isinstance(found.observed, Observed)
    assert isinstance(found.hourly, Hourly)
    assert (found.observed.rain_10_minutes_mm, found.hourly.rain_mm[at("2026-07-22 13:00")]) == (0.5, 2.0)
    assert found.hourly.rain_mm[at("2026-07-22 18:00")] == 0.0
    assert isinstance(found.warnings, Warnings)
    assert found.warnings.in_force == ()


def test_heat_has_its_index_and_its_alert(sandbox: httpx.Client, clock: Clockwork) -> None:
    put(sandbox, scenario="heat")
    found = outlook(clock, parts=frozenset({"heat"}))
    assert isinstance(found.heat, Heat)
    assert max(found.heat.wbgt_c.values()) > 31
    assert found.heat.alerts[NOON.date()] == "alert"
    assert isinstance(found.observed, Gap)


def test_a_warning_that_is_put_is_in_force_and_one_of_a_new_code_unknown(
    sandbox: httpx.Client, clock: Clockwork
) -> None:
    put(sandbox, warnings=[{"class20": CHIYODA, "code": "03"}])
    found = outlook(clock).warnings
    assert isinstance(found, Warnings)
    assert [(one.code, one.tier) for one in found.in_force] == [("03", "warning")]
    put(sandbox, warnings=[{"class20": CHIYODA, "code": "99"}])
    assert isinstance(outlook(clock, NOON + timedelta(minutes=5)).warnings, Gap)
    put(sandbox, warnings=[])
    lifted = outlook(clock, NOON + timedelta(minutes=10)).warnings
    assert isinstance(lifted, Warnings)
    assert lifted.in_force == ()


def test_yesterday_is_gathered_from_the_hours_before(sandbox: httpx.Client, clock: Clockwork) -> None:
    put(sandbox, scenario="first-snow", offices=["130000"])
    winter = at("2026-01-15 09:05")
    found = outlook(clock, winter, frozenset({"past"}), hours=34)
    yesterday = found.past[(winter - timedelta(days=1)).date()]
    assert (yesterday.high_c, yesterday.low_c, yesterday.snowed, yesterday.complete_ratio) == (2.0, -2.0, True, 1.0)
    assert yesterday.rain_mm == 48.0


def test_a_forecast_holds_its_kinds_lows_and_normals(sandbox: httpx.Client, clock: Clockwork) -> None:
    put(sandbox, scenario="typhoon", offices=["130000"])
    forecast = outlook(clock, parts=frozenset()).forecast
    assert not isinstance(forecast, Gap)
    today, tomorrow = NOON.date(), NOON.date() + timedelta(days=1)
    assert forecast.kinds[today] == frozenset({"rain", "storm"})
    assert today not in forecast.lows
    assert isinstance(forecast.lows[tomorrow], int)
    assert isinstance(forecast.normal_highs[today], float)


def test_an_outage_of_every_feed_leaves_gaps_and_no_weather(sandbox: httpx.Client, clock: Clockwork) -> None:
    outage = {"mode": "html-200", "group": "weather"}
    assert sandbox.put("/_sandbox/outage", json=outage).status_code == 204
    try:
        found = outlook(clock)
    finally:
        sandbox.put("/_sandbox/outage", json={})
    parts = (found.observed, found.hourly, found.heat, found.warnings)
    assert all(isinstance(part, Gap) for part in parts)
    with Session(clock.engine) as session:
        assert set(read_current(session, ["130000"])) == {"130000"}


def test_what_no_rule_needs_is_not_fetched(alone: Engine, clock: Clockwork) -> None:
    assert fetching.list_needs(clock.engine) == Needs()
    fetching.refresh_observations(clock)
    fetching.refresh_heat_and_hours(clock)
    with Session(clock.engine) as session:
        found = read_outlooks(session, [TOKYO], NOON, PARTS)[TOKYO]
    assert isinstance(found.observed, Gap)

"""Ticks over the sandbox's weather: a scenario falls on exactly its offices, at whatever time of day one looks."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from app.jobs.queue import Clockwork
from app.settings import Settings
from app.weather import fetching, queries, tasks
from app.weather.jma import JmaForecast
from app.weather.models import WeatherDecision
from app.weather.readings import JAPAN
from app.weather.tables import Synced
from tenants.sealing import Keyring
from tenants.tables import utc_now
from tests import make
from tests.app.sandbox.process import running_sandbox
from tests.conftest import BrandHome

pytestmark = pytest.mark.every_brand

OSAKA = {"class20": "2710000", "class10": "270000", "office": "270000", "source": "municipality"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[httpx.Client]:
    """A sandbox of this module's own."""
    with running_sandbox() as client:
        yield client


@pytest.fixture
def clock(engine: Engine, keyring: Keyring, settings: Settings, sandbox: httpx.Client) -> Clockwork:
    """The real clock, over the sandbox's weather."""
    url = str(sandbox.base_url)
    there = {"jma_url": url, "wbgt_url": url, "open_meteo_url": url}
    return Clockwork(engine, keyring, settings.model_copy(update=there), utc_now())


def put_weather(sandbox: httpx.Client, scenario: str, *offices: str) -> None:
    """A scenario over these offices."""
    assert sandbox.put("/_sandbox/weather", json={"scenario": scenario, "offices": list(offices)}).status_code == 204


def today_at(hour: int, minute: int) -> datetime:
    """A time of today in Japan."""
    return datetime.now(JAPAN).replace(hour=hour, minute=minute, second=0, microsecond=0)


def reasons(home: BrandHome, clock: Clockwork, at: datetime) -> dict[str, str]:
    """Tick the clock; by store, the reason of this brand's decisions."""
    with home.open() as session:
        brand_rules = {rule.id for rule in queries.list_live_rules(session)}
    return {one.store: one.reason for one in tasks.tick(clock, at) if one.rule_id in brand_rules}


def two_cities(home: BrandHome) -> None:
    """A store in Tokyo, one in Osaka, and a rule for rain at lunch."""
    with home.open() as session:
        make.store(session, name="東京店")
        make.store(session, name="大阪店", weather_area=OSAKA, municipality_code="27127")
        make.weather_rule(session)
        session.commit()


def test_a_scenario_rains_on_its_offices_only(home: BrandHome, clock: Clockwork, sandbox: httpx.Client) -> None:
    put_weather(sandbox, "dry", "130000", "270000")
    put_weather(sandbox, "rain-at-lunch", "130000")
    two_cities(home)
    assert reasons(home, clock, today_at(11, 10)) == {"東京店": "fired", "大阪店": "condition_false"}
    assert reasons(home, clock, today_at(11, 20)) == {"東京店": "already_fired", "大阪店": "condition_false"}


def test_a_forecast_that_flips_at_eleven_fires_before_and_not_after(
    home: BrandHome, clock: Clockwork, sandbox: httpx.Client
) -> None:
    put_weather(sandbox, "flip-at-eleven", "130000", "270000")
    two_cities(home)
    assert set(reasons(home, clock, today_at(11, 0)).values()) == {"condition_false"}
    assert set(reasons(home, clock, today_at(10, 0)).values()) == {"fired"}


def test_what_turned_wet_at_eleven_fires_and_what_turned_dry_does_not_and_decisions_say_by_which_issue(
    home: BrandHome, other_home: BrandHome, clock: Clockwork, sandbox: httpx.Client
) -> None:
    put_weather(sandbox, "wet-from-eleven", "130000")
    put_weather(sandbox, "flip-at-eleven", "270000")
    two_cities(home)
    assert reasons(home, clock, today_at(10, 30)) == {"東京店": "condition_false", "大阪店": "fired"}
    two_cities(other_home)
    assert reasons(other_home, clock, today_at(11, 10)) == {"東京店": "fired", "大阪店": "condition_false"}
    with other_home.open() as session:
        decisions = session.exec(select(WeatherDecision).order_by(col(WeatherDecision.store_no))).all()
        told = [(one.fired, one.readings[0]["value"], one.readings[0]["issued_at"]) for one in decisions]
    eleven = today_at(11, 0).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert told == [(True, 80, eleven), (False, 10, eleven)]


def test_the_areas_of_the_sandbox_synchronise(home: BrandHome, clock: Clockwork) -> None:
    two_cities(home)
    synced = fetching.sync(clock)
    assert isinstance(synced, Synced)
    assert synced.areas > 100
    current = fetching.fetch_all(clock)
    assert all(isinstance(current[office].forecast, JmaForecast) for office in ("130000", "270000"))

"""The heat index and the heat-stroke alerts: their season, their hours, their failures."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from app.settings import Settings
from app.weather import sources
from app.weather.feeds import heat
from app.weather.feeds.heat import FORECAST, parse_alerts, parse_forecast
from app.weather.feeds.state import FeedMalformed
from app.weather.outlook import Gap, Heat
from app.weather.places import Spot
from tests.app.weather.conftest import Jma
from tests.app.weather.feeds.files import ALERTS, HEAT_INDEX
from tests.app.weather.files import at

NOW = at("2026-07-22 11:36")
SPOT = Spot("140000", "140010", "1410000", "46106")

Fetch = Callable[..., None]


@pytest.fixture
def fetch(feeds: Engine, jma: Jma, jma_settings: Settings) -> Fetch:
    """Publish the heat index and the alerts of ten o'clock, and fetch them at a time of ours."""

    def run(index: Any = HEAT_INDEX, alerts: Any = ALERTS, now: datetime = NOW) -> None:
        if index is not None:
            jma.files[FORECAST] = index
        if alerts is not None:
            jma.files["/alert/dl/2026/alert_20260722_10.csv"] = alerts
        with sources.open_client(jma_settings) as client:
            heat.refresh(feeds, client, jma_settings, now=now)

    return run


def read(feeds: Engine, spot: Spot = SPOT, now: datetime = NOW) -> Heat | Gap:
    """The heat at a spot."""
    with Session(feeds) as session:
        return heat.read_heat(session, [spot], now)[spot]


def test_values_are_tenths_and_hour_24_is_the_next_days_midnight(feeds: Engine, fetch: Fetch) -> None:
    fetch()
    found = read(feeds)
    assert isinstance(found, Heat)
    assert found.wbgt_c == {at("2026-07-22 12:00"): 31.2, at("2026-07-22 15:00"): 32.5, at("2026-07-23 00:00"): 27.1}
    assert found.issued_at == at("2026-07-22 10:25")


def test_an_empty_value_is_absent() -> None:
    assert at("2026-07-22 15:00") not in parse_forecast(HEAT_INDEX).values["44132"]


def test_alerts_are_those_of_the_office(feeds: Engine, fetch: Fetch) -> None:
    fetch()
    found = read(feeds)
    assert isinstance(found, Heat)
    assert found.alerts == {date(2026, 7, 22): "alert"}


def test_flags_2_and_3_are_special_and_9_says_nothing() -> None:
    assert parse_alerts(ALERTS) == {
        "140000": {date(2026, 7, 22): "alert"},
        "130000": {date(2026, 7, 22): "special", date(2026, 7, 23): "none"},
    }


def test_out_of_season_nobody_is_asked_and_nothing_is_wrong(feeds: Engine, fetch: Fetch, jma: Jma) -> None:
    winter = at("2026-12-01 11:00")
    fetch(now=winter)
    assert jma.requests == []
    found = read(feeds, now=winter)
    assert isinstance(found, Gap)
    assert "late April" in found.reason


def test_files_that_are_gone_after_the_season_are_no_failure(feeds: Engine, fetch: Fetch) -> None:
    from app.weather.feeds import state

    autumn = at("2026-10-28 11:00")
    fetch(index=None, alerts=None, now=autumn)
    with Session(feeds) as session:
        feed = state.find_feed(session, state.Name.HEAT)
        assert feed is not None
        assert feed.failures == 0
    assert isinstance(read(feeds, now=autumn), Gap)


def test_an_index_that_stands_still_is_unknown(feeds: Engine, fetch: Fetch) -> None:
    fetch()
    later = at("2026-07-22 13:36")
    fetch(now=later)
    assert isinstance(read(feeds, now=later), Gap)


def test_an_index_dated_ahead_is_unknown(feeds: Engine, fetch: Fetch) -> None:
    fetch(HEAT_INDEX.replace(b"10:25", b"14:25"))
    assert isinstance(read(feeds), Gap)


def test_a_station_without_a_heat_index_is_unknown(feeds: Engine, fetch: Fetch) -> None:
    fetch()
    assert isinstance(read(feeds, Spot("140000", "140010", "1410000", "46141")), Gap)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>not here</html>",
        b",,2026072212\n",
        b",,2026072212\n46106,2026/07/22 10:25\n",
        b",,2026072225\n46106,2026/07/22 10:25,312\n",
        b",,2026072212\nTokyo,2026/07/22 10:25,312\n",
        b",,2026072212\n46106,yesterday,312\n",
        b"\xff\xfe\x00",
    ],
    ids=["empty", "html", "no station", "half", "hour 25", "name", "no time", "not UTF-8"],
)
def test_an_index_of_another_shape_is_refused_and_makes_it_unknown(feeds: Engine, fetch: Fetch, body: bytes) -> None:
    with pytest.raises(FeedMalformed):
        parse_forecast(body)
    fetch()
    fetch(body, now=NOW + timedelta(minutes=1))
    assert isinstance(read(feeds), Gap)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        ALERTS.replace("府県予報区等コード".encode(), b"code"),
        ALERTS[:-30],
        ALERTS.replace(b"2026/07/22", b"22 Jul"),
    ],
    ids=["empty", "html", "another column", "half", "another date"],
)
def test_alerts_of_another_shape_are_refused(body: bytes) -> None:
    with pytest.raises(FeedMalformed):
        parse_alerts(body)

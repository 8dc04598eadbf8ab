"""The second source: its hours, its units, its licence."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine
from sqlmodel import Session

from app.settings import Settings
from app.weather import sources
from app.weather.feeds import hours
from app.weather.feeds.hours import META, find_access, parse_hours, parse_run
from app.weather.feeds.state import FeedMalformed
from app.weather.outlook import Gap, Hourly
from tests.app.weather.conftest import Jma
from tests.app.weather.feeds.files import answer, dump
from tests.app.weather.files import RECORDED, at

NOW = at("2026-11-21 11:36")
CELL, OTHER = "35.45,139.65", "43.05,141.35"
RUN = at("2026-11-21 06:00")
PATH = "/v1/forecast"

Fetch = Callable[..., None]


@pytest.fixture
def fetch(feeds: Engine, jma: Jma, jma_settings: Settings) -> Fetch:
    """Publish a run, and fetch some cells of it at a time of ours."""

    def run(document: Any, *cells: str, now: datetime = NOW, run_at: datetime = RUN, key: str | None = None) -> None:
        jma.files[PATH] = dump(document)
        jma.files[META] = dump({"last_run_initialisation_time": int(run_at.timestamp())})
        there = {"open_meteo_url": jma.url, "open_meteo_key": SecretStr(key) if key else None}
        settings = jma_settings.model_copy(update=there)
        with sources.open_client(settings) as client:
            hours.refresh(feeds, client, settings, cells, now=now)

    return run


def read(feeds: Engine, cell: str = CELL, now: datetime = NOW) -> Hourly | Gap:
    """The hours of a cell."""
    with Session(feeds) as session:
        return hours.read_hours(session, [cell], now)[cell]


def test_an_hours_rain_is_stamped_at_its_end_and_told_by_its_beginning(feeds: Engine, fetch: Fetch) -> None:
    fetch(answer(), CELL)
    found = read(feeds)
    assert isinstance(found, Hourly)
    assert found.rain_mm == {at("2026-11-21 11:00"): 0.0, at("2026-11-21 12:00"): 1.2}
    assert found.apparent_c[at("2026-11-21 13:00")] == 12.5
    assert (found.issued_at, found.is_commercial) == (RUN, True)


def test_what_is_not_stated_is_absent(feeds: Engine, fetch: Fetch) -> None:
    fetch(answer(), CELL)
    found = read(feeds)
    assert isinstance(found, Hourly)
    assert found.wind_gust_ms == {}


def test_many_cells_are_one_request(feeds: Engine, fetch: Fetch, jma: Jma) -> None:
    fetch([answer(), answer(43.05, 141.35)], OTHER, CELL)
    asked = [path for path, _ in jma.requests if path.startswith(PATH)]
    assert len(asked) == 1
    assert "latitude=35.45,43.05&longitude=139.65,141.35" in asked[0]
    assert "wind_speed_unit=ms" in asked[0]
    assert isinstance(read(feeds, OTHER), Hourly)


def test_a_run_that_we_have_is_not_fetched_again(feeds: Engine, fetch: Fetch, jma: Jma) -> None:
    fetch(answer(), CELL)
    fetch(answer(), CELL)
    assert len([path for path, _ in jma.requests if path.startswith(PATH)]) == 1


def test_a_model_that_stands_still_is_unknown(feeds: Engine, fetch: Fetch) -> None:
    fetch(answer(), CELL)
    later = RUN + timedelta(hours=9, minutes=1)
    fetch(answer(), CELL, now=later)
    assert isinstance(read(feeds, now=later), Gap)


def test_a_run_dated_ahead_is_unknown(feeds: Engine, fetch: Fetch) -> None:
    fetch(answer(), CELL, run_at=NOW + timedelta(hours=1))
    assert isinstance(read(feeds), Gap)


def test_a_cell_that_was_not_asked_for_is_unknown(feeds: Engine, fetch: Fetch) -> None:
    fetch(answer(), CELL)
    assert isinstance(read(feeds, OTHER), Gap)


def test_without_a_second_source_nobody_is_asked(feeds: Engine, jma: Jma, jma_settings: Settings) -> None:
    with sources.open_client(jma_settings) as client:
        hours.refresh(feeds, client, jma_settings, [CELL], now=NOW)
    assert jma.requests == []
    assert isinstance(read(feeds), Gap)


UNITS = answer()["hourly_units"]
HOURLY = answer()["hourly"]


@pytest.mark.parametrize(
    "document",
    [
        [],
        [answer(), answer()],
        answer(timezone="GMT", utc_offset_seconds=0),
        answer(utc_offset_seconds=0),
        answer(hourly_units={**UNITS, "wind_speed_10m": "km/h"}),
        answer(hourly_units={**UNITS, "apparent_temperature": "°F"}),
        answer(latitude=43.05, longitude=141.35),
        answer(hourly={**HOURLY, "precipitation": [0.0]}),
        answer(hourly={**HOURLY, "time": ["2026-11-21T12:00", "2026-11-21T14:00", "2026-11-21T13:00"]}),
        answer(hourly={**HOURLY, "time": ["2026-11-21T12:00+09:00"] * 3}),
        {"error": True, "reason": "limit"},
        b"<html>",
        b'{"latitude": 35.45, "hou',
    ],
    ids=[
        "none", "too many", "another zone", "no offset", "km/h", "°F", "another place", "short list", "disorder",
        "stamps with offset", "refusal", "html", "half",
    ],
)  # fmt: skip
def test_an_answer_of_another_shape_is_refused(document: Any) -> None:
    with pytest.raises(FeedMalformed):
        parse_hours(dump(document), [CELL])


@pytest.mark.parametrize("value", [-1, 401, "1", True])
def test_an_absurd_amount_is_absent(value: Any) -> None:
    read = parse_hours(dump(answer(hourly={**HOURLY, "precipitation": [value, 0, 0]})), [CELL])[CELL]
    assert read["rain_mm"] == [None, 0.0, 0.0]


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"last_run_initialisation_time": "now"}', b""])
def test_a_run_that_is_not_told_is_refused(body: bytes) -> None:
    with pytest.raises(FeedMalformed):
        parse_run(body)


def test_the_free_service_may_not_be_used_commercially(settings: Settings) -> None:
    free = find_access(settings.model_copy(update={"open_meteo_url": "https://api.open-meteo.com"}))
    paid = find_access(settings.model_copy(update={"open_meteo_key": SecretStr("k")}))
    own = find_access(settings.model_copy(update={"open_meteo_url": "https://weather.example"}))
    assert free is not None
    assert paid is not None
    assert own is not None
    assert (free.is_commercial, paid.is_commercial, own.is_commercial) == (False, True, True)
    assert (paid.url, find_access(settings)) == (hours.PAID_URL, None)


def test_the_key_is_sent_and_not_told(feeds: Engine, fetch: Fetch, jma: Jma) -> None:
    fetch(b"<html>", CELL, key="geheim")
    assert any("apikey=geheim" in path for path, _ in jma.requests)
    jma.status = 503
    fetch(answer(), CELL, key="geheim", now=NOW + timedelta(minutes=1))
    found = read(feeds)
    assert isinstance(found, Gap)
    assert "geheim" not in found.reason


def test_hours_in_japan_are_not_those_of_greenwich(feeds: Engine, fetch: Fetch) -> None:
    fetch(answer(), CELL)
    found = read(feeds)
    assert isinstance(found, Hourly)
    assert min(found.apparent_c) == datetime(2026, 11, 21, 3, tzinfo=UTC)


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded data is not here")
@pytest.mark.parametrize("name", ["forecast_osaka_2026-09-20", "forecast_tokyo_2026-09-29"])
def test_recorded_answers_are_of_the_zone_that_was_asked_for(name: str) -> None:
    import json

    recorded = json.loads((RECORDED / "openmeteo" / f"{name}.json").read_text())
    assert (recorded["timezone"], recorded["utc_offset_seconds"]) == ("Asia/Tokyo", 32_400)

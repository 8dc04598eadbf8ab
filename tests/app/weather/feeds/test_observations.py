"""JMA's observations: what may be used of them, what they add to the day, and how they fail."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from app.settings import Settings
from app.weather import sources
from app.weather.feeds import days, observations
from app.weather.feeds.state import FeedMalformed
from app.weather.outlook import DayFact, Gap, Observed
from app.weather.places import Spot
from tests.app.weather.conftest import Jma
from tests.app.weather.feeds.files import dump, station
from tests.app.weather.files import RECORDED, at

NOW = at("2026-11-21 11:05")
SPOT = Spot("140000", "140010", "1410000", "46106", "46091", "35.45,139.65")
MAPS = RECORDED / "jma" / "amedas"

Fetch = Callable[..., None]


def path_of(moment: str) -> str:
    """Where the map of a moment of Japanese wall clock lies."""
    return sources.OBSERVATIONS.format(moment=f"{at(moment):%Y%m%d%H%M}00")


@pytest.fixture
def fetch(feeds: Engine, jma: Jma, jma_settings: Settings) -> Fetch:
    """Publish maps by their moments, the last of them the newest, and fetch it at a time of ours."""

    def run(now: datetime = NOW, most_hours: int = 0, newest: str | None = None, **maps: Any) -> None:
        for moment, document in maps.get("maps", {}).items():
            jma.files[path_of(moment)] = dump(document)
            jma.files[sources.OBSERVATIONS_CLOCK] = at(newest or moment).isoformat().encode()
        with sources.open_client(jma_settings) as client:
            observations.refresh(feeds, client, now=now, most_hours=most_hours)

    return run


def read(feeds: Engine, spot: Spot = SPOT, now: datetime = NOW) -> Observed | Gap:
    """What is observed at a spot."""
    with Session(feeds) as session:
        return observations.read_observed(session, [spot], now)[spot]


def fact(feeds: Engine, on: str, now: datetime, spot: Spot = SPOT) -> DayFact:
    """What was observed on a date."""
    with Session(feeds) as session:
        return days.read_past(session, [spot], now)[spot][date.fromisoformat(on)]


WET = {"46106": station(temp=12.5, wind=3.2, snow=None), "46091": station(precipitation10m=0.5, precipitation1h=2.0)}


def test_rain_is_that_of_the_rain_gauge_and_temperature_that_of_the_station(feeds: Engine, fetch: Fetch) -> None:
    fetch(maps={"2026-11-21 11:00": WET})
    found = read(feeds)
    assert isinstance(found, Observed)
    assert (found.rain_10_minutes_mm, found.rain_hour_mm) == (0.5, 2.0)
    assert (found.temperature_c, found.wind_speed_ms) == (12.5, 3.2)
    assert found.observed_at == at("2026-11-21 11:00")
    assert isinstance(found.snow_depth_cm, Gap)


def test_a_place_without_a_rain_gauge_near_it_is_not_dry(feeds: Engine, fetch: Fetch) -> None:
    fetch(maps={"2026-11-21 11:00": WET})
    found = read(feeds, Spot("140000", "140010", "1410000", "46106"))
    assert isinstance(found, Observed)
    assert found.rain_hour_mm == Gap("No station near the store measures it.")


@pytest.mark.parametrize("quality", [1, 4, 5, 6, None])
def test_a_value_that_jma_doubts_is_not_used(quality: int | None) -> None:
    assert observations.parse_map(dump({"46106": {"temp": [12.5, quality], "wind": [1.0, 0]}})) == {
        "46106": {"wind": 1.0}
    }


@pytest.mark.parametrize("value", [None, "12", True, 99, -80])
def test_an_absurd_value_is_not_used(value: Any) -> None:
    assert observations.parse_map(dump({"46106": {"temp": [value, 0]}})) == {"46106": {}}


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"46106": {"te', b"[]", b"{}", b'{"46106": 3}', b'{"46106": {"temp": 12.5}}']
)
def test_a_map_of_another_shape_is_refused(body: bytes) -> None:
    with pytest.raises(FeedMalformed):
        observations.parse_map(body)


@pytest.mark.parametrize("body", [b"<html>", b"2026-11-21T11:00:00", b"", b"\xff"])
def test_a_clock_that_cannot_be_read_makes_everything_unknown(
    feeds: Engine, fetch: Fetch, jma: Jma, body: bytes
) -> None:
    fetch(maps={"2026-11-21 11:00": WET})
    jma.files[sources.OBSERVATIONS_CLOCK] = body
    fetch()
    assert isinstance(read(feeds), Gap)


def test_a_feed_that_stands_still_is_unknown(feeds: Engine, fetch: Fetch) -> None:
    fetch(maps={"2026-11-21 11:00": WET})
    later = NOW + timedelta(minutes=26)
    fetch(now=later)
    found = read(feeds, now=later)
    assert isinstance(found, Gap)
    assert "stands still" in found.reason


def test_a_feed_dated_ahead_is_unknown(feeds: Engine, fetch: Fetch) -> None:
    fetch(maps={"2026-11-21 11:40": WET})
    assert isinstance(read(feeds), Gap)


def test_a_map_that_is_not_there_leaves_the_one_before(feeds: Engine, fetch: Fetch, jma: Jma) -> None:
    fetch(maps={"2026-11-21 11:00": WET})
    jma.files[sources.OBSERVATIONS_CLOCK] = at("2026-11-21 11:10").isoformat().encode()
    fetch(now=NOW + timedelta(minutes=10))
    found = read(feeds, now=NOW + timedelta(minutes=10))
    assert isinstance(found, Observed)
    assert found.observed_at == at("2026-11-21 11:00")


def test_a_map_is_fetched_once(feeds: Engine, fetch: Fetch, jma: Jma) -> None:
    fetch(maps={"2026-11-21 11:00": WET})
    fetch()
    assert [path for path, _ in jma.requests].count(path_of("2026-11-21 11:00")) == 1


NEXT_DAY = at("2026-11-22 09:00")


def test_a_day_is_gathered_from_its_maps(feeds: Engine, fetch: Fetch) -> None:
    for hour, temperature in ((1, 8.0), (14, 15.5), (20, 10.0)):
        stamp = f"2026-11-21 {hour:02}:00"
        one = {"46106": station(temp=temperature, weather=1), "46091": station(precipitation1h=1.5)}
        fetch(at(stamp), maps={stamp: one})
    found = fact(feeds, "2026-11-21", NEXT_DAY)
    assert (found.high_c, found.low_c, found.rain_mm, found.snowed) == (15.5, 8.0, 4.5, False)
    assert found.complete_ratio == 3 / 24


def test_the_rain_of_midnight_belongs_to_the_day_that_ends(feeds: Engine, fetch: Fetch) -> None:
    fetch(at("2026-11-22 00:05"), maps={"2026-11-22 00:00": {"46091": station(precipitation1h=3.0)}})
    assert fact(feeds, "2026-11-21", NEXT_DAY).rain_mm == 3.0


def test_a_map_that_is_taken_in_twice_adds_its_rain_once(feeds: Engine) -> None:
    with Session(feeds) as session, session.begin():
        for _ in range(2):
            days.add(session, {"46091": {"precipitation1h": 2.0}}, at("2026-11-21 10:00"))
    assert fact(feeds, "2026-11-21", NEXT_DAY).rain_mm == 2.0


def test_snow_is_told_by_the_weather_or_by_what_fell(feeds: Engine) -> None:
    with Session(feeds) as session, session.begin():
        days.add(session, {"46106": {"temp": 1.0, "weather": 1.0}}, at("2026-11-21 10:00"))
        days.add(session, {"46106": {"temp": 0.5, "snow1h": 1.0}}, at("2026-11-21 11:00"))
        days.add(session, {"46106": {"temp": 0.5}}, at("2026-11-20 11:00"))
    assert fact(feeds, "2026-11-21", NEXT_DAY).snowed is True
    assert isinstance(fact(feeds, "2026-11-20", NEXT_DAY).snowed, Gap)


def test_hours_that_nobody_fetched_are_made_up_for(feeds: Engine, fetch: Fetch, jma: Jma) -> None:
    hours = {f"2026-10-{day:02} {hour:02}:00": WET for day in (19, 20) for hour in range(24)}
    fetch(at("2026-10-20 23:05"), 60, "2026-10-20 23:00", maps=hours)
    found = fact(feeds, "2026-10-20", at("2026-10-21 09:00"))
    assert found.rain_mm == 23 * 2.0
    asked = len(jma.requests)
    fetch(at("2026-10-20 23:06"), 60)
    assert len(jma.requests) == asked + 1


def test_an_hour_that_is_gone_for_good_is_asked_for_once(feeds: Engine, fetch: Fetch, jma: Jma) -> None:
    fetch(at("2026-09-20 12:05"), 1, maps={"2026-09-20 12:00": WET})
    fetch(at("2026-09-20 12:06"), 1)
    assert [path for path, _ in jma.requests].count(path_of("2026-09-20 11:00")) == 1


def test_a_station_under_a_new_number_keeps_its_past(feeds: Engine) -> None:
    from app.weather.areas import Station
    from app.weather.tables import AreaFiles, sync_tables
    from tests.app.weather.feeds.conftest import FILES, STATIONS

    moved = {"46107": Station("横浜", 35.45, 139.66, "11111111"), **{k: v for k, v in STATIONS.items() if k != "46106"}}
    with Session(feeds) as session:
        days.add(session, {"46106": {"temp": 15.0}}, at("2026-11-21 10:00"))
        synced = sync_tables(session, AreaFiles(FILES.areas, {}, moved), at("2026-11-22 03:00"))
        spot = Spot("140000", "140010", "1410000", "46107", "46091")
        found = days.read_past(session, [spot], NEXT_DAY)[spot]
    assert synced.moved == ("46106 46107",)
    assert found[date(2026, 11, 21)].high_c == 15.0


def list_maps() -> list[Path]:
    """The recorded maps."""
    return sorted(MAPS.glob("map_*.json"))


@pytest.mark.parametrize("path", list_maps(), ids=lambda path: path.stem)
def test_a_recorded_map_is_read(path: Path) -> None:
    stations = observations.parse_map(path.read_bytes())
    warm = [values["temp"] for values in stations.values() if "temp" in values]
    assert len(stations) > 1_000
    assert len(warm) > 800
    assert len([values for values in stations.values() if "precipitation1h" in values]) > len(warm)

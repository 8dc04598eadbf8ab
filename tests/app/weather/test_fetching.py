"""What the clock fetches, and when."""

from dataclasses import replace

import orjson
import pytest

from app.jobs.queue import Clockwork
from app.weather import fetching
from app.weather.outlook import Gap
from tests.app.weather.conftest import Jma
from tests.app.weather.files import at, forecast
from tests.app.weather.test_areas import TABLE
from tests.app.weather.test_tasks import brand_with_rule
from tests.conftest import BrandHome

pytestmark = pytest.mark.every_brand


def test_tables_are_synchronised(jma: Jma, clock: Clockwork) -> None:
    jma.files["/bosai/common/const/area.json"] = orjson.dumps(TABLE)
    stations = {"140000": [{"class10": "140010", "amedas": ["46106"], "class20": "1410000"}]}
    jma.files["/bosai/forecast/const/forecast_area.json"] = orjson.dumps(stations)
    station = {"kjName": "横浜", "lat": [35, 26.3], "lon": [139, 39.1]}
    jma.files["/bosai/amedas/const/amedastable.json"] = orjson.dumps({"46106": station})
    synced = fetching.sync(clock)
    assert not isinstance(synced, Gap)
    assert (synced.areas, synced.stations) == (19, 1)


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"offices": {}}'])
def test_tables_that_cannot_be_read_change_nothing(jma: Jma, clock: Clockwork, body: bytes) -> None:
    jma.files["/bosai/common/const/area.json"] = body
    assert isinstance(fetching.sync(clock), Gap)


@pytest.mark.parametrize(
    ("now", "fetches"), [("11:03", True), ("11:33", True), ("13:03", True), ("13:13", False), ("13:33", True)]
)
def test_around_the_regular_issues_forecasts_are_fetched_more_often(
    home: BrandHome, jma: Jma, clock: Clockwork, now: str, fetches: bool
) -> None:
    jma.put("130000", forecast())
    brand_with_rule(home)
    fetching.refresh_forecasts(replace(clock, now=at(f"2026-11-21 {now}")))
    assert any("130000" in path for path, _ in jma.requests) is fetches

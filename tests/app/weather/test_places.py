"""From a store to the district and the station that speak for it."""

from typing import Any

import pytest

from app.weather import places
from app.weather.areas import Station, parse_area_table
from app.weather.outlook import Gap
from app.weather.places import Spot
from app.weather.tables import AreaFiles, sync_tables
from tenants.session import ScopedSession
from tests import make
from tests.app.weather.files import at
from tests.app.weather.test_areas import TABLE

NOW = at("2026-11-21 03:00")
DISTRICT_STATIONS = {"014030": ("20432",), "140010": ("46106", "46141"), "040010": ("34392",)}
STATIONS = {
    "46106": Station("横浜", 35.44, 139.65),
    "46141": Station("海老名", 35.43, 139.39),
    "34392": Station("仙台", 38.26, 140.90),
    "99999": Station("どこにもない", 0.0, 0.0),
}


@pytest.fixture
def tables(session: ScopedSession) -> AreaFiles:
    """Synchronised tables with each kind of exception."""
    files = AreaFiles(parse_area_table(TABLE), DISTRICT_STATIONS, STATIONS)
    sync_tables(session, files, NOW)
    return files


def find(session: ScopedSession, **changes: Any) -> Spot | Gap:
    """Where the forecast of a store is found."""
    store = make.store(session, **{"weather_area": None, **changes})
    return places.find_spots(session, [store])[store.id]


def test_a_store_is_located_by_its_municipality(session: ScopedSession, tables: AreaFiles) -> None:
    assert places.locate_municipality(session, "14104") == {
        "class20": "1410000",
        "class10": "140010",
        "office": "140000",
        "source": "municipality",
    }


def test_a_split_municipality_is_for_the_operator_to_decide(session: ScopedSession, tables: AreaFiles) -> None:
    assert places.locate_municipality(session, "04101") == Gap(
        "Municipality 04101 is several areas: choose one of 0410001, 0410002."
    )
    chosen = places.locate_class20(session, "0410001")
    assert chosen == {"class20": "0410001", "class10": "040010", "office": "040000", "source": "operator"}


def test_an_unknown_municipality_says_so(session: ScopedSession, tables: AreaFiles) -> None:
    assert places.locate_municipality(session, "99999") == Gap("JMA has no area for municipality 99999.")
    assert places.locate_class20(session, "9999900") == Gap("JMA has no class20 9999900.")


def test_a_store_that_was_never_located_is_looked_up(session: ScopedSession, tables: AreaFiles) -> None:
    assert find(session, municipality_code="01207", latitude=None, longitude=None) == Spot(
        "014100", "014030", "0120700", "20432"
    )


def test_the_nearest_of_several_stations_gives_the_temperature(session: ScopedSession, tables: AreaFiles) -> None:
    west = find(session, municipality_code="14104", latitude=35.45, longitude=139.40)
    assert isinstance(west, Spot)
    assert west.station == "46141"


def test_without_a_place_the_main_station_does(session: ScopedSession, tables: AreaFiles) -> None:
    somewhere = find(session, municipality_code="14104", latitude=None, longitude=None)
    assert isinstance(somewhere, Spot)
    assert somewhere.station == "46106"


def test_a_split_municipality_over_two_districts_has_no_forecast(session: ScopedSession, tables: AreaFiles) -> None:
    assert isinstance(find(session, municipality_code="04101"), Gap)


def test_a_store_without_a_municipality_has_no_forecast(session: ScopedSession, tables: AreaFiles) -> None:
    assert find(session, municipality_code=None) == Gap("The store has neither a weather area nor a municipality code.")


def test_a_second_synchronisation_removes_what_is_gone(session: ScopedSession, tables: AreaFiles) -> None:
    smaller = {**TABLE, "class20s": {code: area for code, area in TABLE["class20s"].items() if code != "1413000"}}
    synced = sync_tables(
        session, AreaFiles(parse_area_table(smaller), DISTRICT_STATIONS, STATIONS), at("2026-11-28 03:00")
    )
    assert synced.withdrawn == ("class20 1413000",)
    assert (synced.areas, synced.stations) == (18, 4)

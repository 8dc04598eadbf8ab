"""JMA's tables as they change: what is withdrawn, what is new, which stores have to follow."""

from typing import Any

import pytest

from app.weather import places, tables
from app.weather.areas import AreaTableMalformed, Station, parse_area_table, parse_nearby_stations
from app.weather.outlook import Gap
from app.weather.places import Spot
from app.weather.tables import AreaFiles
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tests import make
from tests.app.weather.feeds.conftest import FILES
from tests.app.weather.files import at
from tests.app.weather.test_areas import TABLE, area

BEFORE, AFTER = at("2026-11-16 03:17"), at("2026-11-23 03:17")
YOKOHAMA = {"class20": "1410000", "class10": "140010", "office": "140000", "source": "municipality"}


@pytest.fixture
def synced(session: ScopedSession) -> ScopedSession:
    """A session over JMA's tables as they were."""
    tables.sync_tables(session, FILES, BEFORE)
    return session


def change(session: ScopedSession, **class20s: dict[str, Any] | None) -> tables.Synced:
    """Let JMA's next table have these municipalities, by code and underscore; None takes one away."""
    named = {code.strip("_"): entry for code, entry in class20s.items()}
    kept = {code: entry for code, entry in {**TABLE["class20s"], **named}.items() if entry is not None}
    files = AreaFiles(parse_area_table({**TABLE, "class20s": kept}), FILES.district_stations, FILES.stations)
    return tables.sync_tables(session, files, AFTER)


def store_of(session: ScopedSession, **changes: Any) -> Store:
    """A store in Yokohama."""
    return make.store(session, **{"weather_area": YOKOHAMA, "municipality_code": "14104", **changes})


def test_what_is_new_and_what_is_gone_is_told(synced: ScopedSession) -> None:
    told = change(synced, _1413000=None, _1415000=area("相模原市", "140011"))
    assert (told.withdrawn, told.added) == (("class20 1413000",), ("class20 1415000",))


def test_a_store_stays_where_nothing_changed(synced: ScopedSession) -> None:
    store = store_of(synced)
    change(synced, _1413000=None)
    assert tables.relocate_stores(synced) == []
    assert store.weather_area == YOKOHAMA


def test_a_store_follows_its_municipality_to_a_new_district(synced: ScopedSession) -> None:
    store = store_of(synced)
    change(synced, _1410000=area("横浜市", "040011"))
    (moved,) = tables.relocate_stores(synced)
    assert moved.store == store.name
    assert store.weather_area == {**YOKOHAMA, "class10": "040010", "office": "040000"}


def test_a_store_whose_city_was_split_asks_its_brand(synced: ScopedSession) -> None:
    store = store_of(synced, weather_area=YOKOHAMA | {"source": "operator"})
    change(synced, _1410000=None, _1410001=area("横浜市北部", "140011"), _1410002=area("横浜市南部", "140011"))
    (moved,) = tables.relocate_stores(synced)
    assert isinstance(moved.area, Gap)
    assert "choose one of 1410001, 1410002" in moved.area.reason
    assert store.weather_area is None


def test_a_second_run_touches_nothing(synced: ScopedSession) -> None:
    store_of(synced)
    change(synced, _1410000=area("横浜市", "040011"))
    tables.relocate_stores(synced)
    assert tables.relocate_stores(synced) == []


def test_a_table_of_another_place_moves_nobody(synced: ScopedSession) -> None:
    elsewhere = {"class20": "4610000", "class10": "460010", "office": "460100", "source": "operator"}
    store = store_of(synced, weather_area=elsewhere)
    assert tables.relocate_stores(synced) == []
    assert store.weather_area == elsewhere


def spot_of(session: ScopedSession, **changes: Any) -> Spot:
    """Where a store's weather is found."""
    store = store_of(session, **changes)
    found = places.find_spots(session, [store])[store.id]
    assert isinstance(found, Spot)
    return found


def test_the_nearest_station_that_measures_rain_is_not_the_forecasts(synced: ScopedSession) -> None:
    found = spot_of(synced, latitude=35.60, longitude=139.20)
    assert (found.station, found.rain_station, found.cell) == ("46141", "46091", "35.60,139.20")


def test_a_station_that_measures_no_rain_is_passed_over(synced: ScopedSession) -> None:
    dry = {**FILES.stations, "46091": Station("相模湖", 35.61, 139.19, "10000000")}
    tables.sync_tables(synced, AreaFiles(FILES.areas, FILES.district_stations, dry, FILES.nearby), AFTER)
    assert spot_of(synced, latitude=35.61, longitude=139.19).rain_station is None


def test_a_gauge_more_than_20_km_away_says_nothing(synced: ScopedSession) -> None:
    assert spot_of(synced, latitude=35.10, longitude=139.10).rain_station is None


def test_without_a_place_jmas_list_of_stations_near_the_municipality_serves(synced: ScopedSession) -> None:
    found = spot_of(synced, latitude=None, longitude=None)
    assert (found.rain_station, found.cell) == ("46091", None)


def test_a_list_that_could_not_be_fetched_leaves_the_one_before(synced: ScopedSession) -> None:
    change(synced)
    assert spot_of(synced, latitude=None, longitude=None).rain_station == "46091"


@pytest.mark.parametrize("body", [b"", b"[]", b'{"1410000": "46106"}', b'{"1410000": ["4610"]}'])
def test_a_list_of_another_shape_is_refused(body: bytes) -> None:
    with pytest.raises(AreaTableMalformed):
        parse_nearby_stations(body)

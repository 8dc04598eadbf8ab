"""Feeds of a test's own: their tables are emptied before, and JMA's tables of areas and stations are there."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session

from app.weather.areas import Station, parse_area_table
from app.weather.fetching import list_brand_ids
from app.weather.tables import AreaFiles, sync_tables
from tenants.scope import Scope
from tenants.session import open_session
from tests.app.weather.files import at
from tests.app.weather.test_areas import TABLE

TABLES = ("weather_cell_hours", "weather_feed_file", "weather_feed", "weather_warning_report", "weather_station_day")
"""Bodies stay: nobody may delete them."""

STATIONS = {
    "46106": Station("横浜", 35.44, 139.65, "11111111"),
    "46141": Station("海老名", 35.43, 139.39, "11110000"),
    "46091": Station("相模湖", 35.61, 139.19, "01000000"),
}
FILES = AreaFiles(parse_area_table(TABLE), {"140010": ("46106", "46141")}, STATIONS, {"1410000": ("46091", "46106")})


def empty(session: Session) -> None:
    """Forget whatever any feed brought."""
    for table in TABLES:
        session.execute(text(f"DELETE FROM {table}"))


@pytest.fixture
def feeds(engine: Engine) -> Iterator[Engine]:
    """Empty feeds, committed, over JMA's tables; emptied again afterwards, since others find what is committed."""
    with Session(engine) as session, session.begin():
        empty(session)
        sync_tables(session, FILES, at("2026-11-16 03:17"))
    yield engine
    with Session(engine) as session, session.begin():
        empty(session)


@pytest.fixture
def alone(feeds: Engine) -> Engine:
    """Empty feeds that no rule of another test's brand needs: they are paused."""
    for brand_id in list_brand_ids(feeds):
        with open_session(feeds, Scope(brand_id)) as session:
            session.execute(text("UPDATE weather_rule SET status = 'paused' WHERE status = 'live'"))
            session.commit()
    return feeds

"""What the doctor tells of the weather's feeds."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from app.doctor.feeds import check_feeds
from app.weather.feeds import state
from app.weather.feeds.state import Name
from tests import make
from tests.app.weather.files import at
from tests.conftest import BrandHome

pytestmark = pytest.mark.every_brand

NOON = at("2026-11-21 12:00")
RAINING = {"reading": "raining_now", "op": "=", "value": True}


def note(engine: Engine, *names: Name, minutes_ago: float = 5) -> None:
    """Let these feeds have said that it was so many minutes before noon."""
    with Session(engine) as session, session.begin():
        for name in names:
            moment = NOON - timedelta(minutes=minutes_ago)
            state.note_success(session, name, NOON, own_clock_at=moment)


@pytest.fixture
def open_store(alone: Engine, home: BrandHome) -> BrandHome:
    """A brand with a store that is always open, and feeds that are in order."""
    with home.open() as session:
        make.store(session, opening_hours=None)
        session.commit()
    note(alone, Name.TABLES, Name.WARNINGS, Name.FLOODS)
    return home


def test_feeds_in_order_are_told(feeds: Engine, open_store: BrandHome) -> None:
    finding = check_feeds(feeds, NOON)
    assert (finding.ok, finding.says) == (True, "3 in use, the oldest as of 5 min ago.")


def test_a_feed_that_stands_still_is_told(feeds: Engine, open_store: BrandHome) -> None:
    note(feeds, Name.WARNINGS, minutes_ago=120)
    finding = check_feeds(feeds, NOON)
    assert finding.ok is False
    assert "The feed of warnings says that it is 120 minutes ago" in finding.says


def test_why_a_feed_cannot_be_told_is_said(feeds: Engine, open_store: BrandHome) -> None:
    with Session(feeds) as session, session.begin():
        state.note_failure(session, Name.WARNINGS, NOON, "/0 is not an object", is_malformed=True)
    assert "/0 is not an object" in check_feeds(feeds, NOON).says


def test_a_feed_is_missed_once_a_live_rule_needs_it(feeds: Engine, open_store: BrandHome) -> None:
    with open_store.open() as session:
        make.weather_rule(session, condition=RAINING)
        session.commit()
    assert check_feeds(feeds, NOON).says == "No observations have been fetched yet."


def test_a_store_that_no_area_speaks_for_is_told(feeds: Engine, open_store: BrandHome) -> None:
    with open_store.open() as session:
        make.store(session, name="迷い店", weather_area=None, municipality_code=None)
        make.weather_rule(session)
        session.commit()
    finding = check_feeds(feeds, NOON)
    assert finding.ok is False
    assert "迷い店" in finding.says

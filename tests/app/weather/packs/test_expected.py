"""How often a draft would fire: from the forecasts that are kept, or not at all."""

from datetime import date, timedelta

import pytest

from app.weather.archive.models import ArchivedForecast
from app.weather.models import WeatherRule
from app.weather.packs.catalogue import find_pack
from app.weather.packs.expected import MOST_STORES, expect_fires
from app.weather.packs.occasions import Code
from app.weather.packs.schemas import PackImport
from app.weather.packs.service import import_pack
from tenants.session import ScopedSession
from tests import make
from tests.app.weather.files import IZU, at

FIRST_ON = date(2031, 4, 1)
DAYS = 60
NOW = at("2031-07-01 12:00")
ISLAND = {"class20": "1336100", "class10": IZU, "office": "130000", "source": "operator"}


def remember(session: ScopedSession, days: int) -> None:
    """So many days of forecasts for the islands: every third day rain is forecast."""
    for day in range(days + 2):
        on = FIRST_ON + timedelta(days=day)
        issued_at = at(f"{on} 05:00")
        session.add(
            ArchivedForecast(
                district=IZU,
                issued_at=issued_at,
                known_at=issued_at,
                first_block_at=at(f"{on} 06:00"),
                rain=[0, 80 if day % 3 == 0 else 10, 0, 0, 0, 0, 0],
                first_on=on,
                codes=["300" if day % 3 == 0 else "100", "100"],
            )
        )
    session.flush()


def draft(session: ScopedSession, code: Code) -> WeatherRule:
    """A draft of the cafés' pack for all stores."""
    pack = find_pack("cafe")
    assert pack is not None
    wanted = PackImport(all_stores=True, rules=[code])
    (one,) = import_pack(session, pack, wanted, owner=None, now=NOW)
    return one.rule


def test_what_is_kept_tells_how_often_a_rule_would_fire(session: ScopedSession) -> None:
    make.store(session, weather_area=ISLAND)
    remember(session, DAYS)
    expected = expect_fires(session, draft(session, "rain-at-lunch"), NOW)
    assert (expected.first_on, expected.last_on) == (date(2031, 4, 2), date(2031, 5, 31))
    assert expected.per_store_year == pytest.approx(20 / DAYS * 365, abs=0.1)


def test_what_a_rule_reads_and_nobody_kept_is_not_guessed(session: ScopedSession) -> None:
    make.store(session, weather_area=ISLAND)
    remember(session, DAYS)
    expected = expect_fires(session, draft(session, "after-the-storm"), NOW)
    assert expected.per_store_year is None
    assert expected.detail is not None


def test_a_few_weeks_make_no_year(session: ScopedSession) -> None:
    make.store(session, weather_area=ISLAND)
    remember(session, 20)
    assert expect_fires(session, draft(session, "rain-at-lunch"), NOW).per_store_year is None


def test_stores_of_one_district_are_played_once(session: ScopedSession) -> None:
    for _ in range(MOST_STORES + 2):
        make.store(session, weather_area=ISLAND)
    remember(session, DAYS)
    assert expect_fires(session, draft(session, "rain-at-lunch"), NOW).stores == 1

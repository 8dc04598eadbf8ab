"""Where the forecast of a new store is found."""

from typing import Any

import pytest

from app.admin.stores import service
from app.weather.models import WeatherArea
from tenants.problems import Invalid
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tables import utc_now

PLACE = {"class20": "9900100", "class10": "990010", "office": "990000"}
OTHER = {"class20": "9900200", "class10": "990010", "office": "990000"}


@pytest.fixture(autouse=True)
def area_tables(session: ScopedSession) -> None:
    """JMA's tables of a prefecture that does not exist, with two municipalities."""
    rows = [
        ("office", "990000", None),
        ("class10", "990010", "990000"),
        ("class15", "990011", "990010"),
        ("class20", "9900100", "990011"),
        ("class20", "9900200", "990011"),
    ]
    session.add_all(
        WeatherArea(level=level, code=code, name=code, parent=parent, synced_at=utc_now())
        for level, code, parent in rows
    )
    session.flush()


def _create(session: ScopedSession, municipality: str | None, given: dict[str, str | None] | None = None) -> Store:
    values: dict[str, Any] = {"code": "S1", "name": "x", "municipality_code": municipality}
    return service.create_store(session, values, weather_area=given, account_ids=[])


def test_a_municipality_says_where(session: ScopedSession) -> None:
    assert _create(session, "99001").weather_area == {**PLACE, "source": "municipality"}


def test_a_class20_is_completed_from_the_tables(session: ScopedSession) -> None:
    assert _create(session, "99001", {"class20": "9900200"}).weather_area == {**OTHER, "source": "operator"}


def test_codes_that_the_tables_lack_are_kept_as_given(session: ScopedSession) -> None:
    given: dict[str, str | None] = {"class20": "8800100", "class10": "880010", "office": "880000"}
    assert _create(session, "99001", given).weather_area == {**given, "source": "operator"}


def test_a_class20_that_nobody_knows_is_refused(session: ScopedSession) -> None:
    with pytest.raises(Invalid):
        _create(session, "99001", {"class20": "8800100"})


def test_a_store_that_moves_is_located_anew(session: ScopedSession) -> None:
    store = _create(session, "99001")
    service.change_store(session, store, {"municipality_code": "99002"})
    assert store.weather_area == {**OTHER, "source": "municipality"}
    service.change_store(session, store, {"municipality_code": None})
    assert store.weather_area is None


def test_what_an_operator_chose_stays_until_she_takes_it_back(session: ScopedSession) -> None:
    store = _create(session, "99001", {"class20": "9900200"})
    service.change_store(session, store, {"municipality_code": "99001"})
    assert store.weather_area == {**OTHER, "source": "operator"}
    service.change_store(session, store, {"weather_area": None})
    assert store.weather_area == {**PLACE, "source": "municipality"}

"""Rules decide for stores: which stores, which forecast, what is written down."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.events.models import Event
from app.weather import decisions, queries, recording
from app.weather.models import WeatherDecision, WeatherRule
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tests import make
from tests.app.weather.files import IZU, at, forecast

NOW = at("2026-11-21 11:10")
TODAY = date(2026, 11, 21)
HEAT = {"reading": "temperature_max", "op": ">=", "value": 15}


@pytest.fixture(autouse=True)
def rain_in_tokyo(session: ScopedSession) -> None:
    """The 11:00 issue: 80 % for the afternoon in Tokyo, dry on the islands."""
    make.forecast(session, "130000", forecast(rain=["80", "0", "0", "0", "0", "0"]), NOW)


def islander(session: ScopedSession, **changes: Any) -> Store:
    """A store of the same office's other district."""
    area = {"class20": "1336100", "class10": IZU, "office": "130000", "source": "operator"}
    return make.store(session, weather_area=area, **changes)


def decide(session: ScopedSession, *rules: WeatherRule, now: Any = NOW) -> dict[int, str]:
    """Decide and write down; the reason by store number."""
    concluded = decisions.conclude(session, rules, now)
    recording.write_down(session, concluded, now)
    return {one.store.no: one.decision.reason.value for one in concluded}


def list_rows(session: ScopedSession) -> list[WeatherDecision]:
    """All decisions, oldest first."""
    return list(session.exec(select(WeatherDecision).order_by(col(WeatherDecision.id))).all())


def test_a_rule_fires_for_exactly_the_stores_under_rain(session: ScopedSession) -> None:
    tokyo, island = make.store(session), islander(session)
    assert decide(session, make.weather_rule(session)) == {tokyo.no: "fired", island.no: "condition_false"}


def test_every_decision_is_written_down_with_its_readings(session: ScopedSession) -> None:
    store = islander(session)
    rule = make.weather_rule(session)
    decide(session, rule)
    (row,) = list_rows(session)
    assert (row.weather_rule_id, row.store_id, row.store_no, row.business_on) == (rule.id, store.id, store.no, TODAY)
    assert (row.fired, row.reason, row.decided_at, row.run_id) == (False, "condition_false", NOW, None)
    assert row.readings == [
        {
            "reading": "precipitation_probability",
            "value": 0,
            "source": "jma",
            "issued_at": "2026-11-21T02:00:00Z",
            "age_seconds": 600,
            "gap": None,
            "op": ">=",
            "compared_with": 60,
            "holds": False,
        }
    ]
    assert row.forecast_issue_id is not None


def test_an_unknown_reading_is_null_and_says_why(session: ScopedSession) -> None:
    make.forecast(session, "130000", forecast(rain=["", "90", "90", "90", "90", "90"]), NOW)
    store = make.store(session)
    assert decide(session, make.weather_rule(session)) == {store.no: "unknown_data"}
    (row,) = list_rows(session)
    assert (row.readings[0]["value"], row.readings[0]["gap"]) == (None, "12:00-18:00: the file leaves it empty")
    assert "leaves it empty" in row.detail


def test_a_malformed_file_fires_nothing_and_says_why(session: ScopedSession) -> None:
    make.forecast(session, "130000", b'[{"publishingOffice": ', NOW)
    store = make.store(session)
    assert decide(session, make.weather_rule(session)) == {store.no: "unknown_data"}
    assert "malformed" in list_rows(session)[0].detail


def test_a_stale_file_fires_nothing_and_says_why(session: ScopedSession) -> None:
    make.forecast(session, "130000", forecast("2026-11-20 11:00", rain=["90"] * 6), NOW)
    store = make.store(session)
    assert decide(session, make.weather_rule(session)) == {store.no: "stale"}
    assert "2026-11-21 05:00" in list_rows(session)[0].detail


def test_an_office_that_was_never_fetched_fires_nothing(session: ScopedSession) -> None:
    area = {"class20": "4710000", "class10": "471010", "office": "471998", "source": "operator"}
    store = make.store(session, weather_area=area)
    assert decide(session, make.weather_rule(session)) == {store.no: "unknown_data"}


def test_a_second_tick_of_the_day_does_not_fire_again(session: ScopedSession) -> None:
    store = make.store(session)
    rule = make.weather_rule(session)
    assert decide(session, rule) == {store.no: "fired"}
    assert decide(session, rule, now=NOW + timedelta(minutes=5)) == {store.no: "already_fired"}


def test_the_database_itself_keeps_a_rule_from_firing_twice(session: ScopedSession) -> None:
    make.store(session)
    concluded = decisions.conclude(session, [make.weather_rule(session)], NOW)
    recording.write_down(session, concluded, NOW)
    with pytest.raises(IntegrityError, match="uq_weather_decision_fired"):
        recording.write_down(session, concluded, NOW)


def test_a_cooldown_holds_for_its_store_only(session: ScopedSession) -> None:
    first, second = make.store(session), make.store(session)
    rule = make.weather_rule(session, store_ids=[first.id], all_stores=False, cooldown_days=2)
    decide(session, rule)
    rule.all_stores, rule.store_ids = True, []
    make.forecast(session, "130000", forecast("2026-11-22 11:00", rain=["90"] * 6), NOW)
    tomorrow = NOW + timedelta(days=1)
    assert decide(session, rule, now=tomorrow) == {first.no: "cooldown", second.no: "fired"}


def test_a_rehearsal_of_tomorrow_does_not_cool_down_today(session: ScopedSession) -> None:
    store = make.store(session)
    rule = make.weather_rule(session, cooldown_days=3)
    make.forecast(session, "130000", forecast("2026-11-22 11:00", rain=["90"] * 6), NOW)
    decide(session, rule, now=NOW + timedelta(days=1))
    make.forecast(session, "130000", forecast(rain=["90"] * 6), NOW)
    assert decide(session, rule) == {store.no: "fired"}


def test_the_state_of_the_day_carries_a_rule_over_a_dip(session: ScopedSession) -> None:
    store = make.store(session)
    off = {**make.RAIN_AT_LUNCH, "op": "<", "value": 40}
    rule = make.weather_rule(session, off_condition=off, blackout_on=[TODAY])
    assert decide(session, rule) == {store.no: "closed"}
    rule.blackout_on = []
    make.forecast(session, "130000", forecast(rain=["50"] * 6), NOW)
    assert decide(session, rule) == {store.no: "fired"}


def test_a_rule_names_stores_and_areas_with_those_below(session: ScopedSession) -> None:
    named, inside, below, other = (make.store(session) for _ in range(4))
    parent = make.area(session, inside)
    make.area(session, below, parent_id=parent.id)
    rule = make.weather_rule(session, all_stores=False, store_ids=[named.id], area_ids=[parent.id])
    assert set(decide(session, rule)) == {named.no, inside.no, below.no}
    assert other.no not in decide(session, rule)


def test_a_rule_of_a_store_decides_for_that_store_only(session: ScopedSession) -> None:
    mine, other = make.store(session), make.store(session)
    rule = make.weather_rule(session, store_id=mine.id, store_no=mine.no)
    assert set(decide(session, rule)) == {mine.no}
    assert other.no != mine.no


def test_an_archived_store_is_not_decided_for(session: ScopedSession) -> None:
    make.store(session, archived_at=NOW)
    assert decide(session, make.weather_rule(session)) == {}


def test_only_live_rules_are_ticked_by_priority(session: ScopedSession) -> None:
    low = make.weather_rule(session, priority=1)
    high = make.weather_rule(session, priority=9)
    for status in ("draft", "paused"):
        make.weather_rule(session, status=status)
    make.weather_rule(session, archived_at=NOW)
    assert [rule.id for rule in queries.list_live_rules(session)] == [high.id, low.id]


def test_offices_are_those_of_the_live_rules_stores(session: ScopedSession) -> None:
    area = {"class20": "0120700", "class10": "014030", "office": "014030", "source": "municipality"}
    obihiro = make.store(session, weather_area=area)
    make.store(session)
    make.weather_rule(session, all_stores=False, store_ids=[obihiro.id])
    assert decisions.list_offices(session) == {"014100"}


def test_a_firing_is_an_event_and_other_decisions_are_not(session: ScopedSession) -> None:
    store, island = make.store(session), islander(session)
    rule = make.weather_rule(session)
    decide(session, rule)
    (event,) = session.exec(select(Event).where(col(Event.type) == "weather.decided")).all()
    assert (event.store_no, event.data["weather_rule_id"]) == (store.no, str(rule.id))
    assert event.store_no != island.no


def test_heat_is_read_at_the_stores_station(session: ScopedSession) -> None:
    # Another test may have synchronised JMA's tables, which belong to no brand.
    session.execute(text("DELETE FROM weather_station; DELETE FROM weather_area"))
    make.forecast(session, "130000", forecast(temps=["15", "31", "8", "14"]), NOW)
    store = make.store(session)
    assert decide(session, make.weather_rule(session, condition={**HEAT, "value": 16})) == {store.no: "unknown_data"}


def test_a_store_without_a_place_says_so(session: ScopedSession) -> None:
    make.store(session, weather_area=None, municipality_code=None)
    decide(session, make.weather_rule(session))
    assert list_rows(session)[0].detail == "The store has neither a weather area nor a municipality code."

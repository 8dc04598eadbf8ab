"""Safety stops over time: begun by warnings, ended by two clean checks or by a person, coupons kept alive."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from app.events.models import Event
from app.messaging.safety import queries as stops
from app.messaging.safety import service as safety
from app.messaging.safety.models import SafetyStop
from app.weather.areas import Level
from app.weather.feeds.warning_codes import WARNING_CODES
from app.weather.models import WeatherArea
from app.weather.outlook import Gap, WarningInForce, Warnings
from app.weather.safety import watching
from app.weather.safety.verdicts import judge
from app.weather.safety.watching import Checked, Place
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tests import make
from tests.app.weather.files import at

NOW = at("2026-11-21 11:10")
SHINJUKU = Place("130010", "1310400")
UNKNOWN = Gap("The feed stands still.")


@pytest.fixture
def store(session: ScopedSession) -> Store:
    """A shop in Shinjuku."""
    return make.store(session)


def look(session: ScopedSession, *codes: str, now: datetime = NOW, unknown: bool = False) -> Checked:
    """A check that finds these warnings over Shinjuku."""
    in_force = tuple(WarningInForce(code, *WARNING_CODES[code], issued_at=NOW) for code in codes)
    told = UNKNOWN if unknown else Warnings("jma", now, in_force)
    return watching.check(session, {SHINJUKU: judge(told, was_known=True, now=now)}, now)


def standing(session: ScopedSession, store: Store) -> SafetyStop | None:
    return stops.map_standing(session).get(store.no)


def after(**span: Any) -> datetime:
    return NOW + timedelta(**span)


def test_a_warning_stops_the_store_and_says_why(session: ScopedSession, store: Store) -> None:
    assert look(session, "03").begun == [store.no]
    stop = standing(session, store)
    assert stop is not None
    assert (stop.kind, stop.area_code, stop.checked_at) == ("stop", "1310400", NOW)
    assert [(one["code"], one["issued_at"]) for one in stop.warnings] == [("03", "2026-11-21T02:10:00Z")]
    event = session.exec(select(Event).where(col(Event.type) == "safety.stopped")).one()
    assert (event.store_no, event.data["warnings"]) == (store.no, ["03"])


def test_a_second_look_begins_nothing_new(session: ScopedSession, store: Store) -> None:
    look(session, "03")
    assert look(session, "03", now=after(minutes=5)).begun == []


def test_two_clean_checks_half_an_hour_apart_end_it(session: ScopedSession, store: Store) -> None:
    look(session, "03")
    assert look(session, now=after(minutes=5)).ended == []
    assert look(session, now=after(minutes=34)).ended == []
    assert look(session, now=after(minutes=35)).ended == [store.no]
    assert standing(session, store) is None
    event = session.exec(select(Event).where(col(Event.type) == "safety.resumed")).one()
    assert event.data["ended_by"] == "rule"


def test_a_warning_between_two_clean_checks_begins_the_count_anew(session: ScopedSession, store: Store) -> None:
    look(session, "03")
    look(session, now=after(minutes=5))
    look(session, "03", now=after(minutes=20))
    assert look(session, now=after(minutes=40)).ended == []
    assert look(session, now=after(minutes=70)).ended == [store.no]


def test_what_is_not_known_is_no_clean_check(session: ScopedSession, store: Store) -> None:
    look(session, "03")
    look(session, now=after(minutes=5))
    look(session, now=after(minutes=20), unknown=True)
    stop = standing(session, store)
    assert stop is not None
    assert stop.kind == "stop"
    assert look(session, now=after(minutes=40)).ended == []


def test_a_feed_whose_clock_stands_still_ends_nothing(session: ScopedSession, store: Store) -> None:
    look(session, "03")
    clean = judge(Warnings("jma", after(minutes=5), ()), was_known=True, now=after(minutes=5))
    for minutes in (5, 40):
        assert watching.check(session, {SHINJUKU: clean}, after(minutes=minutes)).ended == []


def test_what_is_not_known_is_held_until_it_is(session: ScopedSession, store: Store) -> None:
    look(session, unknown=True)
    stop = standing(session, store)
    assert stop is not None
    assert stop.kind == "hold"
    assert look(session, now=after(minutes=5)).ended == [store.no]


def test_a_hold_becomes_a_stop_once_a_warning_is_known(session: ScopedSession, store: Store) -> None:
    look(session, unknown=True)
    before = standing(session, store)
    assert before is not None
    signal_id = before.signal_id
    assert look(session, "33", now=after(minutes=5)).begun == [store.no]
    stop = standing(session, store)
    assert stop is not None
    assert (stop.kind, stop.signal_id > signal_id) == ("stop", True)


def test_what_a_person_let_pass_stops_nothing_again_until_it_is_over(session: ScopedSession, store: Store) -> None:
    look(session, "03")
    stop = standing(session, store)
    assert stop is not None
    safety.end(session, stop, by=safety.PERSON, reason="地下街の店舗です。", now=NOW)
    assert look(session, "03", now=after(minutes=5)).begun == []
    look(session, now=after(minutes=10))
    assert look(session, "03", now=after(minutes=15)).begun == [store.no]


def test_a_new_warning_stops_though_a_person_let_another_pass(session: ScopedSession, store: Store) -> None:
    look(session, "03")
    stop = standing(session, store)
    assert stop is not None
    safety.end(session, stop, by=safety.PERSON, reason="地下街の店舗です。", now=NOW)
    assert look(session, "03", "09", now=after(minutes=5)).begun == [store.no]


def test_a_store_that_nobody_can_place_is_not_watched(session: ScopedSession) -> None:
    make.store(session, weather_area=None, municipality_code=None)
    assert look(session, "03").begun == []


def test_copies_of_those_at_home_there_are_good_until_a_day_after_the_end(session: ScopedSession, store: Store) -> None:
    account = make.line_account(session, store, make.store(session))
    hers = make.issued_coupon(session, customer=make.follower(session, account, home=store), expires_at=after(hours=1))
    others = make.issued_coupon(session, customer=make.follower(session, account), expires_at=after(hours=1))
    later = make.issued_coupon(session, customer=make.follower(session, account, home=store), expires_at=after(days=9))
    look(session, "03")
    look(session, "03", now=after(minutes=5))
    look(session, now=after(minutes=10))
    look(session, now=after(minutes=40))
    for copy in (hers, others, later):
        session.refresh(copy)
    assert hers.expires_at == after(hours=24, minutes=40)
    assert (others.expires_at, later.expires_at) == (after(hours=1), after(days=9))


def test_the_warnings_of_a_municipality_are_those_of_its_stores(session: ScopedSession) -> None:
    parents = {"130000": None, "130010": "130000", "130011": "130010", "1310400": "130011", "1310500": "130011"}
    levels = [Level.OFFICE, Level.CLASS10, Level.CLASS15, Level.CLASS20, Level.CLASS20]
    for level, (code, parent) in zip(levels, parents.items(), strict=True):
        session.merge(WeatherArea(level=level, code=code, name=code, parent=parent, synced_at=NOW))
    session.flush()
    bunkyo = Place("130010", "1310500")
    make.warnings(session, {"1310400": ["03"], "1310500": []}, NOW)
    verdicts = watching.judge_places(session, [SHINJUKU, bunkyo], NOW)
    assert (verdicts[SHINJUKU].kind, verdicts[bunkyo].kind) == ("stop", None)

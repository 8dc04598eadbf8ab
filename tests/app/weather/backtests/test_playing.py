"""A rule played with its stores, rivals and people: what comes of it is what came of it live."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from app.coupons.models import Redemption
from app.weather import decisions, recording
from app.weather.archive import growing
from app.weather.archive.models import ArchivedObservation
from app.weather.backtests.playing import play, prepare
from app.weather.backtests.tally import Tally
from app.weather.models import WeatherRule
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tests import make
from tests.app.weather.backtests.districts import District, know
from tests.app.weather.files import IZU, TOKYO, TOKYO_STATION, at, forecast

DAYS = [date(2031, 6, 2) + timedelta(days=no) for no in range(5)]
TIMES = ("05:45", "11:15")
NOW = at("2032-01-01 12:00")


def backtest(session: ScopedSession, rule: WeatherRule, **more: Any) -> Tally:
    playback = prepare(session, rule, DAYS[0], DAYS[-1], NOW, **more)
    tally = Tally(playback)
    for played in play(session, playback):
        for _ in tally.add(played):
            pass
    return tally


def publish(session: ScopedSession, afternoons: list[str]) -> None:
    """Issues of 05:00 and 11:00 for each day, the second with another probability for the afternoon."""
    for on, percent in zip(DAYS, afternoons, strict=True):
        early = ["0", "50" if percent else "", *["0"] * 5]
        make.forecast(session, "130000", forecast(f"{on} 05:00", rain=early), at(f"{on} 05:05"))
        make.forecast(session, "130000", forecast(f"{on} 11:00", rain=[percent, *["0"] * 5]), at(f"{on} 10:50"))


def take_in(session: ScopedSession) -> None:
    while growing.take_in_forecasts(session):
        pass


@pytest.fixture
def stores(session: ScopedSession) -> list[Store]:
    """One with rain, one closed on Wednesdays, one on the dry islands, one of which nobody knows where it is."""
    island = {"class20": "1336100", "class10": IZU, "office": "130000", "source": "operator"}
    return [
        make.store(session),
        make.store(session, opening_hours={day: [["11:00", "26:00"]] for day in ("mon", "tue", "thu", "fri")}),
        make.store(session, weather_area=island),
        make.store(session, weather_area=None, municipality_code=None),
    ]


@pytest.mark.parametrize("cooldown_days", [0, 2])
def test_it_concludes_what_was_concluded_live(session: ScopedSession, stores: list[Store], cooldown_days: int) -> None:
    rain = {"reading": "precipitation_probability", "op": ">=", "value": 60, "in": {"from": "12:00", "to": "18:00"}}
    rule = make.weather_rule(
        session,
        condition=rain,
        off_condition=rain | {"op": "<", "value": 40},
        decide_times=list(TIMES),
        cooldown_days=cooldown_days,
    )
    rival = make.weather_rule(
        session,
        condition=rain | {"value": 90},
        decide_times=["11:15"],
        priority=5,
        store_ids=[stores[0].id],
        all_stores=False,
    )
    live: dict[tuple[int, date], str] = {}
    for on, percent in zip(DAYS, ["80", "90", "50", "", "70"], strict=True):
        for clock, issued, rows in (
            (TIMES[0], "05:00", ["0", "50" if percent else "", *["0"] * 5]),
            (TIMES[1], "11:00", [percent, *["0"] * 5]),
        ):
            now: datetime = at(f"{on} {clock}")
            make.forecast(session, "130000", forecast(f"{on} {issued}", rain=rows), now - timedelta(minutes=5))
            due = [rule, rival] if clock == TIMES[1] else [rule]
            concluded = decisions.conclude(session, due, now)
            recording.write_down(session, concluded, now)
            for one in concluded:
                key = (one.store.no, one.decision.business_on)
                if one.rule.id == rule.id and live.get(key) != "fired":
                    live[key] = one.decision.reason.value
    take_in(session)
    played = {
        key: day.reason.value
        for stretch in play(session, prepare(session, rule, DAYS[0], DAYS[-1], NOW))
        for key, day in stretch.days.items()
    }
    assert played == live
    assert {"fired", "closed", "unknown_data", "condition_false"} <= set(live.values())
    assert ("outranked" in live.values()) is (cooldown_days == 0)


def test_people_are_counted_once_a_day_and_not_where_they_are_at_home_elsewhere(session: ScopedSession) -> None:
    wet, dry = make.store(session), make.store(session, opening_hours={"sun": [["11:00", "22:00"]]})
    both, alone = make.line_account(session, wet, dry), make.line_account(session, wet)
    friends = [make.customer(session, wet) for _ in range(3)]
    for person in friends:
        make.friend(session, both, person)
        make.friend(session, alone, person)
    at_home_elsewhere = make.customer(session, dry, home_store_id=dry.id, home_store_no=dry.no)
    make.friend(session, both, at_home_elsewhere)
    publish(session, ["80", "0", "80", "0", "0"])
    take_in(session)
    tally = backtest(session, make.weather_rule(session))
    messages = tally.result()["messages"]
    assert (messages["people"], messages["total"]) == (4, 6)
    assert [one["messages"] for one in tally.result()["calendar"]] == [3, 0, 3, 0, 0]
    held = backtest(session, make.weather_rule(session, holdout_ratio=0.3, status="draft", priority=9))
    assert held.all.messages == 4


def test_a_coupons_past_use_is_what_it_costs_and_ends_with_the_budget(session: ScopedSession) -> None:
    store = make.store(session)
    account = make.line_account(session, store)
    for _ in range(10):
        make.friend(session, account, make.customer(session, store))
    coupon = make.coupon(session)
    for number in range(4):
        copy = make.issued_coupon(session, coupon, expires_at=at("2031-01-01 00:00"))
        if number < 2:
            session.add(
                Redemption(
                    issued_coupon_id=copy.id,
                    coupon_id=coupon.id,
                    customer_id=copy.customer_id,
                    store_id=store.id,
                    store_no=store.no,
                    discount_yen=100,
                    redeemed_at=at("2030-12-31 12:00"),
                    business_on=date(2030, 12, 31),
                )
            )
    session.flush()
    publish(session, ["80", "80", "80", "80", "0"])
    take_in(session)
    rule = make.weather_rule(session, coupon_id=coupon.id, budget_yen=900)
    tally = backtest(session, rule)
    cost = tally.result()["cost"]
    assert (cost["copies"], cost["redeemed_ratio"], cost["yen_per_copy"], cost["total_yen"]) == (4, 0.5, 50, 1000)
    assert tally.result()["reasons"] == {"budget": 2, "condition_false": 1, "fired": 2}


def test_what_came_is_held_against_what_fell(session: ScopedSession) -> None:
    store = make.store(session, latitude=None, longitude=None)
    know(session, [District("130000", TOKYO, TOKYO_STATION)])
    publish(session, ["80", "90", "70", "0", "60"])
    take_in(session)
    tally = backtest(session, make.weather_rule(session, status="draft"))
    assert tally.result()["verification"][0]["verified"] == 0
    for on, rain in zip(DAYS, (2.0, 0.0, 0.5, 3.0, None), strict=True):
        hours: list[float | None] = [0.0] * 24
        hours[13] = rain
        session.add(
            ArchivedObservation(station=TOKYO_STATION, observed_on=on, rain_mm=hours, temperatures_c=[None] * 24)
        )
    session.flush()
    tally = backtest(session, make.weather_rule(session, status="draft"))
    half, whole = tally.result()["verification"]
    assert (half["hits"], half["false_alarms"], half["misses"], half["verified"]) == (2, 1, 1, 3)
    assert (whole["hits"], whole["false_alarms"], whole["precision_ratio"]) == (1, 2, 0.3333)
    (alarm,) = tally.result()["false_alarms"]
    assert (alarm["business_on"], alarm["rain_mm"]) == ("2031-06-03", 0.0)
    assert [reading["value"] for reading in alarm["readings"]] == [90]
    assert store.no in tally.by_store

"""A rule on its way through time: the memory and the clock around the decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.weather.archive.reading import Place, StationDay
from app.weather.backtests.replay import Claims, PlayedStore, Player, Records, StoreDay, note
from app.weather.conditions import parse_condition, parse_window
from app.weather.outlook import DayFact, Gap, PlaceForecast
from app.weather.places import Spot
from app.weather.rules import Reason, Rule
from app.weather.weather_codes import kinds_of, sky_of
from tenants.ids import uuid7
from tests.app.weather.files import at

JAPAN = ZoneInfo("Asia/Tokyo")
SPOT = Spot("130000", "130010", None, "44132")
RAIN = {"reading": "precipitation_probability", "op": ">=", "value": 60}
FIRST_ON = date(2023, 6, 1)


def rule(condition: dict[str, Any] = RAIN, **changes: Any) -> Rule:
    window = parse_window({"from": "12:00", "to": "18:00"})
    return replace(Rule(parse_condition(condition), window=window), **changes)


def store(no: int = 1, spot: Spot | Gap = SPOT, hours: Mapping[str, Any] | None = None) -> PlayedStore:
    return PlayedStore.of(no, uuid7(), f"{no}号店", spot, hours)


def player(
    played: Rule,
    *stores: PlayedStore,
    times: Sequence[str] = ("11:15",),
    first_on: date = FIRST_ON,
    last_on: date = date(2023, 6, 30),
    **more: Any,
) -> Player:
    minutes = [int(clock[:2]) * 60 + int(clock[3:]) for clock in times]
    listed = stores or (store(),)
    return Player(uuid7(), played, minutes, listed, first_on=first_on, last_on=last_on, zone=JAPAN, **more)


def issue(issued_at: datetime, percent: int, code: str = "200") -> PlaceForecast:
    on = issued_at.astimezone(JAPAN).date()
    rain = {at(f"{on} {hour:02}:00"): percent for hour in (6, 12, 18)}
    return PlaceForecast("jma", issued_at, rain, {}, {on: sky_of(code)}, kinds={on: kinds_of(code, None)})


def records(
    percents: Mapping[str, int | None], code: str = "200", facts: Mapping[date, DayFact] | None = None
) -> Records:
    """What was forecast at each moment; None is nothing."""
    forecasts = {
        at(moment): Gap("nothing") if percent is None else issue(at(moment).replace(minute=0), percent, code)
        for moment, percent in percents.items()
    }
    return Records({Place("130010", "44132"): forecasts}, {}, {})


def play(one: Player, known: Records, claims: Claims | None = None, **more: Any) -> dict[tuple[int, date], StoreDay]:
    days: dict[tuple[int, date], StoreDay] = {}
    taken: Claims = {} if claims is None else claims
    for moment in sorted(known.forecasts[Place("130010", "44132")]):
        note(days, one.decide(moment, known, taken, **more), moment)
    return days


def reasons(days: Mapping[tuple[int, date], StoreDay]) -> dict[str, str]:
    return {f"{on:%m-%d}": day.reason.value for (_, on), day in sorted(days.items())}


def test_it_fires_on_wet_days_and_waits_for_its_cooldown() -> None:
    known = records(
        {f"2023-06-{day:02} 11:15": percent for day, percent in ((1, 60), (2, 90), (3, 70), (4, 50), (5, 80))}
    )
    assert reasons(play(player(rule(cooldown_days=2)), known)) == {
        "06-01": "fired", "06-02": "cooldown", "06-03": "fired", "06-04": "condition_false", "06-05": "fired",
    }  # fmt: skip


def test_what_is_not_known_never_fires_and_what_is_old_is_stale() -> None:
    known = records({"2023-06-01 11:15": None, "2023-06-02 11:15": 90})
    old = issue(at("2023-06-01 17:00"), 90)
    forecasts = {Place("130010", "44132"): {**known.forecasts[Place("130010", "44132")], at("2023-06-02 11:15"): old}}
    assert reasons(play(player(rule()), replace(known, forecasts=forecasts))) == {
        "06-01": "unknown_data",
        "06-02": "stale",
    }


def test_it_fires_once_a_business_day_whatever_its_decide_times() -> None:
    known = records({"2023-06-01 05:45": 50, "2023-06-01 11:15": 80, "2023-06-01 11:45": 90})
    one = player(rule(), times=("05:45", "11:15", "11:45"))
    days = play(one, known)
    assert reasons(days) == {"06-01": "fired"}
    assert days[1, FIRST_ON].decided_at == at("2023-06-01 11:15")


def test_a_rule_that_went_on_stays_on_within_its_hysteresis_that_day_only() -> None:
    off = parse_condition({"reading": "precipitation_probability", "op": "<", "value": 40}, turns_off=True)
    blackout = frozenset({FIRST_ON})
    known = records({"2023-06-01 05:45": 70, "2023-06-01 11:15": 50, "2023-06-02 05:45": 50, "2023-06-02 11:15": 50})
    one = player(rule(off_condition=off), times=("05:45", "11:15"))
    fired = play(one, known, is_spent=True)
    assert reasons(fired) == {"06-01": "budget", "06-02": "condition_false"}
    two = player(rule(off_condition=off, blackout_on=blackout), times=("05:45", "11:15"))
    assert reasons(play(two, known)) == {"06-01": "closed", "06-02": "condition_false"}


def test_a_closed_day_and_an_unknown_place_say_so() -> None:
    known = records({"2023-06-01 11:15": 90})  # a Thursday
    closed = store(2, hours={"fri": [["11:00", "22:00"]]})
    nowhere = store(3, spot=Gap("The store has neither a weather area nor a municipality code."))
    days = play(player(rule(), store(), closed, nowhere), known)
    assert {no: day.reason.value for (no, _), day in days.items()} == {1: "fired", 2: "closed", 3: "unknown_data"}


def test_past_midnight_it_is_still_the_day_before_where_a_store_is_open() -> None:
    night = store(2, hours={day: [["18:00", "30:00"]] for day in ("wed", "thu", "fri")})
    one = player(rule(window=None), store(1), night, times=("25:00",), last_on=FIRST_ON)
    moments = one.moments(FIRST_ON, FIRST_ON + timedelta(days=1))
    assert moments == [at("2023-06-01 01:00"), at("2023-06-02 01:00")]
    known = records({f"{moment.astimezone(JAPAN):%Y-%m-%d %H:%M}": 90 for moment in moments})
    days = play(one, known)
    # At 01:00 of the first it is the first at store 1, and the last of May at the other; a day later the other way.
    assert {key: days[key].decided_at for key in days} == {
        (1, FIRST_ON): at("2023-06-01 01:00"),
        (2, FIRST_ON): at("2023-06-02 01:00"),
    }


def test_that_there_was_no_warning_is_assumed() -> None:
    calm = {"not": {"reading": "warning", "op": ">=", "value": "advisory"}}
    known = records({"2023-06-01 11:15": 90})
    assert reasons(play(player(rule({"all": [RAIN, calm]})), known)) == {"06-01": "fired"}


def test_what_the_archive_does_not_hold_is_unknown() -> None:
    windy = {"reading": "wind_gust", "op": ">=", "value": 10}
    known = records({"2023-06-01 11:15": 90})
    assert reasons(play(player(rule({"all": [RAIN, windy]})), known)) == {"06-01": "unknown_data"}


def test_one_rule_a_day_fires_at_a_store() -> None:
    known = records({"2023-06-01 11:15": 90})
    claims: Claims = {(1, FIRST_ON): uuid7()}
    days = play(player(rule(), store(1), store(2)), known, claims)
    assert {no: day.reason for (no, _), day in days.items()} == {1: Reason.OUTRANKED, 2: Reason.FIRED}


def test_a_first_of_the_season_fires_once_in_a_district() -> None:
    condition = {"reading": "weather", "op": "first_time_this_season", "value": "snow"}
    confirmed: dict[str, Any] = {
        "first_on": date(2023, 1, 1),
        "last_on": date(2023, 12, 31),
        "confirmed_on": date(2023, 12, 1),
    }
    known = records({"2023-12-05 11:15": 0, "2023-12-06 11:15": 0}, code="400")
    days = play(player(rule(condition), store(1), store(2), **confirmed), known)
    assert {key: day.reason.value for key, day in days.items()} == {
        (1, date(2023, 12, 5)): "fired",
        (2, date(2023, 12, 5)): "fired",
        (1, date(2023, 12, 6)): "condition_false",
        (2, date(2023, 12, 6)): "condition_false",
    }


def test_what_was_measured_on_the_day_itself_is_not_looked_at() -> None:
    hot = DayFact(35.0, 25.0, 0.0, Gap("-"), 1.0)
    condition = {"reading": "temperature_max", "op": "rises_by", "value": 5, "versus": "yesterday"}
    moment = at("2023-06-02 11:15")
    days = {date(2023, 6, 1): hot, date(2023, 6, 2): hot}
    known = replace(records({"2023-06-02 11:15": 0}), facts={SPOT: days})
    outlook = known.outlook(SPOT, moment, player(rule(condition)).needs)
    assert list(outlook.past) == [date(2023, 6, 1)]
    assert date(2023, 6, 2) not in outlook.past


def test_a_late_trigger_decides_again_with_each_issue_until_its_end() -> None:
    one = player(rule(), late_until=14 * 60)
    corrections = [at("2023-06-01 11:00"), at("2023-06-01 12:30"), at("2023-06-01 14:00")]
    assert one.moments(FIRST_ON, FIRST_ON, corrections) == [at("2023-06-01 11:15"), at("2023-06-01 12:30")]


def test_hours_that_were_measured_are_read_by_the_moment() -> None:
    day = StationDay([None] * 10 + [0.0, 2.5] + [None] * 12, [20.0] * 24)
    known = replace(records({"2023-06-01 12:15": 0}), days={SPOT: {FIRST_ON: day}})
    outlook = known.outlook(SPOT, at("2023-06-01 12:15"), frozenset({"observed"}))
    assert not isinstance(outlook.observed, Gap)
    assert (outlook.observed.rain_hour_mm, outlook.observed.observed_at) == (2.5, at("2023-06-01 12:00"))

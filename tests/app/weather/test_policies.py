"""What may keep a rule from sending though its condition holds, and what may let it send after all."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col, select

from app.weather import approvals, decisions, recording, tasks
from app.weather.models import PollenSpell, WeatherDecision, WeatherFirst, WeatherRule
from app.weather.problems import NothingToApprove, WeatherApprovalExpired
from app.weather.readings import JAPAN
from tenants.problems import NotFound
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tests import make
from tests.app.weather.files import at, forecast

NOW = at("2026-11-21 11:10")
TODAY = date(2026, 11, 21)
HOUR = timedelta(hours=1)
POLLEN = {"reading": "pollen", "op": ">=", "value": "high"}
FIRST_SNOW = {"reading": "weather", "op": "first_time_this_season", "value": "snow"}


@pytest.fixture(autouse=True)
def rain_in_tokyo(session: ScopedSession) -> None:
    """Rain in Tokyo this afternoon."""
    make.forecast(session, "130000", forecast(rain=["80", "0", "0", "0", "0", "0"]), NOW)


def decide(session: ScopedSession, *rules: WeatherRule, now: datetime = NOW) -> dict[UUID, str]:
    """Decide and write down; the reason by rule, of brands with one store."""
    concluded = decisions.conclude(session, rules, now)
    recording.write_down(session, concluded, now)
    return {one.rule.id: one.decision.reason.value for one in concluded}


def reasons(session: ScopedSession, ids: Sequence[UUID]) -> list[str]:
    """Why these decisions came out as they did, by store."""
    wanted = select(WeatherDecision.reason).where(col(WeatherDecision.id).in_(list(ids)))
    return list(session.exec(wanted.order_by(col(WeatherDecision.store_no))).all())


def waiting(session: ScopedSession, **changes: Any) -> tuple[WeatherRule, UUID]:
    """A rule whose firing waits for approval, and the decision that says so."""
    rule = make.weather_rule(session, approval="before_send", **changes)
    assert set(decide(session, rule).values()) == {"not_approved"}
    wanted = select(WeatherDecision.id).where(col(WeatherDecision.weather_rule_id) == rule.id)
    return rule, session.exec(wanted.order_by(col(WeatherDecision.id))).all()[0]


def turn_dry(session: ScopedSession) -> None:
    """A correction of the forecast: it stays dry."""
    make.forecast(session, "130000", forecast(rain=["10"] * 6), NOW)


@pytest.mark.parametrize(("priorities", "winner"), [((1, 9), 1), ((9, 1), 0), ((5, 5), 0)])
def test_of_two_rules_the_higher_priority_fires_and_then_the_older(
    session: ScopedSession, priorities: tuple[int, int], winner: int
) -> None:
    make.store(session)
    rules = [make.weather_rule(session, priority=priority) for priority in priorities]
    decided = decide(session, *rules)
    assert decided == {rules[winner].id: "fired", rules[1 - winner].id: "outranked"}


def test_who_has_fired_keeps_the_day_from_a_rule_that_decides_later(session: ScopedSession) -> None:
    make.store(session)
    low, high = make.weather_rule(session, priority=1, name="雨"), make.weather_rule(session, priority=9)
    assert decide(session, low) == {low.id: "fired"}
    assert decide(session, high) == {high.id: "outranked"}
    (row,) = session.exec(select(WeatherDecision).where(col(WeatherDecision.reason) == "outranked")).all()
    assert "“雨”" in row.detail


def test_rules_of_different_stores_are_no_rivals(session: ScopedSession) -> None:
    stores = [make.store(session) for _ in range(2)]
    rules = [make.weather_rule(session, all_stores=False, store_ids=[store.id]) for store in stores]
    assert set(decide(session, *rules).values()) == {"fired"}


def test_a_firing_that_waits_for_approval_does_not_take_the_day(session: ScopedSession) -> None:
    make.store(session)
    careful = make.weather_rule(session, priority=9, approval="before_send")
    bold = make.weather_rule(session, priority=1)
    assert decide(session, careful, bold) == {careful.id: "not_approved", bold.id: "fired"}


def test_an_approval_lets_every_store_that_waits_fire(session: ScopedSession) -> None:
    for _ in range(2):
        make.store(session)
    _, decision_id = waiting(session)
    assert reasons(session, approvals.approve(session, decision_id, NOW + HOUR / 6)) == ["fired", "fired"]


def test_an_approved_rule_fires_once(session: ScopedSession) -> None:
    make.store(session)
    rule, decision_id = waiting(session)
    approvals.approve(session, decision_id, NOW)
    with pytest.raises(NothingToApprove):
        approvals.approve(session, decision_id, NOW)
    assert decide(session, rule) == {rule.id: "already_fired"}


def test_what_has_turned_dry_is_approved_and_sends_nothing(session: ScopedSession) -> None:
    make.store(session)
    _, decision_id = waiting(session)
    turn_dry(session)
    assert reasons(session, approvals.approve(session, decision_id, NOW)) == ["condition_false"]


def test_an_approval_comes_too_late_for_what_another_rule_has_fired(session: ScopedSession) -> None:
    make.store(session)
    _, decision_id = waiting(session, priority=9)
    decide(session, make.weather_rule(session))
    assert reasons(session, approvals.approve(session, decision_id, NOW)) == ["outranked"]


@pytest.mark.parametrize(
    ("changes", "hours", "until"),
    [
        ({"window": {"from": "11:00", "to": "17:00"}}, None, "2026-11-21 17:00"),
        ({}, {"sat": [["10:00", "15:00"]]}, "2026-11-21 15:00"),
        ({"window": {"from": "11:00", "to": "17:00"}}, {"sat": [["10:00", "15:00"]]}, "2026-11-21 15:00"),
    ],
    ids=["the window", "the closing", "the earlier of both"],
)
def test_an_approval_expires_with_the_window(
    session: ScopedSession, changes: dict[str, Any], hours: Any, until: str
) -> None:
    make.store(session, opening_hours=hours)
    _, decision_id = waiting(session, **changes)
    with pytest.raises(WeatherApprovalExpired) as caught:
        approvals.approve(session, decision_id, at(until))
    assert caught.value.expired_at == at(until)


@pytest.mark.parametrize("change", [{"status": "paused"}, {"archived_at": NOW}])
def test_a_rule_that_is_no_longer_live_is_not_approved(session: ScopedSession, change: dict[str, Any]) -> None:
    make.store(session)
    rule, decision_id = waiting(session)
    for name, value in change.items():
        setattr(rule, name, value)
    session.flush()
    with pytest.raises((NothingToApprove, NotFound)):
        approvals.approve(session, decision_id, NOW)


def spell(session: ScopedSession, level: str, **changes: Any) -> None:
    """A level of pollen around today."""
    days = {"from_on": TODAY - timedelta(days=3), "to_on": TODAY}
    session.add(PollenSpell(level=level, **{**days, **changes}))
    session.flush()


@pytest.mark.parametrize(
    ("whole", "near", "expected"),
    [("high", None, "fired"), ("low", None, "condition_false"), ("low", "very_high", "fired"),
     ("high", "low", "condition_false"), (None, None, "unknown_data")],
)  # fmt: skip
def test_pollen_of_a_stores_area_goes_before_that_of_the_brand(
    session: ScopedSession, whole: str | None, near: str | None, expected: str
) -> None:
    store = make.store(session)
    if whole:
        spell(session, whole)
    if near:
        spell(session, near, area_id=make.area(session, store).id)
    rule = make.weather_rule(session, condition=POLLEN)
    assert decide(session, rule) == {rule.id: expected}


def test_a_level_of_other_dates_says_nothing_of_today(session: ScopedSession) -> None:
    make.store(session)
    spell(session, "very_high", to_on=TODAY - timedelta(days=1))
    rule = make.weather_rule(session, condition=POLLEN)
    assert decide(session, rule) == {rule.id: "unknown_data"}


def snow(session: ScopedSession, on: date = TODAY) -> None:
    """Snow is forecast in Tokyo for a date and the next."""
    make.forecast(session, "130000", forecast(f"{on} 11:00", codes=["400", "400", "400"]), NOW)


def test_the_first_snow_fires_in_all_stores_of_a_district_on_its_day_and_on_no_other(session: ScopedSession) -> None:
    first, second = make.store(session), make.store(session)
    rule = make.weather_rule(
        session, condition=FIRST_SNOW, season_confirmed_on=TODAY, all_stores=False, store_ids=[first.id]
    )
    snow(session)
    assert decide(session, rule) == {rule.id: "fired"}
    (kept,) = session.exec(select(WeatherFirst)).all()
    assert (kept.class10, kept.season, kept.first_on) == ("130010", "weather snow 2026-08-01", TODAY)
    rule.store_ids = [first.id, second.id]
    again = decisions.conclude(session, [rule], NOW + HOUR / 6)
    assert {one.store.no: one.decision.reason.value for one in again} == {first.no: "already_fired", second.no: "fired"}
    snow(session, TODAY + timedelta(days=1))
    assert decide(session, rule, now=NOW + timedelta(days=1)) == {rule.id: "condition_false"}


def test_without_a_history_the_first_snow_waits_for_the_operators_word(session: ScopedSession) -> None:
    make.store(session)
    rule = make.weather_rule(session, condition=FIRST_SNOW)
    snow(session)
    assert decide(session, rule) == {rule.id: "unknown_data"}
    (row,) = session.exec(select(WeatherDecision)).all()
    assert "season_confirmed_on" in row.detail


def late(now: str, decided: str | None, until: str | None = "14:00") -> datetime | None:
    """The decide time for which a rule may still fire late."""
    rule = WeatherRule(name="", condition={}, messages=[], decide_times=["11:15", "16:55"], late_until=until)
    rule.decided_at = at(f"2026-11-{decided}") if decided else None
    return tasks.late_time(rule, at(f"2026-11-21 {now}"), JAPAN)


@pytest.mark.parametrize(
    ("now", "decided", "until", "may"),
    [
        ("11:20", "21 11:16", "14:00", True),
        ("13:59", "21 11:16", "14:00", True),
        ("14:00", "21 11:16", "14:00", False),
        ("11:20", "21 11:16", None, False),
        ("11:20", None, "14:00", False),
        ("11:20", "20 11:16", "14:00", False),
        ("00:30", "20 16:56", "25:00", True),
        ("01:00", "20 16:56", "25:00", False),
    ],
)
def test_a_rule_may_fire_late_after_it_has_decided_and_until_its_cut_off(
    now: str, decided: str | None, until: str | None, may: bool
) -> None:
    assert (late(now, decided, until) is not None) is may


def test_stores_that_differ_in_nothing_the_rule_looks_at_share_one_decision(session: ScopedSession) -> None:
    hours = [{"sat": [["10:00", close]]} for close in ("20:00", "22:00")]
    stores: list[Store] = [make.store(session, opening_hours=one) for one in (*hours, None)]
    closed = make.store(session, opening_hours={"sun": [["10:00", "20:00"]]})
    concluded = decisions.conclude(session, [make.weather_rule(session)], NOW)
    made = {one.store.no: one.decision for one in concluded}
    assert len({id(made[store.no]) for store in stores}) == 1
    assert made[closed.no].reason == "closed"


def test_without_hours_of_its_own_a_comparison_goes_by_each_stores_openings(session: ScopedSession) -> None:
    make.forecast(session, "130000", forecast(rain=["0", "80", "0", "0", "0", "0"]), NOW)
    early, late_one = (make.store(session, opening_hours={"sat": [["10:00", close]]}) for close in ("17:00", "22:00"))
    anytime = {"reading": "precipitation_probability", "op": ">=", "value": 60}
    concluded = decisions.conclude(session, [make.weather_rule(session, condition=anytime)], NOW)
    assert {one.store.no: one.decision.reason.value for one in concluded} == {
        early.no: "condition_false", late_one.no: "fired",
    }  # fmt: skip

"""Ticks from the fetch to the hand-over, by command and by the clock."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from app.jobs.queue import Clockwork, Work
from app.weather import fetching, tasks
from app.weather.models import WeatherDecision, WeatherRule
from app.weather.tasks import Ticked
from tenants.stores.models import Store
from tests import make
from tests.app.weather.conftest import Jma
from tests.app.weather.files import at, forecast
from tests.conftest import BrandHome

pytestmark = pytest.mark.every_brand

WET = ["80", "80", "0", "0", "0", "0"]
ZONE = ZoneInfo("Asia/Tokyo")


def brand_with_rule(home: BrandHome, **changes: Any) -> tuple[Store, WeatherRule]:
    """A committed store in Tokyo and a live rule."""
    with home.open() as session:
        store = make.store(session)
        rule = make.weather_rule(session, **changes)
        session.commit()
    return store, rule


def mine(home: BrandHome, ticked: Sequence[Ticked], rule: WeatherRule) -> list[Ticked]:
    """The decisions of one rule, out of a tick over every brand of this database."""
    return [one for one in ticked if one.rule_id == rule.id]


def list_rows(home: BrandHome) -> list[WeatherDecision]:
    """The brand's decisions, oldest first."""
    with home.open() as session:
        return list(session.exec(select(WeatherDecision).order_by(col(WeatherDecision.id))).all())


def count_jobs(home: BrandHome, rule: WeatherRule) -> int:
    """Jobs that wait to send what this rule fired."""
    with home.open() as session:
        waiting = text("SELECT count(*) FROM procrastinate_jobs WHERE queueing_lock = :key AND status = 'todo'")
        return int(session.execute(waiting, {"key": f"weather-send:{rule.id}"}).scalar_one())


def test_a_tick_fetches_decides_and_hands_over(home: BrandHome, jma: Jma, clock: Clockwork) -> None:
    jma.put("130000", forecast(rain=WET))
    _, rule = brand_with_rule(home)
    (one,) = mine(home, tasks.tick(clock), rule)
    assert (one.fired, one.reason, one.business_on) == (True, "fired", "2026-11-21")
    assert [row.id for row in list_rows(home)] == [one.decision_id]
    assert count_jobs(home, rule) == 1


def test_a_second_tick_hands_nothing_over(home: BrandHome, jma: Jma, clock: Clockwork) -> None:
    jma.put("130000", forecast(rain=WET))
    _, rule = brand_with_rule(home)
    tasks.tick(clock)
    (one,) = mine(home, tasks.tick(clock), rule)
    assert (one.reason, count_jobs(home, rule)) == ("already_fired", 1)


def test_a_rehearsed_tick_goes_by_its_own_clock(home: BrandHome, jma: Jma, clock: Clockwork) -> None:
    jma.put("130000", forecast(rain=WET))
    _, rule = brand_with_rule(home)
    late = replace(clock, now=at("2026-11-21 23:40"))
    (one,) = mine(home, tasks.tick(late, at("2026-11-21 11:10")), rule)
    assert one.fired
    assert jma.requests[-1][1]["x-sandbox-now"] == "2026-11-21T02:10:00Z"
    (row,) = list_rows(home)
    assert row.decided_at == at("2026-11-21 11:10")
    assert row.clock_shift_seconds == -timedelta(hours=12, minutes=30).total_seconds()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>maintenance</html>", "unknown_data"),
        (b'[{"publishingOffice":', "unknown_data"),
        (forecast(rain=["", "90", "90", "90", "90", "90"]), "unknown_data"),
        (forecast("2026-11-20 11:00", rain=WET), "stale"),
        (forecast("2026-11-21 17:00", rain=["100"] * 5), "stale"),
        (forecast(rain=["300", "0", "0", "0", "0", "0"]), "unknown_data"),
    ],
    ids=["html", "truncated", "empty string", "stale", "future", "absurd"],
)
def test_bad_weather_data_fires_nothing(home: BrandHome, jma: Jma, clock: Clockwork, body: Any, reason: str) -> None:
    jma.put("130000", body)
    _, rule = brand_with_rule(home)
    (one,) = mine(home, tasks.tick(clock), rule)
    assert (one.fired, one.reason, count_jobs(home, rule)) == (False, reason, 0)
    assert one.detail


def test_a_feed_that_fails_leaves_the_fresh_file_of_before(home: BrandHome, jma: Jma, clock: Clockwork) -> None:
    jma.put("130000", forecast(rain=WET))
    fetching.fetch_all(clock)
    _, rule = brand_with_rule(home)
    fetching.fetch_all(clock)
    jma.status = 503
    (one,) = mine(home, tasks.tick(clock), rule)
    assert one.fired


def let_due_rules_decide(home: BrandHome, clock: Clockwork) -> None:
    """One minute of the clock, and the brand's job if it got one."""
    tasks.decide_due_rules(clock)
    take = text("DELETE FROM procrastinate_jobs WHERE queueing_lock = :key RETURNING id")
    with home.open() as session:
        jobs = session.execute(take, {"key": f"weather-decide:{home.scope.brand_id}"}).all()
        session.commit()
    for _ in jobs:
        tasks.decide_brand(Work(clock.engine, clock.keyring, clock.settings, clock.now, home.scope.brand_id))


def test_the_clock_lets_a_rule_decide_once_at_its_time(home: BrandHome, jma: Jma, clock: Clockwork) -> None:
    jma.put("130000", forecast(rain=["0"] * 6))
    brand_with_rule(home, decide_times=["11:15"])
    for minute in ("11:14", "11:15", "11:16"):
        let_due_rules_decide(home, replace(clock, now=at(f"2026-11-21 {minute}")))
    assert [row.decided_at for row in list_rows(home)] == [at("2026-11-21 11:15")]


def test_a_job_that_runs_twice_decides_once(home: BrandHome, jma: Jma, clock: Clockwork) -> None:
    jma.put("130000", forecast())
    brand_with_rule(home)
    work = Work(clock.engine, clock.keyring, clock.settings, clock.now, home.scope.brand_id)
    tasks.decide_brand(work)
    tasks.decide_brand(work)
    assert len(list_rows(home)) == 1


def test_a_forecast_that_was_just_fetched_is_not_fetched_again(home: BrandHome, jma: Jma, clock: Clockwork) -> None:
    jma.put("130000", forecast(rain=WET))
    brand_with_rule(home)
    tasks.tick(clock)
    asked = len(jma.requests)
    let_due_rules_decide(home, replace(clock, now=clock.now + timedelta(minutes=1)))
    assert len(jma.requests) == asked
    assert len(list_rows(home)) == 2


def test_what_a_rehearsal_fetched_is_fetched_again_for_the_real_clock(
    home: BrandHome, jma: Jma, clock: Clockwork
) -> None:
    jma.put("130000", forecast("2026-11-21 17:00", rain=["90"] * 5))
    _, rule = brand_with_rule(home)
    tasks.tick(clock, at("2026-11-21 17:10"))
    jma.put("130000", forecast(rain=["0"] * 6))
    let_due_rules_decide(home, replace(clock, now=clock.now + timedelta(minutes=1)))
    assert [(row.weather_rule_id, row.reason) for row in list_rows(home)][1:] == [(rule.id, "condition_false")]


NEVER = at("2020-01-01 00:00")


def due(now: str, decided_until: datetime = NEVER, times: Sequence[str] = ("11:15", "25:30")) -> datetime | None:
    """When a rule was due, seen from a moment of Japanese wall clock."""
    rule = WeatherRule(name="", condition={}, messages=[], decide_times=list(times), decided_until=decided_until)
    return tasks.due_time(rule, at(f"2026-11-21 {now}"), ZONE)


def test_a_rule_is_due_from_its_time_for_an_hour() -> None:
    assert [due(now) is not None for now in ("11:14", "11:15", "12:14", "12:15")] == [False, True, True, False]


def test_a_time_past_midnight_comes_on_the_next_date() -> None:
    assert due("01:31") == at("2026-11-21 01:30")


def test_a_time_that_was_worked_off_or_passed_before_the_rule_was_live_is_not_due() -> None:
    assert due("11:20", at("2026-11-21 11:15")) is None
    assert due("11:20", at("2026-11-21 11:18")) is None
    assert due("11:20", at("2026-11-20 11:15")) == at("2026-11-21 11:15")

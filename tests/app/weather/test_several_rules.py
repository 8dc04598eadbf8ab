"""Weather messages over several rules: one a person and business day, by priority; and firings that are taken back."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from app.campaigns.reminders.models import CouponReminded
from app.coupons.models import IssuedCoupon
from app.messaging import queries as runs
from app.messaging import service as messaging
from app.messaging.models import Batch, Run
from app.messaging.safety import service as safety
from app.weather import decisions, flips, recording, sending
from app.weather.models import WeatherDecision, WeatherRule
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tests import make
from tests.app.weather.files import at, forecast
from tests.app.weather.test_sending import coupon, outcome

NOW = at("2026-11-21 11:10")
LATER = at("2026-11-21 11:40")


@pytest.fixture(autouse=True)
def rain_in_tokyo(session: ScopedSession) -> None:
    """Rain in Tokyo this afternoon."""
    make.forecast(session, "130000", forecast(rain=["80", "0", "0", "0", "0", "0"]), NOW)


def decide(session: ScopedSession, *rules: WeatherRule) -> None:
    """Let rules decide, and write it down."""
    recording.write_down(session, decisions.conclude(session, rules, NOW), NOW)


def turn_dry(session: ScopedSession) -> None:
    """A correction of the forecast: it stays dry."""
    make.forecast(session, "130000", forecast("2026-11-21 11:00", rain=["10"] * 6), LATER)


def stop(session: ScopedSession, store: Store) -> None:
    """A warning over a store."""
    safety.begin(
        session, store, kind="stop", cause="In force: rain warning (03).", area_code=None, warnings=[], source="jma",
        checked_at=NOW, now=NOW,
    )  # fmt: skip


def told(session: ScopedSession, rule: WeatherRule) -> list[tuple[bool, str, str | None]]:
    """The decisions of a rule in order: whether it fired, why, and what became of it."""
    session.expire_all()
    wanted = select(WeatherDecision).where(col(WeatherDecision.weather_rule_id) == rule.id)
    rows = session.exec(wanted.order_by(col(WeatherDecision.id))).all()
    return [(one.fired, one.reason, one.outcome) for one in rows]


def states(session: ScopedSession, run: Run) -> dict[str, int]:
    """How many people stand at each state."""
    found = session.exec(select(Batch.state, Batch.size).where(col(Batch.run_id) == run.id)).all()
    return {state: sum(size for one, size in found if one == state) for state, _ in found}


def test_who_follows_stores_of_two_rules_hears_from_the_one_of_higher_priority(session: ScopedSession) -> None:
    near, far = make.store(session), make.store(session)
    friend = make.follower(session, make.line_account(session, near), make.line_account(session, far))
    low = make.weather_rule(session, all_stores=False, store_ids=[near.id], priority=1)
    high = make.weather_rule(session, all_stores=False, store_ids=[far.id], priority=9, name="大雨")
    decide(session, low, high)
    # The job of the lower one comes first.
    first, second = sending.start_runs(session, low.id, NOW)
    assert (first.weather_rule_id, second.weather_rule_id) == (high.id, low.id)
    assert (outcome(session, first), outcome(session, second)) == ({friend.id: None}, {friend.id: "cap"})
    assert runs.map_outranking(session, second, [friend.id]) == {friend.id: high.id}


def test_what_was_cancelled_leaves_a_person_to_another_rule(session: ScopedSession) -> None:
    near, far = make.store(session), make.store(session)
    friend = make.follower(session, make.line_account(session, near), make.line_account(session, far))
    high = make.weather_rule(session, all_stores=False, store_ids=[far.id], priority=9)
    low = make.weather_rule(session, all_stores=False, store_ids=[near.id])
    decide(session, high)
    (first,) = sending.start_runs(session, high.id, NOW)
    messaging.stop(session, first, NOW)
    decide(session, low)
    (second,) = sending.start_runs(session, low.id, NOW)
    assert outcome(session, second) == {friend.id: None}


def test_a_rule_leaves_a_person_in_peace_for_its_cooldown_whichever_store_fires(session: ScopedSession) -> None:
    near, far = make.store(session), make.store(session)
    friend = make.follower(session, make.line_account(session, near), make.line_account(session, far))
    rule = make.weather_rule(session, all_stores=False, store_ids=[near.id], cooldown_days=3)
    decide(session, rule)
    sending.start_runs(session, rule.id, NOW)
    rule.store_ids = [far.id]
    session.add(rule)
    session.flush()
    make.forecast(session, "130000", forecast("2026-11-22 11:00", rain=["80"] * 6), NOW)
    tomorrow = NOW + timedelta(days=1)
    recording.write_down(session, decisions.conclude(session, [rule], tomorrow), tomorrow)
    (run,) = sending.start_runs(session, rule.id, tomorrow)
    assert outcome(session, run) == {friend.id: "cap"}


def test_a_firing_whose_forecast_flips_before_it_is_sent_is_cancelled_and_a_decision_says_why(
    session: ScopedSession,
) -> None:
    make.follower(session, make.line_account(session, make.store(session)))
    rule = make.weather_rule(session)
    decide(session, rule)
    turn_dry(session)
    assert sending.start_runs(session, rule.id, LATER) == []
    assert told(session, rule) == [(True, "fired", "cancelled"), (False, "condition_false", None)]
    assert sending.start_runs(session, rule.id, LATER) == []


def test_a_correction_that_says_the_same_cancels_nothing(session: ScopedSession) -> None:
    make.follower(session, make.line_account(session, make.store(session)))
    rule = make.weather_rule(session)
    decide(session, rule)
    make.forecast(session, "130000", forecast(rain=["70", "0", "0", "0", "0", "0"]), LATER)
    (run,) = sending.start_runs(session, rule.id, LATER)
    assert run.chosen == 1


def test_what_waits_when_the_forecast_flips_is_cancelled_for_its_store_alone(session: ScopedSession) -> None:
    store = make.store(session)
    account = make.line_account(session, store)
    make.follower(session, account)
    rule = make.weather_rule(session)
    decide(session, rule)
    (run,) = sending.start_runs(session, rule.id, NOW)
    turn_dry(session)
    assert flips.take_back_flipped(session, LATER) == 1
    assert states(session, run) == {"stopped": 1}
    assert told(session, rule) == [(True, "fired", "cancelled"), (False, "condition_false", None)]
    assert flips.take_back_flipped(session, LATER) == 0


def test_once_it_was_sent_the_coupon_stands_its_reminder_stops_and_it_is_a_false_alarm(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    make.follower(session, account)
    offer = coupon(session)
    rule = make.weather_rule(session, coupon_id=offer.id)
    decide(session, rule)
    (run,) = sending.start_runs(session, rule.id, NOW)
    batch = session.exec(select(Batch).where(col(Batch.run_id) == run.id)).one()
    batch.state, batch.first_tried_at = "sent", NOW
    session.add(batch)
    turn_dry(session)
    assert flips.take_back_flipped(session, LATER) == 1
    assert told(session, rule)[0] == (True, "fired", "false_alarm")
    copy = session.exec(select(IssuedCoupon)).one()
    assert (copy.status, copy.expires_at > LATER) == ("issued", True)
    assert session.exec(select(CouponReminded.issued_coupon_id)).all() == [copy.id]


def test_a_forecast_that_is_missing_takes_nothing_back(session: ScopedSession) -> None:
    make.follower(session, make.line_account(session, make.store(session)))
    rule = make.weather_rule(session)
    decide(session, rule)
    make.forecast(session, "130000", forecast("2026-11-21 11:00", rain=[""] * 6), LATER)
    assert flips.take_back_flipped(session, LATER) == 0


def test_a_rule_does_not_fire_for_a_store_under_a_warning(session: ScopedSession) -> None:
    wet = make.store(session)
    make.follower(session, make.line_account(session, wet))
    stop(session, wet)
    rule = make.weather_rule(session)
    decide(session, rule)
    assert told(session, rule) == [(False, "safety_stop", None)]


def test_a_firing_that_a_warning_overtakes_is_not_sent(session: ScopedSession) -> None:
    wet, other = make.store(session), make.store(session)
    make.follower(session, make.line_account(session, wet))
    safe = make.follower(session, make.line_account(session, other))
    rule = make.weather_rule(session)
    decide(session, rule)
    stop(session, wet)
    (run,) = sending.start_runs(session, rule.id, NOW)
    assert outcome(session, run) == {safe.id: None}
    assert sorted(told(session, rule), key=str) == [
        (False, "safety_stop", None), (True, "fired", "cancelled"), (True, "fired", None),
    ]  # fmt: skip

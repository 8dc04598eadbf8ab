"""From firings to deliveries: the friends of the stores under rain, once each, some held out."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from app.coupons.models import Coupon, CouponTally, IssuedCoupon
from app.messaging.models import Batch, Delivery, Run
from app.weather import decisions, recording, sending, service
from app.weather.models import WeatherDecision, WeatherRule
from tenants.session import ScopedSession
from tests import make
from tests.app.weather.files import IZU, at, forecast

NOW = at("2026-11-21 11:10")
DRY_AREA = {"class20": "1336100", "class10": IZU, "office": "130000", "source": "operator"}


@pytest.fixture(autouse=True)
def rain_in_tokyo(session: ScopedSession) -> None:
    """Rain in Tokyo this afternoon, dry on the islands."""
    make.forecast(session, "130000", forecast(rain=["80", "0", "0", "0", "0", "0"]), NOW)


def fire(session: ScopedSession, *rules: WeatherRule, shift: int = 0) -> list[Run]:
    """Decide and send; the runs."""
    concluded = decisions.conclude(session, rules, NOW)
    recording.write_down(session, concluded, NOW, shift)
    return [run for rule in rules for run in sending.start_runs(session, rule.id, NOW)]


def outcome(session: ScopedSession, run: Run) -> dict[Any, str | None]:
    """By customer, why she was left out or None."""
    rows = session.exec(select(Delivery).where(col(Delivery.run_id) == run.id)).all()
    return {row.customer_id: row.reason for row in rows}


def coupon(session: ScopedSession, **changes: Any) -> Coupon:
    """A coupon for the weather day, redeemed everywhere."""
    benefit = {"kind": "amount_off", "amount_yen": 200}
    row = Coupon(**{"name": "雨の日200円引き", "benefit": benefit, "validity": {"weather_day": True}, **changes})
    session.add(row)
    session.flush()
    session.add(CouponTally(coupon_id=row.id))
    session.flush()
    return row


def test_friends_of_stores_under_rain_are_written_to_and_others_are_no_part_of_it(session: ScopedSession) -> None:
    wet, dry = make.store(session), make.store(session, weather_area=DRY_AREA)
    wet_account, dry_account = make.line_account(session, wet), make.line_account(session, dry)
    friend, other = make.follower(session, wet_account), make.follower(session, dry_account)
    (run,) = fire(session, make.weather_rule(session))
    assert outcome(session, run) == {friend.id: None}
    assert other.id != friend.id
    assert (run.kind, run.business_on) == ("weather", date(2026, 11, 21))


def test_a_friend_of_two_rainy_stores_gets_one_message(session: ScopedSession) -> None:
    first, second = make.store(session), make.store(session)
    friend = make.follower(session, make.line_account(session, first), make.line_account(session, second))
    (run,) = fire(session, make.weather_rule(session))
    assert (outcome(session, run), run.chosen) == ({friend.id: None}, 1)


def test_two_rules_of_one_day_write_to_a_person_once(session: ScopedSession) -> None:
    one, other = make.store(session), make.store(session)
    friend = make.follower(session, make.line_account(session, one), make.line_account(session, other))
    rules = [make.weather_rule(session, all_stores=False, store_ids=[store.id]) for store in (one, other)]
    first, second = fire(session, *rules)
    assert (outcome(session, first), outcome(session, second)) == ({friend.id: None}, {friend.id: "cap"})


def test_the_firings_name_their_run_and_are_sent_once(session: ScopedSession) -> None:
    make.follower(session, make.line_account(session, make.store(session)))
    rule = make.weather_rule(session)
    (run,) = fire(session, rule)
    assert session.exec(select(WeatherDecision.run_id)).all() == [run.id]
    assert sending.start_runs(session, rule.id, NOW) == []


def test_everybody_chosen_has_a_code_of_her_own_and_the_held_out_have_none(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    friends = {make.follower(session, account).id for _ in range(60)}
    offer = coupon(session)
    rule = make.weather_rule(
        session,
        coupon_id=offer.id,
        holdout_ratio=0.5,
        messages=[{"type": "text", "text": "クーポン {{ coupon.code }}"}],
    )
    (run,) = fire(session, rule)
    left = outcome(session, run)
    chosen = {customer_id for customer_id, reason in left.items() if reason is None}
    copies = session.exec(select(IssuedCoupon)).all()
    assert {copy.customer_id for copy in copies} == chosen
    assert len({copy.code for copy in copies}) == len(chosen)
    assert {reason for reason in left.values() if reason} == {"holdout"}
    assert chosen < friends
    assert {(copy.weather_rule_id, copy.run_id) for copy in copies} == {(rule.id, run.id)}


def test_the_same_people_are_held_out_all_season(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    for _ in range(40):
        make.follower(session, account)
    rule = make.weather_rule(session, holdout_ratio=0.5)
    (today,) = fire(session, rule)
    make.forecast(session, "130000", forecast("2026-11-22 11:00", rain=["80"] * 6), NOW)
    tomorrow = NOW + timedelta(days=1)
    recording.write_down(session, decisions.conclude(session, [rule], tomorrow), tomorrow)
    (later,) = sending.start_runs(session, rule.id, tomorrow)
    assert outcome(session, today) == outcome(session, later)


def test_a_run_ends_when_the_first_store_closes(session: ScopedSession) -> None:
    early = {"sat": [["10:00", "20:00"]]}
    account = make.line_account(session, make.store(session, opening_hours=early), make.store(session))
    make.follower(session, account)
    (run,) = fire(session, make.weather_rule(session))
    assert run.valid_until == at("2026-11-21 20:00")


def test_a_rehearsed_tick_shifts_the_clock_of_its_run(session: ScopedSession) -> None:
    make.follower(session, make.line_account(session, make.store(session)))
    (run,) = fire(session, make.weather_rule(session), shift=-3600)
    assert run.clock_shift_seconds == -3600


@pytest.mark.parametrize("change", [{"status": "paused"}, {"archived_at": NOW}])
def test_a_rule_that_was_stopped_after_it_fired_sends_nothing(session: ScopedSession, change: dict[str, Any]) -> None:
    make.follower(session, make.line_account(session, make.store(session)))
    rule = make.weather_rule(session)
    recording.write_down(session, decisions.conclude(session, [rule], NOW), NOW)
    for name, value in change.items():
        setattr(rule, name, value)
    session.flush()
    assert sending.start_runs(session, rule.id, NOW) == []


def test_a_rule_whose_coupon_is_gone_sends_nothing(session: ScopedSession) -> None:
    make.follower(session, make.line_account(session, make.store(session)))
    offer = coupon(session, archived_at=NOW)
    assert fire(session, make.weather_rule(session, coupon_id=offer.id)) == []


def test_an_audience_narrows_the_friends(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    regular, newcomer = make.follower(session, account, spend_yen=50_000), make.follower(session, account)
    audience = {"rule": {"field": "spend_yen", "op": ">=", "value": 10_000}}
    (run,) = fire(session, make.weather_rule(session, audience=audience))
    assert set(outcome(session, run)) == {regular.id}
    assert newcomer.id != regular.id


@pytest.mark.parametrize(
    ("on", "season"),
    [
        ("2026-11-30", "2026-autumn"),
        ("2026-12-01", "2027-winter"),
        ("2027-02-28", "2027-winter"),
        ("2027-03-01", "2027-spring"),
        ("2027-08-31", "2027-summer"),
    ],
)
def test_a_winter_is_one_season(on: str, season: str) -> None:
    assert sending.season_of(date.fromisoformat(on)) == season


def test_pausing_a_rule_stops_what_it_is_sending(session: ScopedSession) -> None:
    make.follower(session, make.line_account(session, make.store(session)))
    rule = make.weather_rule(session)
    (run,) = fire(session, rule)
    service.change_rule(session, rule, {"status": "paused"}, NOW)
    assert run.status == "stopped"
    assert set(session.exec(select(Batch.state).where(col(Batch.run_id) == run.id)).all()) == {"stopped"}


def test_who_gets_no_copy_of_the_rain_coupon_is_told_so_and_no_more(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    for _ in range(3):
        make.follower(session, account)
    offer = coupon(session, limits={"total": 1})
    sold_out = [{"type": "text", "text": "{{ coupon.name }} は終了しました"}]
    (run,) = fire(session, make.weather_rule(session, coupon_id=offer.id, fallback_messages=sold_out))
    assert (run.chosen, run.left_out, run.fallback_messages) == (3, {}, sold_out)
    assert len(session.exec(select(IssuedCoupon)).all()) == 1
    batches = session.exec(select(Batch).where(col(Batch.run_id) == run.id)).all()
    assert sorted((batch.variant or 0, batch.size) for batch in batches) == [(-1, 2), (0, 1)]

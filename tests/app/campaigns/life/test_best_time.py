"""The best time: different people are written to at different hours, in one run."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import col, select

from app.campaigns import lifecycle
from app.campaigns.life.best_time import list_moments
from app.campaigns.life.schemas import BestTime
from app.campaigns.models import Campaign
from app.customers.models import Customer
from app.messaging.models import Batch, Delivery
from tenants.problems import Conflict
from tenants.session import ScopedSession
from tests import make

TOKYO = ZoneInfo("Asia/Tokyo")
MORNING = datetime(2026, 6, 2, 9, 0, tzinfo=TOKYO)
WINDOW = {"best_time": {"from": "10:00", "to": "20:00"}}


def at(clock: str, day: int = 2) -> datetime:
    return datetime.combine(MORNING.replace(day=day).date(), time.fromisoformat(clock), TOKYO)


def did(session: ScopedSession, customer: Customer, clock: str, times: int = 1, kind: str = "order.paid") -> None:
    for day in range(times):
        moment = datetime(2026, 5, 20 - day, tzinfo=TOKYO).replace(hour=int(clock[:2]), minute=int(clock[3:]))
        make.event(session, kind, customer_id=customer.id, occurred_at=moment)


def launch(session: ScopedSession, now: datetime = MORNING, **changes: object) -> dict[object, datetime | None]:
    """Each customer's moment, as her batch has it."""
    values: dict[str, Any] = {
        "name": "秋",
        "messages": [{"type": "text", "text": "こんにちは"}],
        "schedule": WINDOW,
        **changes,
    }
    campaign = Campaign(**values)
    session.add(campaign)
    session.flush()
    run = lifecycle.begin(session, campaign, now)
    batches = {one.batch_no: one for one in session.exec(select(Batch).where(col(Batch.run_id) == run.id))}
    people = session.exec(select(Delivery).where(col(Delivery.run_id) == run.id))
    return {one.customer_id: batches[one.batch_no].not_before for one in people if one.batch_no is not None}


def test_each_person_is_written_to_at_the_hour_at_which_she_does_most(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    lunch, evening, night = (make.follower(session, account) for _ in range(3))
    did(session, lunch, "12:30", times=3)
    did(session, lunch, "18:10", times=2)
    did(session, evening, "19:05", kind="message.received")
    did(session, night, "23:40", times=5)
    moments = launch(session)
    assert moments == {lunch.id: at("12:00"), evening.id: at("19:00"), night.id: at("12:00")}


def test_of_hours_alike_the_newer_habit_holds(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    person = make.follower(session, account)
    for day, hour in [(10, 11), (15, 17)]:
        moment = datetime(2026, 5, day, hour, tzinfo=TOKYO)
        make.event(session, "visit.recorded", customer_id=person.id, occurred_at=moment)
    assert launch(session) == {person.id: at("17:00")}


def test_where_nobody_did_anything_the_window_s_first_hour_is_everybody_s(session: ScopedSession) -> None:
    person = make.follower(session, make.line_account(session, make.store(session)))
    assert launch(session) == {person.id: at("10:00")}


def test_an_hour_that_has_passed_comes_tomorrow_and_the_present_one_now(session: ScopedSession) -> None:
    account = make.line_account(session, make.store(session))
    lunch, now, evening = (make.follower(session, account) for _ in range(3))
    did(session, lunch, "12:30")
    did(session, now, "15:10")
    did(session, evening, "19:05")
    moments = launch(session, now=at("15:30"))
    assert moments == {lunch.id: at("12:00", day=3), now.id: None, evening.id: at("19:00")}


def test_a_store_s_campaign_goes_by_what_people_do_there(session: ScopedSession) -> None:
    mine, other = make.store(session), make.store(session)
    person = make.follower(session, make.line_account(session, mine))
    make.event(session, "order.paid", store=mine, customer_id=person.id, occurred_at=at("11:00", day=1))
    for minute in range(3):
        moment = at("18:00", day=1) + timedelta(minutes=minute)
        make.event(session, "order.paid", store=other, customer_id=person.id, occurred_at=moment)
    assert launch(session, store_id=mine.id, store_no=mine.no) == {person.id: at("11:00")}


def test_what_ends_before_the_last_hour_is_not_launched(session: ScopedSession) -> None:
    make.follower(session, make.line_account(session, make.store(session)))
    with pytest.raises(Conflict, match="last person's hour"):
        launch(session, valid_until=at("18:30"))
    assert launch(session, valid_until=at("19:30"))


def test_a_window_may_begin_and_end_within_an_hour() -> None:
    window = BestTime.model_validate({"from": "10:30", "to": "12:15"})
    assert list_moments(window, TOKYO, MORNING) == [at("10:30"), at("11:00"), at("12:00")]
    assert list_moments(window, TOKYO, at("12:20")) == [at("10:30", 3), at("11:00", 3), at("12:00", 3)]
    assert list_moments(window, TOKYO, at("12:10").astimezone(UTC)) == [at("10:30", 3), at("11:00", 3), None]

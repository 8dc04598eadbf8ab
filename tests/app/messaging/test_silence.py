"""Quiet hours of stores, and holidays: left out at the freeze, held at dispatch, and when it is over."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import true
from sqlmodel import col, select

from app.messaging import planning, service
from app.messaging.audience import Audience
from app.messaging.models import Delivery, Run
from app.messaging.quiet import find_awake_at, is_holiday
from tenants.brands.models import Brand
from tenants.brands.queries import get_brand
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.app.messaging.conftest import Stage

NOW = utc_now()
HELLO = service.Content(messages=[{"type": "text", "text": "こんにちは"}])


def around(moment: datetime) -> dict[str, str]:
    """Quiet hours in which a moment lies, in Tokyo."""
    local = moment + timedelta(hours=9)
    return {"from": f"{local - timedelta(hours=1):%H:%M}", "to": f"{local + timedelta(hours=1):%H:%M}"}


def start(session: ScopedSession, shift: timedelta = timedelta()) -> Run:
    audience = Audience(where=true(), senders=planning.list_senders(session, None, None))
    cause = service.Cause(kind="weather", clock_shift_seconds=round(shift.total_seconds()))
    run, _ = service.start_run(session, cause=cause, content=HELLO, audience=audience, now=NOW)
    return run


def set_brand(session: ScopedSession, **changes: Any) -> None:
    get_brand(session, session.scope.brand_id).sqlmodel_update(changes)
    session.flush()


def test_who_is_written_to_for_a_quiet_store_is_left_out_and_the_others_are_not(session: ScopedSession) -> None:
    quiet, awake = make.store(session, quiet_hours=around(NOW)), make.store(session)
    asleep = make.follower(session, make.line_account(session, quiet))
    make.follower(session, make.line_account(session, awake))
    run = start(session)
    assert (run.chosen, run.left_out) == (1, {"quiet_hours": 1})
    left_out = select(Delivery.customer_id).where(col(Delivery.reason) == "quiet_hours")
    assert session.exec(left_out).all() == [asleep.id]


def test_of_an_account_of_two_stores_those_at_home_in_the_quiet_one_are_left_out(session: ScopedSession) -> None:
    quiet, awake = make.store(session, quiet_hours=around(NOW)), make.store(session)
    account = make.line_account(session, quiet, awake)
    make.follower(session, account, home=quiet)
    make.follower(session, account, home=awake)
    assert (start(session).chosen, start(session).left_out) == (1, {"quiet_hours": 1})


def test_a_run_of_another_clock_keeps_the_store_s_hours_of_that_clock(session: ScopedSession) -> None:
    make.follower(session, make.line_account(session, make.store(session, quiet_hours=around(NOW))))
    assert start(session, timedelta(hours=6)).chosen == 1


def test_on_a_holiday_everybody_is_left_out(session: ScopedSession) -> None:
    make.follower(session, make.line_account(session, make.store(session)))
    set_brand(session, holidays={"on": [f"{NOW + timedelta(hours=9):%Y-%m-%d}"], "national": False})
    assert start(session).left_out == {"quiet_hours": 1}


@pytest.mark.parametrize(
    ("holidays", "day", "kept"),
    [
        (None, "2026-01-01", False),
        ({"on": ["2026-12-31"]}, "2026-12-31", True),
        ({"on": ["2026-12-31"]}, "2027-12-31", False),
        ({"on": [], "national": True}, "2026-05-06", True),
        ({"on": [], "national": True}, "2026-09-22", True),
        ({"on": [], "national": False}, "2026-01-01", False),
    ],
)
def test_a_brand_keeps_the_days_that_it_names_and_japan_s_if_it_says_so(
    holidays: Mapping[str, Any] | None, day: str, kept: bool
) -> None:
    assert is_holiday(holidays, date.fromisoformat(day)) is kept


@pytest.mark.parametrize(
    ("hours", "holidays", "at", "awake_at"),
    [
        (None, None, "2026-12-30T12:00", None),
        (("21:00", "09:00"), None, "2026-12-30T22:00", "2026-12-31T09:00"),
        (None, ["2026-12-31"], "2026-12-31T12:00", "2027-01-01T00:00"),
        (None, ["2026-12-31", "2027-01-01"], "2026-12-31T12:00", "2027-01-02T00:00"),
        (("21:00", "09:00"), ["2026-12-31"], "2026-12-30T22:00", "2027-01-01T09:00"),
        (("12:00", "13:00"), ["2026-12-31"], "2026-12-30T12:30", "2026-12-30T13:00"),
    ],
)
def test_hours_and_days_that_follow_each_other_are_one_silence(
    hours: tuple[str, str] | None, holidays: list[str] | None, at: str, awake_at: str | None
) -> None:
    brand = Brand(
        name="のれん",
        quiet_hours=dict(zip(("from", "to"), hours, strict=True)) if hours else None,
        holidays={"on": holidays} if holidays else None,
        master_key_id="",
        wrapped_key=b"",
    )
    wanted = None if awake_at is None else datetime.fromisoformat(f"{awake_at}+09:00")
    assert find_awake_at(brand, datetime.fromisoformat(f"{at}+09:00").astimezone(UTC)) == wanted


def test_of_several_stores_one_that_is_awake_is_enough(session: ScopedSession) -> None:
    brand = get_brand(session, session.scope.brand_id)
    assert find_awake_at(brand, NOW, [around(NOW), None]) is None
    assert find_awake_at(brand, NOW, [around(NOW)]) is not None


@pytest.mark.slow
def test_what_is_under_way_waits_for_the_store_s_morning_while_others_go_on(stage: Stage) -> None:
    with stage.home.open() as session:
        quiet, awake = stage.account(session, 2), stage.account(session, 3)
        run = stage.start(session)
        _set_store_hours(session, quiet.store_nos[0], around(datetime.now(UTC)))
        session.commit()
    stage.work()
    assert (len(stage.delivered(quiet)), len(stage.delivered(awake))) == (0, 3)
    assert stage.state_of(run).status == "sending"
    with stage.home.open() as session:
        _set_store_hours(session, quiet.store_nos[0], None)
        service.resume_all(session)
        session.commit()
    stage.work()
    assert (len(stage.delivered(quiet)), stage.state_of(run).status) == (2, "finished")


@pytest.mark.slow
def test_what_is_under_way_when_a_holiday_begins_waits_for_the_next_day(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 2)
        run = stage.start(session)
        today = datetime.now(UTC) + timedelta(hours=9)
        days = [f"{today + timedelta(days=offset):%Y-%m-%d}" for offset in (0, 1)]  # also if midnight comes meanwhile
        set_brand(session, holidays={"on": days, "national": False})
        session.commit()
    stage.work()
    assert (len(stage.delivered(account)), stage.state_of(run).status) == (0, "sending")
    with stage.home.open() as session:
        set_brand(session, holidays=None)
        service.resume_all(session)
        session.commit()
    stage.work()
    assert len(stage.delivered(account)) == 2


def _set_store_hours(session: ScopedSession, store_no: int, hours: dict[str, str] | None) -> None:
    session.exec(select(Store).where(col(Store.no) == store_no)).one().quiet_hours = hours
    session.flush()

"""When a feed is left alone, and for how long."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session

from app.jobs.queue import Clockwork
from app.weather import fetching
from app.weather.feeds import state
from app.weather.feeds.state import LONGEST_PAUSE, OPENS_AFTER, Name
from tenants.session import ScopedSession
from tests.app.weather.conftest import Jma
from tests.app.weather.files import at, forecast

NOW = at("2026-11-21 11:00")


def fail(session: Session, times: int, now: datetime = NOW) -> None:
    """Let a feed fail some times in a row."""
    for _ in range(times):
        state.note_failure(session, Name.HOURS, now, "answered 503")


@pytest.fixture
def quiet(session: ScopedSession) -> ScopedSession:
    """A session in which no feed has done anything yet."""
    from tests.app.weather.feeds.conftest import empty

    empty(session)
    return session


def test_a_feed_is_left_alone_after_several_failures_in_a_row(quiet: ScopedSession) -> None:
    fail(quiet, OPENS_AFTER - 1)
    assert state.may_fetch(quiet, Name.HOURS, NOW)
    fail(quiet, 1)
    assert not state.may_fetch(quiet, Name.HOURS, NOW)
    assert state.may_fetch(quiet, Name.WARNINGS, NOW)


def test_it_is_tried_again_and_left_alone_for_longer(quiet: ScopedSession) -> None:
    fail(quiet, OPENS_AFTER)
    later = NOW + timedelta(minutes=1)
    assert state.may_fetch(quiet, Name.HOURS, later)
    fail(quiet, 1, later)
    assert not state.may_fetch(quiet, Name.HOURS, later + timedelta(minutes=1))
    fail(quiet, 20, later)
    assert state.may_fetch(quiet, Name.HOURS, later + LONGEST_PAUSE)


def test_a_success_makes_up_for_every_failure(quiet: ScopedSession) -> None:
    fail(quiet, OPENS_AFTER)
    state.note_success(quiet, Name.HOURS, NOW, own_clock_at=NOW)
    fail(quiet, 1)
    assert state.may_fetch(quiet, Name.HOURS, NOW)


def test_a_feed_that_is_left_alone_keeps_what_it_said_until_it_is_old(quiet: ScopedSession) -> None:
    state.note_success(quiet, Name.HOURS, NOW, own_clock_at=NOW)
    fail(quiet, OPENS_AFTER)
    feed = state.find_feed(quiet, Name.HOURS)
    hour = timedelta(hours=1)
    assert state.why_unknown(feed, "hours", NOW + hour, hour, hour) is None
    assert state.why_unknown(feed, "hours", NOW + 2 * hour, hour, hour) is not None


def test_forecasts_are_not_asked_for_while_their_server_fails(feeds: object, jma: Jma, clock: Clockwork) -> None:
    jma.status = 503
    offices = [f"{number}0000" for number in range(20, 32)]
    fetching.fetch_offices(clock, offices, is_patient=True)
    assert len(jma.requests) == OPENS_AFTER
    found = fetching.fetch_offices(clock, offices, is_patient=True)
    assert len(jma.requests) == OPENS_AFTER
    assert set(found) == set(offices)


def test_one_process_fetches_at_a_time(clock: Clockwork) -> None:
    with fetching.only_fetcher(clock) as first, fetching.only_fetcher(clock) as second:
        assert (first, second) == (True, False)
    with fetching.only_fetcher(clock) as third:
        assert third


def test_the_feed_of_forecasts_is_as_far_as_its_newest_issue(feeds: object, jma: Jma, clock: Clockwork) -> None:
    jma.put("130000", forecast())
    fetching.fetch_offices(clock, ["130000"])
    with Session(clock.engine) as session:
        feed = state.find_feed(session, Name.FORECASTS)
        assert feed is not None
        assert feed.own_clock_at == at("2026-11-21 11:00")

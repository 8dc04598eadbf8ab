"""What people set for themselves is obeyed: a pause until it ends, stores that they want to hear nothing from."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import true

from app.customers.joining.service import merge
from app.customers.models import Customer
from app.customers.preferences.queries import Hours, read_wishes
from app.customers.preferences.service import set_wishes
from app.customers.queries import list_her_ids
from app.messaging import planning, service
from app.messaging.audience import Audience
from app.messaging.models import Run
from tenants.session import ScopedSession
from tenants.tables import utc_now
from tests import make

NOW = utc_now()
MONTH = timedelta(days=30)


def start(session: ScopedSession, now: datetime = NOW) -> Run:
    """A run to everybody, from all accounts."""
    audience = Audience(where=true(), senders=planning.list_senders(session, None, None))
    content = service.Content(messages=[{"type": "text", "text": "こんにちは"}])
    run, _ = service.start_run(
        session, cause=service.Cause(kind="campaign"), content=content, audience=audience, now=now
    )
    return run


def follower(session: ScopedSession) -> tuple[Customer, int]:
    """Who follows the account of one store, and the store's number."""
    store = make.store(session)
    return make.follower(session, make.line_account(session, store)), store.no


def test_who_pauses_hears_nothing_until_the_pause_ends(session: ScopedSession) -> None:
    customer, _ = follower(session)
    set_wishes(session, customer.id, paused_until=NOW + timedelta(minutes=1), muted_store_nos=(), now=NOW)
    assert start(session).left_out == {"consent": 1}
    set_wishes(session, customer.id, paused_until=NOW, muted_store_nos=(), now=NOW)
    assert start(session).chosen == 1


def test_who_muted_a_store_hears_nothing_from_it_and_from_others_still(session: ScopedSession) -> None:
    (muting, no), (other, _) = follower(session), follower(session)
    for one in (muting, other):
        set_wishes(session, one.id, paused_until=None, muted_store_nos=[no], now=NOW)
    run = start(session)
    assert (run.left_out, run.chosen) == ({"consent": 1}, 1)


def test_a_pause_outlives_a_merge_until_she_ends_it_herself(session: ScopedSession) -> None:
    (stays, no), (goes, _) = follower(session), follower(session)
    set_wishes(session, goes.id, paused_until=NOW + MONTH, muted_store_nos=[no], now=NOW)
    merge(session, goes.id, stays.id, source="staff", proof={}, merged_by=None, now=NOW)
    ids = list_her_ids(session, stays.id)
    assert read_wishes(session, ids, NOW).paused_until == NOW + MONTH
    assert start(session).left_out == {"consent": 1}
    set_wishes(session, stays.id, paused_until=None, muted_store_nos=(), now=NOW)
    assert read_wishes(session, ids, NOW).muted_store_nos == frozenset()
    assert start(session).chosen == 1


@pytest.mark.parametrize(
    ("hours", "clock", "hears"),
    [
        (("09:00", "21:00"), "08:59", False),
        (("09:00", "21:00"), "09:00", True),
        (("09:00", "21:00"), "21:00", False),
        (("22:00", "02:00"), "01:59", True),
        (("22:00", "02:00"), "12:00", False),
    ],
)
def test_outside_of_her_hours_nothing_is_sent_to_her(
    session: ScopedSession, hours: tuple[str, str], clock: str, hears: bool
) -> None:
    (customer, _), (other, _) = follower(session), follower(session)
    set_wishes(session, customer.id, paused_until=None, muted_store_nos=(), hours=Hours(*hours), now=NOW)
    at = datetime.combine(date(2026, 11, 20), time.fromisoformat(clock), ZoneInfo("Asia/Tokyo"))
    run = start(session, at)
    assert (run.chosen, run.left_out) == ((2, {}) if hears else (1, {"quiet_hours": 1}))
    assert other.id != customer.id


def test_the_hours_of_both_hold_for_two_who_became_one(session: ScopedSession) -> None:
    (stays, _), (goes, _) = follower(session), follower(session)
    for one, hours in ((stays, Hours("09:00", "21:00")), (goes, Hours("18:00", "23:00"))):
        set_wishes(session, one.id, paused_until=None, muted_store_nos=(), hours=hours, now=NOW)
    merge(session, goes.id, stays.id, source="staff", proof={}, merged_by=None, now=NOW)
    japan = ZoneInfo("Asia/Tokyo")
    heard = [start(session, datetime(2026, 11, 20, hour, tzinfo=japan)).chosen for hour in (12, 19, 22)]
    assert heard == [0, 1, 0]

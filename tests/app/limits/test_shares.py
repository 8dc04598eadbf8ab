"""Processes share a credential's minute."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from app.limits.problems import RateLimited
from app.limits.service import Limits
from app.limits.shares import take_share
from tenants.ids import uuid7
from tenants.tables import utc_now
from tests.conftest import BrandHome


def let_through(limits: Limits, home: BrandHome, credential_id: UUID, requests: int) -> int:
    """How many of so many requests to one process go through."""
    passed = 0
    for _ in range(requests):
        scope: dict[str, object] = {"headers": [(b"authorization", credential_id.bytes)]}
        now = utc_now()
        try:
            limits.enter(scope, "203.0.113.9", now.timestamp())
            limits.accept(scope, home.engine, home.scope.brand_id, credential_id, now)
        except RateLimited:
            continue
        passed += 1
    return passed


def test_processes_together_let_the_quota_through_exactly(home: BrandHome) -> None:
    credential = uuid7()
    processes = [Limits(quota=97, anonymous_quota=1000) for _ in range(4)]
    with ThreadPoolExecutor(8) as threads:
        passed = list(threads.map(lambda number: let_through(processes[number % 4], home, credential, 60), range(8)))
    assert sum(passed) == 97


def test_a_request_seldom_asks_the_database(home: BrandHome) -> None:
    limits, credential = Limits(quota=1000, anonymous_quota=1000), uuid7()
    assert let_through(limits, home, credential, 1500) == 1000
    with home.open() as session:
        row = session.execute(text("SELECT taken FROM rate_window WHERE credential_id = :id"), {"id": credential})
        assert row.scalar_one() == 1050, "20 shares of 50, and the one that was refused"


def test_credentials_do_not_share_a_quota(home: BrandHome, other_home: BrandHome) -> None:
    limits, first, second = Limits(quota=10, anonymous_quota=1000), uuid7(), uuid7()
    assert [let_through(limits, home, one, 15) for one in (first, second)] == [10, 10]
    assert let_through(limits, other_home, uuid7(), 15) == 10


def test_a_new_window_begins_when_the_old_one_has_ended(engine: Engine, home: BrandHome) -> None:
    brand_id, credential, now = home.scope.brand_id, uuid7(), utc_now()
    ends_at, taken = take_share(engine, brand_id, credential, 5, now)
    assert (ends_at, taken) == ((now + timedelta(seconds=60)).timestamp(), 5)
    assert take_share(engine, brand_id, credential, 5, now + timedelta(seconds=59)) == (ends_at, 10)
    later = now + timedelta(seconds=60)
    assert take_share(engine, brand_id, credential, 5, later) == (ends_at + 60, 5)


@pytest.mark.parametrize(("ahead", "taken"), [(30, 10), (3600, 5)])
def test_a_clock_that_was_far_ahead_does_not_close_the_window_for_long(
    engine: Engine, home: BrandHome, ahead: int, taken: int
) -> None:
    brand_id, credential, now = home.scope.brand_id, uuid7(), utc_now()
    take_share(engine, brand_id, credential, 5, now + timedelta(seconds=ahead))
    assert take_share(engine, brand_id, credential, 5, now)[1] == taken


def test_the_count_is_kept_in_a_table_that_waits_for_no_disk(engine: Engine) -> None:
    with engine.connect() as connection:
        kind = connection.execute(text("SELECT relpersistence FROM pg_class WHERE relname = 'rate_window'"))
        assert kind.scalar_one() == "u"

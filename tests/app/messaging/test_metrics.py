"""What a worker tells of its sending."""

import asyncio
import time

import psycopg
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from app.database import async_conninfo
from app.jobs import lanes
from app.messaging import metrics
from app.messaging.metrics import BUSIEST, WINDOW_SECONDS, Rates
from tenants.ids import encode_id, uuid7
from tests.app.messaging.conftest import Stage

CHANGES = (
    "due_at = now() - interval '2 minutes'",
    "due_at = now() - interval '5 minutes', leased_until = now() + interval '1 minute'",
    "due_at = now() - interval '1 minute', leased_until = now() - interval '1 second'",
    "due_at = now() + interval '3 minutes'",
    "due_at = 'infinity'",
)
"""Lanes as they may stand: due, in a worker's hand, in that of a dead one, due later, asleep."""
MONTH_SPENT = {"message": "You have reached your monthly limit."}


def read(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_people_are_counted_by_what_became_of_them(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "RATES", Rates())  # accounts of other tests may have been busier a moment ago
    before = {outcome: read("noren_send_people_total", outcome=outcome) for outcome in ("sent", "failed")}
    with stage.home.open() as session:
        account = stage.account(session, 5, malformed=1)
        stage.start(session, "{{ customer.name }}さんへ")
    stage.work()
    assert read("noren_send_people_total", outcome="sent") - before["sent"] == 4
    assert read("noren_send_people_total", outcome="failed") - before["failed"] == 1
    assert metrics.RATES.list_busiest(time.monotonic())[0] == (encode_id("acc", account.id), 4 / WINDOW_SECONDS)


def test_batches_that_line_holds_back_are_counted_by_why(stage: Stage) -> None:
    before = read("noren_send_held_total", reason="month_spent")
    with stage.home.open() as session:
        stage.account(session, 2)
        stage.start(session)
    stage.fault(endpoint="/v2/bot/message/multicast", status=429, body=MONTH_SPENT)
    stage.work()
    assert read("noren_send_held_total", reason="month_spent") > before


def test_however_many_accounts_send_only_the_busiest_are_named() -> None:
    rates, ids = Rates(), [uuid7() for _ in range(BUSIEST + 5)]
    for number, one in enumerate(ids, 1):
        rates.note(one, 60 * number, at=100.0)
    busiest = rates.list_busiest(101.0)
    named = [(encode_id("acc", ids[number - 1]), float(number)) for number in range(BUSIEST + 5, 5, -1)]
    assert busiest == [*named, ("others", 15.0)]
    assert rates.list_busiest(101.0 + WINDOW_SECONDS) == [("others", 0.0)], "a minute later nobody sends"


def test_lanes_are_told_by_what_they_wait_for(stage: Stage) -> None:
    kind = f"kind-{uuid7()}"
    with stage.home.open() as session:
        keys = [uuid7() for _ in range(5)]
        lanes.touch(session, kind, stage.home.scope.brand_id, keys)
        for key, change in zip(keys, CHANGES, strict=True):
            session.execute(
                text(f"UPDATE lane SET {change} WHERE kind = :kind AND key = :key"), {"kind": kind, "key": key}
            )
        session.commit()

    async def measure() -> dict[str, lanes.Depth]:
        conninfo = async_conninfo(stage.urls.app)
        async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
            return {depth.kind: depth for depth in await lanes.measure(connection)}

    depth = asyncio.run(measure())[kind]
    with stage.home.open() as session:
        session.execute(text("DELETE FROM lane WHERE kind = :kind"), {"kind": kind})  # no worker would ever be idle
        session.commit()
    assert (depth.due, depth.held, depth.later) == (2, 1, 1)
    assert 120 <= depth.lag_seconds < 150

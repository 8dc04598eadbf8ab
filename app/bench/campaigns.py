"""Campaigns for the benchmarks of sending, launched by the product's own services, and what became of them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from app.bench.brand import BenchBrand, count_sends
from app.bench.machine import cpu_seconds
from app.bench.place import Place
from app.bench.results import Bar, Failed, Line
from app.campaigns import lifecycle, queries, service
from app.campaigns.models import Campaign
from app.campaigns.schemas import CampaignCreate
from app.coupons.offers import create_coupon
from app.coupons.schemas import CouponCreate
from app.demo.processes import Processes
from tenants.ids import encode_id
from tenants.session import ScopedSession, open_session

SEND_SECONDS = 300.0


@dataclass(frozen=True)
class Launched:
    """A campaign and its run."""

    campaign_id: UUID
    run_id: UUID


def draft(place: Place, brand: BenchBrand, messages: Sequence[dict[str, Any]], *, with_coupon: bool = False) -> UUID:
    """A campaign to everybody; its id."""
    with open_session(place.engine, brand.scope) as session:
        body: dict[str, Any] = {"name": "雨の日", "messages": list(messages)}
        if with_coupon:
            body["coupon_id"] = encode_id("cpn", _add_coupon(session))
        campaign = service.create(session, CampaignCreate.model_validate(body), brand.scope)
        session.commit()
        return campaign.id


def _add_coupon(session: ScopedSession) -> UUID:
    body = {
        "name": "雨の日100円引き",
        "benefit": {"kind": "amount_off", "amount_yen": 100},
        "validity": {"hours_after_issue": 72},
        "all_stores": True,
    }
    return create_coupon(session, CouponCreate.model_validate(body), owner=None, now=datetime.now(UTC)).id


def launch(place: Place, brand: BenchBrand, campaign_id: UUID, *, paused: bool = False) -> Launched:
    """Launch a draft, as the API does; with `paused` nothing is sent yet."""
    with open_session(place.engine, brand.scope) as session:
        campaign = queries.lock_campaign(session, campaign_id)
        run = lifecycle.begin(session, campaign, datetime.now(UTC))
        if paused:
            lifecycle.pause(session, campaign, "bench")
        session.commit()
        return Launched(campaign_id, run.id)


def resume(place: Place, brand: BenchBrand, campaign_id: UUID) -> None:
    """Let a paused campaign send."""
    with open_session(place.engine, brand.scope) as session:
        campaign: Campaign = queries.lock_campaign(session, campaign_id)
        lifecycle.resume(session, campaign, "bench")
        session.commit()


def wait_finished(place: Place, run_id: UUID) -> None:
    """Return when a run has ended. Raises Failed when it does not."""
    _wait(place, "SELECT 1 FROM run WHERE id = %s AND status = 'finished'", [run_id], "The run did not finish.")


def wait_projected(place: Place) -> None:
    """Return when no event waits for the projector. Raises Failed when some do for too long."""
    _wait(
        place,
        "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM event WHERE feed_no IS NULL)",
        [],
        "The projector did not catch up.",
    )


def start_worker(place: Place, processes: Processes, name: str = "worker") -> int:
    """Start a worker, wait until it works, and answer its process id."""
    processes.start(name, ["worker"])
    alive = "SELECT 1 FROM procrastinate.procrastinate_workers WHERE last_heartbeat > now() - interval '10 seconds'"
    _wait(place, alive, [], "The worker did not start.", seconds=60)
    pid = processes.running[name].pid
    used = -1.0
    while cpu_seconds(pid) - used > 0.1:  # it still loads what it will need
        used = cpu_seconds(pid)
        time.sleep(1)
    return pid


def _wait(place: Place, query: str, values: Sequence[Any], complaint: str, seconds: float = SEND_SECONDS) -> None:
    until = time.monotonic() + seconds
    with psycopg.connect(place.admin_url, autocommit=True) as connection:
        while time.monotonic() < until:
            if connection.execute(query, values).fetchone() is not None:
                return
            time.sleep(0.01)
    raise Failed(complaint)


def list_recipients(place: Place, brand: BenchBrand, run_id: UUID) -> list[dict[str, Any]]:
    """Everybody whom a run sends to, batch by batch: batch_no, channel_id, line_user_id, name, code."""
    query = """
        SELECT delivery.batch_no, line_account.channel_id, delivery.line_user_id, customer.name, issued.code
        FROM delivery
        JOIN line_account ON line_account.brand_id = delivery.brand_id AND line_account.no = delivery.account_no
        JOIN customer ON customer.brand_id = delivery.brand_id AND customer.id = delivery.customer_id
        LEFT JOIN issued_coupon issued ON issued.brand_id = delivery.brand_id
            AND issued.run_id = delivery.run_id AND issued.customer_id = delivery.customer_id
        WHERE delivery.brand_id = %s AND delivery.run_id = %s AND delivery.batch_no IS NOT NULL
        ORDER BY delivery.batch_no, delivery.customer_id
    """
    with psycopg.connect(place.admin_url) as connection:
        # The planner does not know yet that there are so many copies.
        connection.execute("SET LOCAL enable_nestloop = off")
        rows = connection.execute(query, [brand.scope.brand_id, run_id]).fetchall()
    names = ("batch_no", "channel_id", "line_user_id", "name", "code")
    return [dict(zip(names, row, strict=True)) for row in rows]


@dataclass
class Ledgers:
    """What the sandbox's ledger says of several runs, and what our batches say, against whom we chose."""

    lost: int = 0
    twice: int = 0

    def add(self, place: Place, brand: BenchBrand, run_id: UUID, people: int) -> None:
        """Count one run, right after it has finished."""
        stats = count_sends(place)
        with psycopg.connect(place.admin_url) as connection:
            row = connection.execute(
                "SELECT coalesce(sum(size), 0) - (SELECT count(*) FROM delivery_failure WHERE run_id = %(run)s)"
                " FROM batch WHERE brand_id = %(brand)s AND run_id = %(run)s AND state = 'sent'",
                {"brand": brand.scope.brand_id, "run": run_id},
            ).fetchone()
        assert row is not None
        self.lost += (people - stats["distinct"]) + abs(people - int(row[0]))
        self.twice += stats["duplicates"] + (stats["recipients"] - stats["distinct"])

    def lines(self) -> tuple[Line, Line]:
        """Both must be nought."""
        none = Bar(at_most=0)
        return (
            Line(work="people lost", figure=self.lost, unit="", bar=none),
            Line(work="people who got it twice", figure=self.twice, unit="", bar=none),
        )

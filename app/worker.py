"""The worker: claims lanes and jobs, runs their tasks. Start as many as you like, on any machine."""

import asyncio
import collections
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import procrastinate
import psycopg
import structlog
from prometheus_client import Counter, Gauge
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.exc import InterfaceError, OperationalError

from app.audit.chain import seal_all
from app.audit.queries import list_unsealed_brands
from app.database import Urls, async_conninfo, database_urls, make_engine, refuse_powerful_role
from app.events.projector import project
from app.events.queries import list_unprojected_brands
from app.inbound.append import FORWARD_LANE, LANE
from app.inbound.forward.deliver import Forwarder
from app.inbound.replies.deliver import Replier
from app.inbound.replies.service import REPLY_LANE
from app.inbound.work import work_line_events
from app.jobs import lanes
from app.jobs.queue import queue
from app.keys import load_keyring
from app.line.client import warm_up
from app.logs import configure_logs, describe_error, note_crashes
from app.memory import settle_memory
from app.messaging.dispatch import Dispatcher
from app.messaging.service import SEND_LANE
from app.schedule import SUBSCRIBERS
from app.settings import Settings
from app.webhooks.deliver import Deliverer
from app.webhooks.endpoints import LANE as WEBHOOK_LANE

log = structlog.get_logger("worker")

POLL_SECONDS = 0.1
GATHER_SECONDS = 0.01
"""For lanes to end together, so that not each asks for its successor by itself."""
SHARE_OF_ONE = 0.75
"""Of a worker's places that one brand may hold: the rest is for those who come while its long turns go on."""
FORWARD_LANES = 64
WEBHOOK_LANES = 64
"""Places for calls to other people's tools: of their own, so that tools that are slow hold up nothing else."""
PROJECT_SECONDS = 0.2
SEAL_SECONDS = 1.0
HEARTBEAT_SECONDS = 3.0
TROUBLE_SECONDS = 5.0
"""How long a lane rests after its work failed."""
LANES = Counter("noren_lanes_worked_total", "Turns of lanes, by kind and outcome.", ["kind", "outcome"])
DEPTHS = Gauge("noren_lanes", "Lanes of all workers, by kind: due, held by a worker, or due later.", ["kind", "state"])
LAGS = Gauge("noren_lane_lag_seconds", "How long the lane has been due that waits longest for a worker.", ["kind"])

Handler = Callable[[UUID, UUID], Awaitable[float | None]]


@dataclass
class Desk:
    """The places of a worker for lanes of some kinds; those of another desk cannot fill them."""

    kinds: list[str]
    places: int
    busy: set[asyncio.Task[None]] = field(default_factory=set)
    held: collections.Counter[UUID] = field(default_factory=collections.Counter)
    """Lanes in hand, by brand."""
    lane_ended: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, brand_id: UUID, task: asyncio.Task[None]) -> None:
        """Let a lane's turn have a place until it ends."""
        self.busy.add(task)
        self.held[brand_id] += 1
        task.add_done_callback(partial(self._end, brand_id))

    def _end(self, brand_id: UUID, task: asyncio.Task[None]) -> None:
        self.busy.discard(task)
        self.held[brand_id] -= 1
        if not self.held[brand_id]:
            del self.held[brand_id]
        self.lane_ended.set()


class Worker:
    """One worker process: lanes, the projector, and the queue's jobs, in one event loop and a few threads."""

    def __init__(self, settings: Settings, urls: Urls) -> None:
        self.settings = settings
        self.urls = urls
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.keyring = load_keyring(settings)
        self.engine = make_engine(urls.app, pool_size=settings.pool_size)
        self.stopping = asyncio.Event()
        self.handlers: dict[str, Handler] = {}
        self.desks = (
            Desk([SEND_LANE, LANE, REPLY_LANE], settings.worker_lanes),
            Desk([FORWARD_LANE], FORWARD_LANES),
            Desk([WEBHOOK_LANE], WEBHOOK_LANES),
        )
        self.has_started = False
        self.jobs_done = False
        """In a worker that works until idle: whether it has no job in hand."""

    async def run(self, *, until_idle: bool = False) -> None:
        """Work until a signal comes, or with `until_idle` until nothing is due any more."""
        await asyncio.to_thread(refuse_powerful_role, self.engine)
        conninfo = async_conninfo(self.urls.app)
        async with AsyncConnectionPool(
            conninfo, min_size=2, max_size=12, kwargs={"autocommit": True, "prepare_threshold": 5}, open=False
        ) as pool:
            dispatcher = Dispatcher(self.engine, pool, self.keyring, self.settings)
            replier = Replier(self.engine, self.keyring, self.settings)
            forwarder = Forwarder(self.engine, self.settings)
            deliverer = Deliverer(self.engine, self.keyring, self.settings)
            self.handlers = {
                SEND_LANE: dispatcher.work_lane,
                LANE: self._work_line_events,
                REPLY_LANE: replier.work_lane,
                FORWARD_LANE: forwarder.work_lane,
                WEBHOOK_LANE: deliverer.work_lane,
            }
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self.stopping.set)
            connector = procrastinate.PsycopgConnector(conninfo=conninfo, min_size=1, max_size=4)
            with queue.replace_connector(connector) as jobs:
                async with jobs.open_async():
                    log.info("worker_started", worker=self.name)
                    self.has_started = True
                    # A new friend is shown by her name within two seconds only if LINE's SDK, slow to load, is there.
                    warming = loop.run_in_executor(None, _warm_up) if not until_idle else None
                    try:
                        await self._work(pool, jobs, until_idle)
                    finally:
                        await self._end(pool)
                        await dispatcher.close()
                        replier.close()
                        await forwarder.close()
                        await deliverer.close()
                        if warming is not None:
                            await warming
        self.engine.dispose()

    async def _work(self, pool: AsyncConnectionPool[Any], jobs: procrastinate.App, until_idle: bool) -> None:
        # Those that use threads end by themselves once told to stop: a thread cannot be cancelled, and its connection
        # would be left open.
        claiming = [self._claim_lanes(pool, desk) for desk in self.desks]
        loops = (*claiming, self._project(), self._seal(), self._beat(pool))
        ending = [asyncio.create_task(loop) for loop in loops]
        running = asyncio.create_task(self._run_jobs(jobs, wait=not until_idle))
        stop = asyncio.create_task(self._wait_until_idle(pool) if until_idle else self.stopping.wait())
        signalled = asyncio.create_task(self.stopping.wait())
        done, _ = await asyncio.wait([stop, signalled, running, *ending], return_when=asyncio.FIRST_COMPLETED)
        self.stopping.set()
        for task in (stop, running):
            task.cancel()
        await asyncio.gather(stop, signalled, running, *ending, return_exceptions=True)
        for task in done:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def _run_jobs(self, jobs: procrastinate.App, *, wait: bool) -> None:
        context = {"engine": self.engine, "keyring": self.keyring, "settings": self.settings}
        while True:
            await jobs.run_worker_async(
                name=self.name,
                concurrency=4,
                wait=wait,
                # Without waiting only what is due is worked off; what the clock starts is left to lasting workers.
                queues=["default", "clock"] if wait else ["default"],
                fetch_job_polling_interval=1.0,
                install_signal_handlers=False,
                additional_context=context,
                delete_jobs="successful",
                shutdown_graceful_timeout=5.0,
            )
            if wait:
                return
            self.jobs_done = True
            await asyncio.sleep(0.3)
            self.jobs_done = False

    async def _claim_lanes(self, pool: AsyncConnectionPool[Any], desk: Desk) -> None:
        most_of_one = max(1, round(desk.places * SHARE_OF_ONE))
        while not self.stopping.is_set():
            free = desk.places - len(desk.busy)
            claimed = []
            if free > 0:
                async with pool.connection() as connection:
                    claimed = await lanes.claim(connection, desk.kinds, self.name, free, most_of_one)
            for lane in claimed:
                desk.take(lane.brand_id, asyncio.create_task(self._work_lane(pool, lane)))
            # More may be due than there was room for: ask again when there is room.
            if len(claimed) == free or max(desk.held.values(), default=0) >= most_of_one:
                desk.lane_ended.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(desk.lane_ended.wait(), POLL_SECONDS)
                await asyncio.sleep(GATHER_SECONDS)
            else:
                await asyncio.sleep(POLL_SECONDS)

    async def _work_lane(self, pool: AsyncConnectionPool[Any], lane: lanes.Claimed) -> None:
        again: float | None = TROUBLE_SECONDS
        outcome = "failed"
        try:
            again = await self.handlers[lane.kind](lane.brand_id, lane.key)
            outcome = "worked"
        except Exception:  # one lane's bug must not stop the others; it rests and is tried again
            log.exception("lane_failed", kind=lane.kind, brand=str(lane.brand_id), key=str(lane.key))
        finally:
            LANES.labels(lane.kind, outcome).inc()
            async with pool.connection() as connection:
                await lanes.release(connection, lane, self.name, again)

    async def _work_line_events(self, brand_id: UUID, line_account_id: UUID) -> float | None:
        more = await asyncio.to_thread(
            work_line_events,
            self.engine,
            self.keyring,
            self.settings,
            brand_id,
            line_account_id,
            datetime.now(UTC),
        )
        return 0.0 if more else None

    async def _project(self) -> None:
        """Hand new events to the subscribers; the table of events is itself the list of what waits."""
        while not self.stopping.is_set():
            count = await asyncio.to_thread(self._project_all)
            await asyncio.sleep(PROJECT_SECONDS if not count else 0)

    def _project_all(self) -> int:
        count = 0
        for brand_id in list_unprojected_brands(self.engine):
            try:
                count += project(self.engine, brand_id, datetime.now(UTC), SUBSCRIBERS)
            except Exception:  # one brand's trouble must not stop the others
                log.exception("projection_failed", brand=str(brand_id))
        return count

    async def _seal(self) -> None:
        """Seal what was added to the audit logs: not where it is added, so that no change waits for a chain."""
        while not self.stopping.is_set():
            await asyncio.to_thread(self._seal_all)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), SEAL_SECONDS)

    def _seal_all(self) -> None:
        for brand_id in list_unsealed_brands(self.engine):
            try:
                seal_all(self.engine, brand_id, datetime.now(UTC))
            except Exception:  # one brand's trouble must not stop the others
                log.exception("audit_not_sealed", brand=str(brand_id))

    async def _beat(self, pool: AsyncConnectionPool[Any]) -> None:
        while not self.stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), HEARTBEAT_SECONDS)
            async with pool.connection() as connection:
                await lanes.renew(connection, self.name)
                self._tell_depths(await lanes.measure(connection))

    def _tell_depths(self, depths: Sequence[lanes.Depth]) -> None:
        """Show what waits, and of the kinds of which nothing does that it is nothing."""
        idle = {kind: lanes.Depth(kind, 0, 0, 0, 0.0) for desk in self.desks for kind in desk.kinds}
        for depth in (idle | {depth.kind: depth for depth in depths}).values():
            LAGS.labels(depth.kind).set(depth.lag_seconds)
            for state in ("due", "held", "later"):
                DEPTHS.labels(depth.kind, state).set(getattr(depth, state))

    @property
    def _busy(self) -> set[asyncio.Task[None]]:
        """The turns in hand, at all desks."""
        return set().union(*(desk.busy for desk in self.desks))

    async def _wait_until_idle(self, pool: AsyncConnectionPool[Any]) -> None:
        """Return when no lane is due, no event unprojected and no job due, twice in a row."""
        quiet = 0
        while quiet < 2:
            await asyncio.sleep(0.1)
            async with pool.connection() as connection:
                row = await (await connection.execute(_DUE)).fetchone()
            waiting = await asyncio.to_thread(list_unprojected_brands, self.engine)
            idle = row == (0, 0) and not self._busy and not waiting and self.jobs_done
            quiet = quiet + 1 if idle else 0

    async def _end(self, pool: AsyncConnectionPool[Any]) -> None:
        """Let what is in hand end, for a few seconds; what does not is taken over by another worker."""
        if self._busy:
            await asyncio.wait(self._busy, timeout=8)
        for task in self._busy:
            task.cancel()
        log.info("worker_stopped", worker=self.name)


_DUE = """
SELECT (SELECT count(*)::int FROM lane WHERE due_at <= now()),
       (SELECT count(*)::int FROM procrastinate_jobs
        WHERE status = 'todo' AND queue_name = 'default' AND (scheduled_at IS NULL OR scheduled_at <= now()))
"""


def _warm_up() -> None:
    warm_up()
    settle_memory()


LOST = (psycopg.OperationalError, OperationalError, InterfaceError, procrastinate.exceptions.ConnectorException)
"""How it shows that the database has gone away."""


def run_worker(settings: Settings, *, until_idle: bool = False) -> None:
    """Run one worker in this process until SIGTERM, SIGINT or, with `until_idle`, until nothing is due.

    A database that goes away is waited for, unless it was not there to begin with.
    """
    configure_logs(settings.log_level)
    note_crashes()
    urls = database_urls(settings)

    async def main() -> None:
        stopped = asyncio.Event()
        has_worked = False
        while not stopped.is_set():
            worker = Worker(settings, urls)
            try:
                return await worker.run(until_idle=until_idle)
            except LOST as error:
                has_worked = has_worked or worker.has_started
                if until_idle or not has_worked:
                    raise
                log.error("database_lost", error=describe_error(error), again_in_seconds=TROUBLE_SECONDS)
            worker.engine.dispose()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stopped.set)
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), TROUBLE_SECONDS)

    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
    else:
        uvloop.run(main())

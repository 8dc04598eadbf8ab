"""task(), defer(), periodic(): Procrastinate behind one seam. A job commits with the change that causes it."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from inspect import iscoroutinefunction
from typing import Any, TypeVar, cast, get_type_hints
from uuid import UUID

import procrastinate
import psycopg
from procrastinate import JobContext, PsycopgConnector, RetryStrategy, SyncPsycopgConnector
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app.settings import Settings
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import ScopedSession, open_session

queue = procrastinate.App(connector=PsycopgConnector())
_outbox = procrastinate.App(connector=SyncPsycopgConnector())
"""Adds jobs on a session's own connection. In a worker `queue` has an asynchronous connector, which cannot."""


@dataclass(frozen=True)
class Clockwork:
    """What a task of the clock has: the database, the keys, the settings and the present instant."""

    engine: Engine
    keyring: Keyring
    settings: Settings
    now: datetime

    @contextmanager
    def session(self, brand_id: UUID) -> Iterator[ScopedSession]:
        """A transaction in this brand's whole scope, committed at the end."""
        with open_session(self.engine, Scope(brand_id)) as session:
            yield session
            session.commit()


@dataclass(frozen=True)
class Work(Clockwork):
    """What a brand's task has besides: its brand."""

    brand_id: UUID

    @contextmanager
    def session(self, brand_id: UUID | None = None) -> Iterator[ScopedSession]:
        """A transaction in the scope of the job's brand, committed at the end."""
        with super().session(brand_id or self.brand_id) as session:
            yield session


ClockTask = TypeVar("ClockTask", bound=Callable[[Clockwork], Awaitable[None] | None])

_RETRY = RetryStrategy(max_attempts=10, exponential_wait=2)
_NAME_OF: dict[Callable[..., Any], str] = {}


def task(function: Callable[..., None]) -> Callable[..., None]:
    """Make `function(work: Work, …ids)` a task that `defer` can add jobs of. It may run twice and must not mind."""
    name = f"{function.__module__.removeprefix('app.')}.{function.__name__}"
    hints = get_type_hints(function)

    def run(context: JobContext, /, *, brand_id: str, **arguments: Any) -> None:
        extra = context.additional_context
        work = Work(extra["engine"], extra["keyring"], extra["settings"], datetime.now(UTC), UUID(brand_id))
        ids = {key: UUID(value) if hints[key] is UUID else value for key, value in arguments.items()}
        function(work, **ids)

    queue.task(name=name, pass_context=True, retry=_RETRY)(run)
    _NAME_OF[function] = name
    return function


def defer(
    session: ScopedSession, function: Callable[..., None], *, once_key: str | None = None, **arguments: Any
) -> None:
    """Add a job of this task in the session's own transaction; with `once_key` no second one waits beside it."""
    savepoint = session.begin_nested()
    # Asked for inside the savepoint, since asking is what sends it.
    connection = session.connection().connection.driver_connection
    values = {key: str(value) if isinstance(value, UUID) else value for key, value in arguments.items()}
    # A brand's jobs rank lower the more of them wait: ten thousand of one brand come after the first of another.
    waiting = session.execute(_WAITING, {"brand_id": str(session.scope.brand_id)}).scalar_one()
    deferrer = _outbox.configure_task(
        _NAME_OF[function], connection=connection, queueing_lock=once_key, priority=-waiting
    )
    try:
        deferrer.defer(brand_id=str(session.scope.brand_id), **values)
    except procrastinate.exceptions.AlreadyEnqueued:
        savepoint.rollback()
    except procrastinate.exceptions.ConnectorException as error:
        # To those who handle the database's errors it is one of them, such as a lock waited for in vain.
        if isinstance(error.__cause__, psycopg.Error):
            raise DBAPIError("defer", None, error.__cause__) from error
        raise
    else:
        savepoint.commit()


_WAITING = text(
    "SELECT count(*) FROM (SELECT FROM procrastinate_jobs WHERE status = 'todo' AND args->>'brand_id' = :brand_id"
    " LIMIT 1000) AS waiting"
)


def periodic(cron: str) -> Callable[[ClockTask], ClockTask]:
    """Run `function(clockwork)`, plain or async, by the clock, once over all workers; `cron` is in UTC."""

    def register(function: ClockTask) -> ClockTask:
        name = f"clock.{function.__module__.removeprefix('app.')}.{function.__name__}"

        def clockwork(context: JobContext) -> Clockwork:
            extra = context.additional_context
            return Clockwork(extra["engine"], extra["keyring"], extra["settings"], datetime.now(UTC))

        def run(context: JobContext, timestamp: int) -> None:
            function(clockwork(context))

        async def run_async(context: JobContext, timestamp: int) -> None:
            await cast(Awaitable[None], function(clockwork(context)))

        chosen = run_async if iscoroutinefunction(function) else run
        job = queue.task(name=name, pass_context=True, queueing_lock=name, queue="clock")(chosen)
        queue.periodic(cron=cron, periodic_id=name)(job)
        return function

    return register

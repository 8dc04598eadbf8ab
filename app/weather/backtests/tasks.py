"""Playing back-tests: stretch by stretch, so that how far one is shows, and that it was cancelled is seen.

A back-test changes nothing, so a worker that dies is followed by one that begins anew.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlmodel import col, select

from app.jobs.queue import Work, task
from app.operations import service as operations
from app.operations.models import Operation
from app.sheets import BOM, guard
from app.weather import queries
from app.weather.backtests.playing import Playback, prepare
from app.weather.backtests.schemas import BacktestRule
from app.weather.backtests.tally import COLUMNS, STORE_COLUMNS, Tally
from app.weather.models import WeatherRule
from app.weather.service import imagine_rule
from tenants.problems import Problem
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session
from tenants.stores.models import Store

DAYS_FILE: Final = "days.csv"
STORES_FILE: Final = "stores.csv"


@task
def play_backtest(work: Work, operation_id: UUID) -> None:
    """Play a back-test to its end."""
    with work.session() as session:
        operation = operations.lock_running(session, operation_id)
        if operation is None:
            return
        arguments = operation.arguments
    try:
        playback = _prepare(work, arguments)
    except Problem as problem:  # the rule went, or what its audience names
        with work.session() as session:
            operation = operations.lock_running(session, operation_id)
            if operation is not None:
                operations.fail(session, operation, problem, work.now)
        return
    with work.session() as session:
        operation = operations.lock_running(session, operation_id)
        if operation is None:
            return
        operations.delete_file(session, operation_id)
        operations.append_file(session, operation, DAYS_FILE, _head(COLUMNS))
        operations.report(session, operation, done=0, total=playback.store_days, now=work.now)
    tally = Tally(playback)
    for first_on, last_on in playback.stretches():
        with _open(work, arguments) as session:
            records = playback.read(session, first_on, last_on)
        rows = tally.add(playback.advance(records, first_on, last_on))
        content = _lines(COLUMNS, rows)
        with work.session() as session:
            operation = operations.lock_running(session, operation_id)
            if operation is None:
                return
            operations.append_file(session, operation, DAYS_FILE, content)
            operations.report(session, operation, done=tally.all.store_days, now=work.now)
    with work.session() as session:
        operation = operations.lock_running(session, operation_id)
        if operation is not None:
            _finish(session, operation, tally, work.now)


def as_json(changes: BacktestRule | None) -> dict[str, Any]:
    """The changes that were given, as they are kept until the back-test is played."""
    return {} if changes is None else changes.model_dump(mode="json", exclude_unset=True)


def imagine(session: ScopedSession, rule: WeatherRule, changes: Mapping[str, Any], now: datetime) -> WeatherRule:
    """The rule with changes that were kept as JSON. Raises Invalid."""
    body = BacktestRule.model_validate(changes)
    return imagine_rule(session, rule, {name: getattr(body, name) for name in body.model_fields_set}, now)


def _prepare(work: Work, arguments: Mapping[str, Any]) -> Playback:
    """All that the back-test needs to know beside the archive, seen by whoever asked for it."""
    with _open(work, arguments) as session:
        rule = queries.get_rule(session, UUID(arguments["weather_rule_id"]))
        imagined = imagine(session, rule, arguments["changes"], work.now)
        only = _only(session, arguments["store_no"])
        first_on, last_on = date.fromisoformat(arguments["from"]), date.fromisoformat(arguments["to"])
        return prepare(session, imagined, first_on, last_on, work.now, only=only)


def _open(work: Work, arguments: Mapping[str, Any]) -> Any:
    """A transaction that sees what the asker sees: a store must not learn from its figures what others have."""
    store_no = arguments["store_no"]
    return open_session(work.engine, Scope(work.brand_id, None if store_no is None else frozenset({store_no})))


def _only(session: ScopedSession, store_no: int | None) -> Sequence[UUID] | None:
    if store_no is None:
        return None
    return session.exec(select(Store.id).where(col(Store.no) == store_no)).all()


def _finish(session: ScopedSession, operation: Operation, tally: Tally, now: datetime) -> None:
    content = _head(STORE_COLUMNS) + _lines(STORE_COLUMNS, tally.store_rows())
    operations.append_file(session, operation, STORES_FILE, content)
    operations.finish(session, operation, tally.result(), now)


def _head(columns: Sequence[str]) -> bytes:
    return (BOM + ",".join(columns) + "\r\n").encode()


def _lines(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, columns)
    writer.writerows(row | {"store": guard(row["store"])} for row in map(dict, rows))
    return sheet.getvalue().encode()

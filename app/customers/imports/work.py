"""The work of an import: batch after batch, each with its progress in one transaction, so that a crash loses nothing.

While the database takes one batch in, the next one is read and copied to where it can be taken in from.
"""

import csv
import io
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from app.customers.addresses import load_municipalities
from app.customers.attributes.queries import map_attributes
from app.customers.imports import rehearsal
from app.customers.imports.events import ImportFinished
from app.customers.imports.fields import list_kinds
from app.customers.imports.intake import Destination, Intake, Taken
from app.customers.imports.plan import Options, Plan, make_plan
from app.customers.imports.problems import ImportFileUnreadable
from app.customers.imports.reading import Place
from app.customers.imports.rows import Arrival, Fault, RowReader, Surroundings
from app.customers.models import Tag
from app.customers.queries import list_account_stores
from app.events.service import record
from app.jobs.queue import Work
from app.operations import service as operations
from app.operations.files import PIECE_BYTES
from app.operations.models import Operation
from app.operations.queries import find_piece
from tenants.brands.queries import get_brand
from tenants.ids import encode_id
from tenants.line_accounts.models import LineAccount
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session
from tenants.stores.models import Store

INPUT: Final = "input"
ERRORS: Final = "errors.csv"
BATCH_ROWS: Final = 6_000
BATCH_BYTES: Final = 4_000_000
TURN_SECONDS: Final = 20.0
"""Of one job, before others have their turn."""
MOST_LISTED: Final = 100_000
"""Rows that the file of errors tells of; a file in which more is wrong is the wrong file."""
FIRST_ERRORS: Final = 20


@dataclass
class Progress:
    """How far an import is, and what came of it; kept in the operation's checkpoint."""

    encoding: str = ""
    """As it was found out at the beginning."""
    position: int = 0
    line: int = 0
    rows: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    conflicts: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)

    def add(self, batch: "Batch", taken: Taken, faults: Sequence[Fault]) -> "Progress":
        """What it is after a batch."""
        room = max(0, FIRST_ERRORS - len(self.errors))
        told = [
            {"line": one.line, "column": one.column, "detail": one.en, "detail_ja": one.ja} for one in faults[:room]
        ]
        return Progress(
            encoding=self.encoding,
            position=batch.after.position,
            line=batch.after.line,
            rows=self.rows + batch.rows,
            created=self.created + taken.created,
            changed=self.changed + taken.changed,
            unchanged=self.unchanged + taken.unchanged,
            failed=self.failed + len(faults),
            conflicts=self.conflicts + taken.conflicts,
            errors=[*self.errors, *told],
        )


@dataclass(frozen=True)
class Batch:
    """Rows that are taken in together, those that cannot be, and the place after them."""

    rows: int
    arrivals: list[Arrival]
    faults: list[Fault]
    after: Place


@dataclass(frozen=True)
class _Staged:
    """A batch, and the transaction that will take it in, which has its rows by now."""

    batch: Batch
    session: ScopedSession
    intake: Intake


def run_turn(work: Work, operation_id: UUID) -> bool:
    """Work on an import for a while; whether there is more to do. A second worker at the same one stops."""
    with work.session() as session:
        operation = operations.lock_running(session, operation_id)
        if operation is None:
            return False
        options = Options.of(operation.arguments)
        checkpoint = dict(operation.checkpoint or {})
        if options.is_dry_run:
            # It left nothing to go on from: from the beginning.
            operations.delete_file(session, operation_id, ERRORS)
            operations.report(session, operation, done=0, checkpoint={}, now=work.now)
            checkpoint = {}
    turn = _Turn(work, operation_id, options, Progress(**checkpoint))
    try:
        return turn.rehearse() if options.is_dry_run else turn.run()
    except ImportFileUnreadable as problem:
        turn.fail(problem)
        return False


class _Turn:
    """One job's share of an import."""

    def __init__(self, work: Work, operation_id: UUID, options: Options, progress: Progress) -> None:
        self._work = work
        self._operation_id = operation_id
        self._options = options
        self._progress = progress
        self._tags: dict[str, Tag] = {}

    def run(self) -> bool:
        """Take batches in until the turn is over; whether there is more."""
        until = time.monotonic() + TURN_SECONDS
        plan = self._make_plan()
        reader, destination = self._look_around(plan)
        with ExitStack() as left, closing(_ahead(self._stage(plan, reader, destination, left))) as staged:
            for one in staged:
                with one.session as session:
                    operation = self._lock(session)
                    if operation is None:
                        return False
                    self._note(session, operation, one.batch, one.intake.take(one.batch.arrivals))
                    session.commit()
                if time.monotonic() > until:
                    return True
        self._finish(plan)
        return False

    def rehearse(self) -> bool:
        """Find out what all rows would come to, in a transaction that is rolled back at the end."""
        plan = self._make_plan()
        reader, destination = self._look_around(plan)
        with self._work.session() as stage:
            rehearsal.cover_tables(stage)
            for batch in _ahead(self._batches(plan, reader)):
                intake = Intake(stage, destination, self._work.now, tags=self._tags, is_rehearsal=True)
                taken = intake.take(batch.arrivals)
                with self._work.session() as session:
                    operation = self._lock(session)
                    if operation is None:
                        break
                    self._note(session, operation, batch, taken)
            stage.rollback()
        self._finish(plan)
        return False

    def _make_plan(self) -> Plan:
        known = self._progress.encoding
        plan = make_plan(replace(self._options, encoding=known) if known else self._options, self._pieces)
        self._progress.encoding = plan.encoding
        return plan

    def fail(self, problem: ImportFileUnreadable) -> None:
        """End the import with the reason; what was taken in before stays, and is told."""
        with self._work.session() as session:
            operation = self._lock(session)
            if operation is not None:
                operation.result = self._tell([])
                operations.fail(session, operation, problem, self._work.now)
                operations.delete_file(session, self._operation_id, INPUT)

    def _finish(self, plan: Plan) -> None:
        with self._work.session() as session:
            operation = self._lock(session)
            if operation is None:
                return
            operation.total = operation.done
            operations.finish(session, operation, self._tell(plan.ignored), self._work.now)
            operations.delete_file(session, self._operation_id, INPUT)
            if not self._options.is_dry_run:
                counts = {name: getattr(self._progress, name) for name in _COUNTED}
                record(session, ImportFinished(occurred_at=self._work.now, operation_id=operation.id, **counts))

    def _tell(self, ignored: list[str]) -> dict[str, Any]:
        counts = {name: getattr(self._progress, name) for name in (*_COUNTED, "conflicts")}
        return {
            **counts,
            "dry_run": self._options.is_dry_run,
            "ignored_columns": ignored[:50],
            "errors": self._progress.errors,
        }

    def _lock(self, session: ScopedSession) -> Operation | None:
        """The operation, locked, unless it is over or another worker has come further."""
        operation = operations.lock_running(session, self._operation_id)
        if operation is None or (operation.checkpoint or {}).get("position", 0) != self._progress.position:
            return None
        return operation

    def _note(self, session: ScopedSession, operation: Operation, batch: Batch, taken: Taken) -> None:
        """Write down, with the work itself, how far it is."""
        faults = sorted([*batch.faults, *taken.faults], key=lambda fault: fault.line)
        listed = faults[: max(0, MOST_LISTED - self._progress.failed)]
        if listed:
            content = _write_errors(listed, is_first=self._progress.failed == 0)
            operations.append_file(session, operation, ERRORS, content)
        self._progress = self._progress.add(batch, taken, faults)
        operations.report(
            session, operation, done=self._progress.rows, checkpoint=asdict(self._progress), now=self._work.now
        )

    def _pieces(self, position: int) -> Iterator[bytes]:
        """The bytes of the file from a position on, each piece read in a transaction of its own."""
        no, skipped = divmod(position, PIECE_BYTES)
        while True:
            with self._work.session() as session:
                piece = find_piece(session, self._operation_id, INPUT, no)
            if piece is None:
                return
            yield piece[skipped:]
            no, skipped = no + 1, 0

    def _stage(self, plan: Plan, reader: RowReader, destination: Destination, left: ExitStack) -> Iterator[_Staged]:
        """The batches, each with its transaction begun; those that nobody commits end with `left`."""
        for batch in self._batches(plan, reader):
            session = left.enter_context(open_session(self._work.engine, Scope(self._work.brand_id)))
            # Not waited for: where Postgres dies, a batch goes with its place in the file, and is taken in again.
            session.connection().exec_driver_sql("SET LOCAL synchronous_commit = off")
            intake = Intake(session, destination, self._work.now, tags=self._tags)
            intake.copy_ahead(batch.arrivals)
            yield _Staged(batch, session, intake)

    def _batches(self, plan: Plan, reader: RowReader) -> Iterator[Batch]:
        begin = Place(self._progress.position, self._progress.line)
        rows, arrivals, faults = 0, list[Arrival](), list[Fault]()
        for row, after in plan.rows(self._pieces, begin):
            found = reader.read_cells(row) if plan.format == "csv" else reader.read_object(row)
            rows += 1
            if isinstance(found, Arrival):
                arrivals.append(found)
            else:
                faults.append(found)
            if rows >= BATCH_ROWS or after.position - begin.position >= BATCH_BYTES:
                yield Batch(rows, arrivals, faults, after)
                begin, rows, arrivals, faults = after, 0, [], []
        if rows:
            yield Batch(rows, arrivals, faults, after)

    def _look_around(self, plan: Plan) -> tuple[RowReader, Destination]:
        """What rows may name, and where they go."""
        options = self._options
        with self._work.session() as session:
            brand = get_brand(session, self._work.brand_id)
            every = session.exec(select(Store)).all()
            stores = [store for store in every if store.archived_at is None]
            account = None
            if options.line_account_id is not None:
                account = session.exec(select(LineAccount).where(col(LineAccount.id) == options.line_account_id)).one()
            around = Surroundings(
                stores=_names_of(stores),
                closed_stores=_names_of([store for store in every if store.archived_at is not None]),
                attributes=map_attributes(session),
                municipalities=load_municipalities(session),
                has_account=account is not None,
            )
            destination = Destination(
                account=account,
                account_stores=tuple(list_account_stores(session, account.id)) if account else (),
                may_join=brand.joining_basis is not None,
                store=next((store for store in stores if store.id == options.store_id), None),
                tag=options.tag,
                id_heading=plan.heading_of("noren_id") or "id",
            )
        return RowReader(list_kinds(ZoneInfo(brand.timezone)), around, plan.columns, plan.headings), destination


_Item = TypeVar("_Item")


def _ahead(items: Iterator[_Item]) -> Generator[_Item]:
    """The same items, each made by another thread while the one before it is in use."""
    with ThreadPoolExecutor(1, "import-reader") as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item


_COUNTED: Final = ("rows", "created", "changed", "unchanged", "failed")


def _names_of(stores: Sequence[Store]) -> Mapping[str, Store]:
    """Stores by what a file may call them: the id, the code, or the name where only one has it."""
    by_name: dict[str, list[Store]] = {}
    for store in stores:
        by_name.setdefault(store.name, []).append(store)
    named = {name: found[0] for name, found in by_name.items() if len(found) == 1}
    named |= {store.code: store for store in stores}
    return named | {encode_id("store", store.id): store for store in stores}


def _write_errors(faults: Sequence[Fault], *, is_first: bool) -> bytes:
    """Lines of the file of errors; its beginning has a BOM, by which Excel knows UTF-8."""
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    if is_first:
        sheet.write("\ufeff")
        writer.writerow(["line", "column", "reason", "reason_ja"])
    for one in faults:
        column = f"'{one.column}" if one.column[:1] in "=+-@" and one.column else one.column
        writer.writerow([one.line, column, one.en, one.ja])
    return sheet.getvalue().encode()

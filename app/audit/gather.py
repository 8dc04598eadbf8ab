"""What this process has seen and not written yet: who read whose data, who was refused, and when credentials were used.

Reads would double the writes of a busy service if each were a transaction of its own, so they are written together,
each second and when the process ends. An answer that names people leaves only once its entry is in here; with no room
left the caller waits, and in the end is refused: the log is never silently short. What a `kill -9` takes is the last
second's reads and the last minute's refusals.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.audit.service import Seen
from app.audit.writing import add_rows
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session

log = structlog.get_logger("audit")

FLUSH_SECONDS = 1.0
FLUSH_ENTRIES = 500
REFUSALS_SECONDS = 60.0
MOST_WAITING = 20_000
"""Entries of reads that wait to be written before further answers wait."""
MOST_REFUSALS = 1_000
"""Different refusals that are told apart between two writings of them; the rest is only counted."""
PATIENCE_SECONDS = 5.0
"""How long the end of the process waits for a database that is away."""

LOST = Counter("noren_audit_lost_total", "Entries of the audit log that could not be written, by kind.", ["kind"])

Use = tuple[datetime, str | None]
"""When and from where a credential was used."""
RefusalKey = tuple[UUID, str, UUID | None, str, int | None, str | None]


@dataclass
class Batch:
    """What one brand has to be written."""

    entries: list[Seen] = field(default_factory=list)
    uses: dict[UUID, Use] = field(default_factory=dict)
    """By credential."""


class Gatherer:
    """The buffer of one process, and the thread that empties it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lock = Lock()
        self._flushing = Lock()
        self._wake = Event()
        self._ending = False
        self._reads: deque[Seen] = deque()
        self._refusals: dict[RefusalKey, Seen] = {}
        self._refusals_since = monotonic()
        self._uses: dict[tuple[UUID, UUID], Use] = {}
        self._thread = Thread(target=self._run, name="audit", daemon=True)

    def start(self) -> None:
        """Begin to write each second."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is left; called once, when no request runs any more."""
        self._ending = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(PATIENCE_SECONDS + 5)
        deadline = monotonic() + PATIENCE_SECONDS
        while not self.flush(everything=True) and monotonic() < deadline:
            self._wake.clear()
            self._wake.wait(0.2)
        left = len(self._reads)
        if left:
            LOST.labels("read").inc(left)
            log.error("audit_reads_lost", entries=left)
        self.engine.dispose()

    def has_room(self) -> bool:
        """Whether another read can be taken."""
        return len(self._reads) < MOST_WAITING

    def add_read(self, entry: Seen) -> None:
        """Take the entry of an answer that names people."""
        with self._lock:
            self._reads.append(entry)
            enough = len(self._reads) >= FLUSH_ENTRIES
        if enough:
            self._wake.set()

    def add_refusal(self, entry: Seen) -> None:
        """Take a refusal; those of one caller, operation, status and address within a minute become one entry."""
        actor = entry.actor
        key = (entry.brand_id, actor.kind, actor.id, entry.action, entry.status, actor.address)
        with self._lock:
            known = self._refusals.get(key)
            if known is not None:
                known.times += 1
            elif len(self._refusals) < MOST_REFUSALS:
                self._refusals[key] = entry
            else:
                LOST.labels("refused").inc()

    def add_use(self, brand_id: UUID, credential_id: UUID, at: datetime, address: str | None) -> None:
        """Note that a credential was used; only the last use of each is written."""
        with self._lock:
            self._uses[brand_id, credential_id] = (at, address)

    def flush(self, *, everything: bool = False) -> bool:
        """Write what waits, brand by brand; `everything` includes refusals that may still grow.

        Answers whether nothing was left for want of a database.
        """
        with self._flushing:
            batches = self._take(everything)
            done = True
            for brand_id, batch in batches.items():
                try:
                    write(self.engine, brand_id, batch)
                except (OperationalError, InterfaceError, PoolTimeout) as error:
                    done = False
                    self._put_back(brand_id, batch)
                    log.warning("audit_waits_for_database", error=type(error).__name__)
                except DBAPIError:  # not to be mended by trying again, and other brands must not wait for it
                    LOST.labels("read").inc(len(batch.entries))
                    log.exception("audit_entries_lost", brand=str(brand_id), entries=len(batch.entries))
            return done

    def _take(self, everything: bool) -> dict[UUID, Batch]:
        with self._lock:
            entries: list[Seen] = list(self._reads)
            self._reads.clear()
            if everything or monotonic() - self._refusals_since >= REFUSALS_SECONDS:
                entries += self._refusals.values()
                self._refusals.clear()
                self._refusals_since = monotonic()
            uses, self._uses = self._uses, {}
        batches: dict[UUID, Batch] = {}
        for entry in entries:
            batches.setdefault(entry.brand_id, Batch()).entries.append(entry)
        for (brand_id, credential_id), use in uses.items():
            batches.setdefault(brand_id, Batch()).uses[credential_id] = use
        return batches

    def _put_back(self, brand_id: UUID, batch: Batch) -> None:
        with self._lock:
            self._reads.extendleft(reversed(batch.entries))
            for credential_id, use in batch.uses.items():
                self._uses.setdefault((brand_id, credential_id), use)

    def _run(self) -> None:
        while not self._ending:
            self._wake.wait(FLUSH_SECONDS)
            self._wake.clear()
            try:
                done = self.flush()
            except Exception:  # the thread must outlive a bug in one turn, or every later read would wait for nobody
                log.exception("audit_flush_failed")
                done = False
            if not done:
                self._wake.wait(FLUSH_SECONDS)


def write(engine: Engine, brand_id: UUID, batch: Batch) -> None:
    """Write a brand's batch, in transactions of a few hundred entries. Of a brand that is gone nothing is written."""
    for entries in _cut(batch.entries, FLUSH_ENTRIES):
        with open_session(engine, Scope(brand_id)) as session:
            if not _hold_brand(session):
                return
            rows = [entry.to_row() for entry in entries]
            add_rows(session, [row for row in rows if _is_told(row)])
            session.commit()
        # What is written is not written again when a later transaction of the batch fails.
        del batch.entries[: len(entries)]
    if batch.uses:
        # In one order, so that two processes never wait for each other.
        uses = [
            {"brand_id": brand_id, "credential_id": credential_id, "last_used_at": at, "last_used_from": address}
            for credential_id, (at, address) in sorted(batch.uses.items())
        ]
        with open_session(engine, Scope(brand_id)) as session:
            if _hold_brand(session):
                session.connection().execute(_USE, uses)
                session.commit()


def _is_told(row: dict[str, Any]) -> bool:
    """Whether an entry says something: a read that named nobody after all does not, but for the operator's support."""
    return bool(row["customer_ids"]) or row["kind"] == "refused" or row["caller_kind"] == "support"


def _hold_brand(session: ScopedSession) -> bool:
    """Whether the brand is still there, and if so keep it until the commit: nothing is written for a deleted one."""
    session.execute(text("SET LOCAL lock_timeout = '1s'"))  # or one brand's long change would hold up all others
    return session.execute(_HOLD_BRAND, {"brand_id": session.scope.brand_id}).first() is not None


def _cut(entries: Sequence[Seen], size: int) -> Iterator[Sequence[Seen]]:
    whole = list(entries)
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


_HOLD_BRAND = text("SELECT 1 FROM brand WHERE id = :brand_id FOR KEY SHARE")
_USE = text(
    "INSERT INTO credential_use (brand_id, credential_id, last_used_at, last_used_from)"
    " VALUES (:brand_id, :credential_id, :last_used_at, :last_used_from)"
    " ON CONFLICT (brand_id, credential_id) DO UPDATE"
    " SET last_used_at = excluded.last_used_at, last_used_from = excluded.last_used_from"
    " WHERE credential_use.last_used_at < excluded.last_used_at"
)

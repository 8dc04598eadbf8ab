"""The chain over a brand's audit log: sealing what is new, and proving that nothing sealed has changed since.

A seal's hash is SHA-256 over the seal before it, its own number and instant, and every column of each entry it seals,
written as one line of JSON (keys sorted, no spaces, UTF-8). What is missing when it is sealed is sealed as missing.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, insert, text
from sqlmodel import col, delete, select

from app.audit.models import AuditEntry, AuditPending, AuditSeal
from app.audit.queries import find_last_seal, find_seal
from app.schemas import write_instant
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session

MOST_SEALED = 1_000
"""Entries under one seal."""
GRACE = timedelta(minutes=1)
"""How long an entry may wait for its seal before that is told."""
GENESIS = bytes(32)
"""What the first seal's hash follows."""

_ENTRIES = AuditEntry.__table__  # type: ignore[attr-defined]
_SEALS = AuditSeal.__table__  # type: ignore[attr-defined]


def seal_all(engine: Engine, brand_id: UUID, now: datetime) -> int:
    """Seal what waits in a brand, a transaction for each seal; how many entries were sealed."""
    sealed = 0
    while True:
        with open_session(engine, Scope(brand_id)) as session:
            count = seal(session, now)
            session.commit()
        sealed += count
        if count < MOST_SEALED:
            return sealed


def seal(session: ScopedSession, now: datetime) -> int:
    """Add one seal over the oldest entries that wait; how many. 0 too while another worker seals this brand."""
    lock = "SELECT pg_try_advisory_xact_lock(hashtextextended('audit:' || :brand_id, 0))"
    if not session.execute(text(lock), {"brand_id": str(session.scope.brand_id)}).scalar_one():
        return 0
    waiting = select(AuditPending.entry_id).order_by(col(AuditPending.entry_id)).limit(MOST_SEALED)
    ids = session.exec(waiting).all()
    if not ids:
        return 0
    last = find_last_seal(session)
    no, previous = (last.no + 1, last.hash) if last else (1, GENESIS)
    hash_ = hash_of(previous, no, now, lines_of(ids, _read_entries(session, ids)))
    session.connection().execute(
        insert(_SEALS).values(brand_id=session.scope.brand_id, no=no, sealed_at=now, entry_ids=list(ids), hash=hash_)
    )
    session.exec(delete(AuditPending).where(col(AuditPending.entry_id).in_(ids)))
    return len(ids)


def hash_of(previous: bytes, no: int, sealed_at: datetime, lines: Iterable[bytes]) -> bytes:
    """The hash of a seal."""
    digest = sha256(previous)
    digest.update(f"\n{no} {write_instant(sealed_at)}\n".encode())
    for line in lines:
        digest.update(line)
        digest.update(b"\n")
    return digest.digest()


def lines_of(ids: Sequence[UUID], entries: Mapping[UUID, Mapping[str, Any]]) -> Iterator[bytes]:
    """What is hashed of each entry, in this order."""
    for one in ids:
        entry = entries.get(one)
        yield f"{one} is missing".encode() if entry is None else canonical(entry)


def canonical(entry: Mapping[str, Any]) -> bytes:
    """Every column of an entry as one line of JSON."""
    written = json.dumps(dict(entry), default=_write, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return written.encode("utf-8", "surrogatepass")


def _write(value: object) -> str:
    return write_instant(value) if isinstance(value, datetime) else str(value)


def _read_entries(session: ScopedSession, ids: Sequence[UUID]) -> dict[UUID, Mapping[str, Any]]:
    """Entries as they stand in the database; by the table and not by the class, which would fill in what is gone."""
    wanted = select(_ENTRIES).where(_ENTRIES.c.brand_id == session.scope.brand_id, _ENTRIES.c.id.in_(list(ids)))
    return {row["id"]: dict(row) for row in session.connection().execute(wanted).mappings()}


@dataclass(frozen=True)
class Head:
    """The end of a chain, to be kept where whoever could change the database cannot: `<no>:<hash in hex>`."""

    no: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.no}:{self.hash.hex()}"

    @classmethod
    def read(cls, written: str) -> "Head":
        """The head that was written so. Raises ValueError."""
        no, _, digits = written.partition(":")
        head = cls(int(no), bytes.fromhex(digits))
        if head.no < 1 or len(head.hash) != 32:
            raise ValueError("is not a head as `noren audit head` prints it")
        return head


@dataclass
class Verdict:
    """What verifying a brand's log found."""

    entries: int = 0
    """Entries that are sealed and stand as they were."""
    waiting: int = 0
    """Entries that are not sealed yet."""
    overdue: int = 0
    """Of these, those that have waited for more than a minute: is a worker running?"""
    head: Head | None = None
    breaches: list[str] = field(default_factory=list)
    """What was changed, in words; empty if nothing was."""


def find_head(session: ScopedSession) -> Head | None:
    """The end of the brand's chain as it stands, without verifying it."""
    last = find_last_seal(session)
    return Head(last.no, last.hash) if last else None


def verify(session: ScopedSession, now: datetime, anchor: Head | None = None) -> Verdict:
    """Recompute the brand's chain from its beginning, and look for entries outside of it.

    `anchor` is a head that was kept elsewhere: without one nobody can tell that the end of the chain, entries and all,
    was cut off. Give it a session that sees one instant (REPEATABLE READ), or what is written meanwhile looks wrong.
    """
    verdict = Verdict()
    previous, expected = GENESIS, 1
    for row in _list_seals(session):
        no, ids = row["no"], list(row["entry_ids"])
        if no != expected:
            verdict.breaches.append(f"seal {expected} is missing" if no > expected else f"seal {no} is out of place")
        entries = _read_entries(session, ids)
        if hash_of(previous, no, row["sealed_at"], lines_of(ids, entries)) != row["hash"]:
            gone = [str(one) for one in ids if one not in entries]
            what = f"entry {gone[0]} is missing" if gone else "an entry or the seal itself was changed"
            verdict.breaches.append(f"seal {no} does not hold: {what}")
        elif len(entries) < len(ids):
            verdict.breaches.append(f"seal {no} was made when entries were missing already")
        else:
            verdict.entries += len(ids)
        previous, expected = row["hash"], no + 1
        verdict.head = Head(no, row["hash"])
    _look_outside(session, verdict, now)
    if anchor is not None:
        kept = find_seal(session, anchor.no)
        if kept is None or kept.hash != anchor.hash:
            verdict.breaches.append(f"the chain does not hold seal {anchor.no} as it was kept elsewhere")
    return verdict


def _list_seals(session: ScopedSession) -> Iterator[Mapping[str, Any]]:
    """Every seal, a few at a time."""
    done = -(2**63)
    while True:
        chosen = select(_SEALS).where(_SEALS.c.brand_id == session.scope.brand_id, _SEALS.c.no > done)
        rows = session.connection().execute(chosen.order_by(_SEALS.c.no).limit(100)).mappings().all()
        yield from (dict(row) for row in rows)
        if len(rows) < 100:
            return
        done = rows[-1]["no"]


def _look_outside(session: ScopedSession, verdict: Verdict, now: datetime) -> None:
    """Entries that no seal holds: they wait for one, or nobody of ours wrote them."""
    values = {"brand_id": session.scope.brand_id, "overdue": now - GRACE}
    found = session.execute(_OUTSIDE, values).one()
    verdict.waiting, verdict.overdue = found.waiting, found.overdue
    verdict.breaches += [f"entry {one} stands in no seal and waits for none" for one in found.strange or ()]
    verdict.breaches += [f"entry {one} waits for its seal and is missing" for one in found.missing or ()]


_OUTSIDE = text(
    """
    WITH sealed AS MATERIALIZED (SELECT unnest(entry_ids) AS id FROM audit_seal WHERE brand_id = :brand_id),
    pending AS MATERIALIZED (SELECT entry_id AS id FROM audit_pending WHERE brand_id = :brand_id),
    entry AS (
      SELECT id, at, EXISTS (SELECT FROM pending WHERE pending.id = audit_entry.id) AS waits
      FROM audit_entry
      WHERE brand_id = :brand_id AND NOT EXISTS (SELECT FROM sealed WHERE sealed.id = audit_entry.id)
    )
    SELECT
      (SELECT count(*) FROM entry WHERE waits) AS waiting,
      (SELECT count(*) FROM entry WHERE waits AND at < :overdue) AS overdue,
      (SELECT array_agg(id) FROM (SELECT id FROM entry WHERE NOT waits ORDER BY id LIMIT 20) AS strange) AS strange,
      (SELECT array_agg(id) FROM (
        SELECT id FROM pending WHERE NOT EXISTS (
          SELECT FROM audit_entry WHERE audit_entry.brand_id = :brand_id AND audit_entry.id = pending.id
        ) ORDER BY id LIMIT 20
      ) AS missing) AS missing
    """
)

"""The chain finds whatever was edited, removed, slipped in or put elsewhere after it was sealed."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, bindparam, delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB

from app.audit import chain
from app.audit.models import AuditEntry, AuditSeal
from app.audit.service import Actor, Deed, Thing, new_entry
from app.audit.writing import add_rows, row_of
from tenants.ids import uuid7
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session
from tests.conftest import BrandHome

NOW = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)
ENTRIES: Any = AuditEntry.__table__  # type: ignore[attr-defined]
SEALS: Any = AuditSeal.__table__  # type: ignore[attr-defined]


def write_entries(session: ScopedSession, count: int) -> list[UUID]:
    """Entries in which every column holds something."""
    entries = []
    for number in range(count):
        actor = Actor("staff", uuid7(), f"店長{number}", f"req_{number}", "192.0.2.1")
        deed = Deed("change_store", Thing("store", uuid7()), 200, [uuid7(), uuid7()])
        entry = new_entry(session.scope.brand_id, "change", actor, deed, NOW + timedelta(seconds=number))
        entry.changes = [{"table": "store", "key": {"id": "1"}, "before": {"name": "一"}, "after": {"name": "二"}}]
        entries.append(entry)
    add_rows(session, [row_of(entry) for entry in entries])
    return [entry.id for entry in entries]


@pytest.fixture
def log(admin: Connection) -> ScopedSession:
    """A sealed log of twelve entries under four seals, as a superuser reaches it, and nobody else yet."""
    session = open_session(admin, Scope(uuid7()), join_transaction_mode="create_savepoint")
    for _ in range(4):
        write_entries(session, 3)
        assert chain.seal(session, NOW) == 3
    return session


def test_an_untouched_log_holds(log: ScopedSession) -> None:
    verdict = chain.verify(log, NOW)
    assert (verdict.breaches, verdict.entries, verdict.waiting) == ([], 12, 0)
    assert verdict.head == chain.find_head(log)
    assert verdict.head is not None
    assert verdict.head.no == 4


def other(value: Any, chance: random.Random) -> Any:
    """A value of the same type that differs."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + chance.choice([-1, 1, 7])
    if isinstance(value, str):
        return chance.choice([value + "x", value[:-1], value.swapcase() + " ", ""][: 4 if value else 1])
    if isinstance(value, datetime):
        return value + timedelta(microseconds=chance.choice([-1, 1, 3_600_000_000]))
    if isinstance(value, UUID):
        return UUID(int=value.int ^ (1 << chance.randrange(128)))
    if isinstance(value, bytes):
        at = chance.randrange(len(value))
        return value[:at] + bytes([value[at] ^ (1 << chance.randrange(8))]) + value[at + 1 :]
    if isinstance(value, list) and isinstance(value[0], UUID):
        return chance.choice([value[1:], value[::-1], [*value, uuid7()], [value[0]]])
    if isinstance(value, list):
        return chance.choice([[], [{**value[0], "after": {"name": "三"}}], [*value, {"more": 1}], None])
    raise AssertionError(value)


def edit_entry(connection: Connection, brand_id: UUID, chance: random.Random) -> str:
    row = pick(connection, ENTRIES, brand_id, chance)
    name = chance.choice(list(ENTRIES.c.keys()))
    value = bindparam(None, other(row[name], chance), JSONB) if name == "changes" else other(row[name], chance)
    connection.execute(update(ENTRIES).where(ENTRIES.c.id == row["id"]).values({name: value}))
    return f"entry.{name}"


def edit_seal(connection: Connection, brand_id: UUID, chance: random.Random) -> str:
    row = pick(connection, SEALS, brand_id, chance)
    name = chance.choice(list(SEALS.c.keys()))
    # A number that is taken cannot be taken again.
    value = chance.choice([0, -3, 99]) if name == "no" else other(row[name], chance)
    mine = (SEALS.c.brand_id == brand_id) & (SEALS.c.no == row["no"])
    connection.execute(update(SEALS).where(mine).values({name: value}))
    return f"seal.{name}"


def remove_entry(connection: Connection, brand_id: UUID, chance: random.Random) -> str:
    row = pick(connection, ENTRIES, brand_id, chance)
    connection.execute(delete(ENTRIES).where(ENTRIES.c.id == row["id"]))
    return "entry removed"


def remove_seal(connection: Connection, brand_id: UUID, chance: random.Random) -> str:
    row = pick(connection, SEALS, brand_id, chance)
    connection.execute(delete(SEALS).where((SEALS.c.brand_id == brand_id) & (SEALS.c.no == row["no"])))
    return "seal removed"


def remove_seal_with_entries(connection: Connection, brand_id: UUID, chance: random.Random) -> str:
    """From anywhere but the end, where only a head kept elsewhere tells it."""
    rows = [row for row in read_all(connection, SEALS, brand_id) if row["no"] < 4]
    row = chance.choice(rows)
    connection.execute(delete(SEALS).where((SEALS.c.brand_id == brand_id) & (SEALS.c.no == row["no"])))
    connection.execute(delete(ENTRIES).where(ENTRIES.c.id.in_(row["entry_ids"])))
    return "seal removed with its entries"


def slip_in(connection: Connection, brand_id: UUID, chance: random.Random) -> str:
    row = pick(connection, ENTRIES, brand_id, chance)
    connection.execute(insert(ENTRIES).values({**row, "id": uuid7()}))
    return "entry slipped in"


def swap(connection: Connection, brand_id: UUID, chance: random.Random) -> str:
    """Two entries change places."""
    one, two = chance.sample(read_all(connection, ENTRIES, brand_id), 2)
    connection.execute(delete(ENTRIES).where(ENTRIES.c.id.in_([one["id"], two["id"]])))
    connection.execute(insert(ENTRIES).values([{**one, "id": two["id"]}, {**two, "id": one["id"]}]))
    return "entries swapped"


def read_all(connection: Connection, table: Any, brand_id: UUID) -> list[dict[str, Any]]:
    rows = connection.execute(select(table).where(table.c.brand_id == brand_id)).mappings()
    return [dict(row) for row in rows]


def pick(connection: Connection, table: Any, brand_id: UUID, chance: random.Random) -> dict[str, Any]:
    return chance.choice(read_all(connection, table, brand_id))


Tampering = Callable[[Connection, UUID, random.Random], str]
EDITS: list[Tampering] = [edit_entry, edit_entry, edit_entry, edit_seal]
TAMPERINGS: list[Tampering] = [
    *EDITS,
    remove_entry,
    remove_seal,
    remove_seal_with_entries,
    slip_in,
    swap,
]


@pytest.mark.slow(seconds=25)
def test_a_thousand_tamperings_are_all_found(log: ScopedSession, admin: Connection) -> None:
    chance = random.Random(1)
    missed, done = [], set()
    for _ in range(1_000):
        attempt = admin.begin_nested()
        what = chance.choice(TAMPERINGS)(admin, log.scope.brand_id, chance)
        if not chain.verify(log, NOW).breaches:
            missed.append(what)
        done.add(what)
        attempt.rollback()
    assert missed == []
    assert len(done) == len(ENTRIES.c) + len(SEALS.c) + len(TAMPERINGS) - len(EDITS)
    assert chain.verify(log, NOW).breaches == []


def test_a_cut_off_end_is_found_with_a_head_that_was_kept(log: ScopedSession, admin: Connection) -> None:
    kept = chain.find_head(log)
    assert kept is not None
    last = max(read_all(admin, SEALS, log.scope.brand_id), key=lambda row: int(row["no"]))
    admin.execute(delete(SEALS).where((SEALS.c.brand_id == log.scope.brand_id) & (SEALS.c.no == last["no"])))
    admin.execute(delete(ENTRIES).where(ENTRIES.c.id.in_(last["entry_ids"])))
    assert chain.verify(log, NOW).breaches == []
    assert chain.verify(log, NOW, kept).breaches == ["the chain does not hold seal 4 as it was kept elsewhere"]


def test_a_head_is_read_as_it_is_written(log: ScopedSession) -> None:
    head = chain.find_head(log)
    assert chain.Head.read(str(head)) == head
    for wrong in ("", "6", "6:zz", f"0:{'00' * 32}", "6:00"):
        with pytest.raises(ValueError, match=r"."):
            chain.Head.read(wrong)


def test_what_waits_for_its_seal_is_no_breach(log: ScopedSession) -> None:
    write_entries(log, 2)
    verdict = chain.verify(log, NOW + timedelta(seconds=30))
    assert (verdict.breaches, verdict.waiting, verdict.overdue) == ([], 2, 0)
    late = chain.verify(log, NOW + timedelta(minutes=5))
    assert (late.breaches, late.overdue) == ([], 2)


def test_what_goes_before_it_is_sealed_is_sealed_as_missing(log: ScopedSession, admin: Connection) -> None:
    first, _ = write_entries(log, 2)
    admin.execute(delete(ENTRIES).where(ENTRIES.c.id == first))
    assert chain.verify(log, NOW).breaches == [f"entry {first} waits for its seal and is missing"]
    chain.seal(log, NOW)
    assert chain.verify(log, NOW).breaches == ["seal 5 was made when entries were missing already"]


def test_two_workers_seal_each_entry_once(home: BrandHome, engine: Engine) -> None:
    with home.open() as session:
        ids = write_entries(session, 2_500)
        session.commit()
    with ThreadPoolExecutor(8) as workers:
        turns = [workers.submit(chain.seal_all, engine, home.scope.brand_id, NOW) for _ in range(16)]
        assert sum(turn.result() for turn in turns) == 2_500
    with home.open() as session:
        sealed = [one for row in read_all(session.connection(), SEALS, home.scope.brand_id) for one in row["entry_ids"]]
        assert sorted(sealed) == sorted(ids)
        assert session.execute(text("SELECT count(*) FROM audit_pending")).scalar_one() == 0
        assert chain.verify(session, NOW).breaches == []


def test_a_brand_is_sealed_only_while_nobody_else_seals_it(home: BrandHome) -> None:
    with home.open() as session:
        write_entries(session, 1)
        session.commit()
    with home.open() as first, home.open() as second:
        assert chain.seal(first, NOW) == 1
        assert chain.seal(second, NOW) == 0
        second.rollback()
        first.commit()
        assert chain.seal(second, NOW) == 0


def test_every_column_of_an_entry_is_hashed(log: ScopedSession) -> None:
    (row,) = read_all(log.connection(), ENTRIES, log.scope.brand_id)[:1]
    line = chain.canonical(row).decode()
    assert all(f'"{name}":' in line for name in ENTRIES.c.keys())  # noqa: SIM118 - columns, not a dictionary

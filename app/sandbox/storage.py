"""What survives a restart, beside the file named FILE:

- `FILE`: a snapshot, lines that lead from an empty world to the one it was taken of (saved/changes.py),
- `FILE.changes.N`: what happened since, in the same lines, only ever appended,
- `FILE.calls`: every call that LINE accepted, one line each, only ever appended,
- `FILE.contents`: bytes that people sent (contents/).

Every second what is new is appended, a few milliseconds' worth at a time, so that the event loop never waits for
saving: measured with a million people, 25 ms at most. A `kill -9` loses at most two seconds. A line that is torn at
the end of a file is dropped.

When the changes have grown larger than the snapshot, a new one is written beside everything else: a new file of
changes is begun, then the world, which goes on changing, is written piece by piece to `FILE.new`, which takes the
place of `FILE` when it is whole. Whatever changed meanwhile is in the new changes too, and a change that is read twice
does no harm. Until then snapshot and changes of before are kept, so that a kill at any moment leaves a world.

Retry keys, inboxes and the quota used are read back from the calls. Faults, chaos, scenario, clock and settings start
anew, as do reply tokens, sign-ins, and webhooks that were under way.
"""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import orjson

from app.sandbox.clock import month_of
from app.sandbox.ledger import PAID, AcceptedCall, Kind
from app.sandbox.saved import version2
from app.sandbox.saved.changes import Reading
from app.sandbox.saved.writing import Overtaken, Written, list_calls, list_changes, list_everything
from app.sandbox.state import Sandbox

SAVE_SECONDS = 1.0
VERSION = 3
_SMALL_BYTES = 16_000_000
"""Changes up to this size are no reason for a new snapshot."""
_MESSAGES_IN_CALL = 5
_WRITE_BYTES = 1_000_000
_CLEAR = b'["clear"]\n'
_END = orjson.dumps(["end"], option=orjson.OPT_APPEND_NEWLINE)
_Piece = TypeVar("_Piece")


class BrokenStateFile(Exception):
    """The file is not a saved world of this version."""


@dataclass(slots=True)
class Store:
    """Where a sandbox is saved, and how far that has come."""

    file: Path
    generation: int = 0
    """The number of the file that changes go to."""
    snapshot_bytes: int = 0
    changes_bytes: int = 0
    """Of all changes since the snapshot."""
    calls_saved: int = 0
    resets: int = 0
    written: Written = field(default_factory=Written)
    last_pause_seconds: float = 0.0
    longest_pause_seconds: float = 0.0
    """The longest that saving has kept the event loop, in processor time: what else this machine does is not ours."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    ending: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def calls_file(self) -> Path:
        return self.beside("calls")

    @property
    def changes_file(self) -> Path:
        return self.beside(f"changes.{self.generation}")

    def beside(self, name: str) -> Path:
        return self.file.with_name(f"{self.file.name}.{name}")

    def list_changes_files(self) -> list[tuple[int, Path]]:
        """All files of changes, oldest first."""
        files = self.file.parent.glob(f"{self.file.name}.changes.*")
        return sorted((int(path.suffix[1:]), path) for path in files if path.suffix[1:].isdigit())


def load(sandbox: Sandbox, file: Path) -> Store:
    """Read what was saved, if anything was, and note from now on what changes. Raises BrokenStateFile."""
    store = Store(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    gc.disable()  # Millions of strings are made and none is thrown away: collecting only costs.
    try:
        if file.exists():
            _read(sandbox, store)
        else:
            _begin(store)
    except (KeyError, TypeError, IndexError, ValueError) as broken:
        raise BrokenStateFile(f"{file} is not a saved world; delete it to start anew") from broken
    finally:
        gc.enable()
    gc.freeze()  # What is there stays: no later collection has to look at it.
    store.snapshot_bytes = file.stat().st_size
    sandbox.contents.open(store.beside("contents"))
    sandbox.world.changes.kept = True
    return store


def _begin(store: Store) -> None:
    for path in (store.calls_file, store.beside("contents"), *(path for _, path in store.list_changes_files())):
        path.unlink(missing_ok=True)
    store.file.write_bytes(_header(0) + _END)


def _read(sandbox: Sandbox, store: Store) -> None:
    reading = Reading(sandbox)
    with store.file.open("rb") as lines:
        head = orjson.loads(lines.readline())
        if head["version"] not in (version2.VERSION, VERSION):
            raise BrokenStateFile(f"{store.file} was saved by another version; delete it to start anew")
        store.generation = head.get("generation", 0)
        for number, path in store.list_changes_files():
            if number < store.generation:
                path.unlink()  # Already in the snapshot.
            else:
                reading.clears_left += _count_clears(path)
        if head["version"] == VERSION:
            _read_snapshot(reading, lines)
        else:
            version2.apply(reading, head)
    for number, path in store.list_changes_files():
        store.generation = number
        store.changes_bytes += _read_lines(path, reading.apply)
    reading.finish()
    if store.calls_file.exists():
        _read_lines(store.calls_file, lambda row: _count_in(reading, _call(row)))
    store.calls_saved = len(sandbox.ledger)
    if max(reading.calls_counted.values(), default=0) <= store.calls_saved:
        # All is as it is written; otherwise the next save tells again which calls are counted.
        for _ in list_changes(sandbox, store.written):
            pass


def _read_snapshot(reading: Reading, lines: BinaryIO) -> None:
    for line in lines:
        change = orjson.loads(line)
        if change == ["end"]:
            return
        reading.apply(change)
    raise ValueError("the snapshot has no end")


def _count_clears(path: Path) -> int:
    """How often a file of changes says that everybody was forgotten."""
    clears: list[Any] = []
    if _CLEAR in path.read_bytes():
        _read_lines(path, lambda change: clears.append(change) if change == ["clear"] else None)
    return len(clears)


def _read_lines(path: Path, apply: Callable[[Any], None]) -> int:
    """Apply each line; cut off what a kill left torn at the end. How many bytes were whole."""
    whole = 0
    with path.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                break
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError:
                break
            apply(value)
            whole += len(line)
    os.truncate(path, whole)
    return whole


def _count_in(reading: Reading, call: AcceptedCall) -> None:
    sandbox = reading.sandbox
    sandbox.ledger.count_call(call.at)
    sandbox.ledger.append(call)
    sandbox.next_message_no = max(sandbox.next_message_no, call.first_message_no + _MESSAGES_IN_CALL)
    if len(sandbox.ledger) > reading.calls_counted.get(call.channel_no, 0) and call.kind in PAID:
        used = sandbox.world.channels_by_no[call.channel_no].used
        month = month_of(call.clock_at)
        used[month] = used.get(month, 0) + len(call.people)


def _call(row: dict[str, Any]) -> AcceptedCall:
    retry_key = row["retry_key"]
    ours = {
        "kind": Kind(row["kind"]),
        "request_id": bytes.fromhex(row["request_id"]),
        "retry_key": bytes.fromhex(retry_key) if retry_key else None,
        "messages": orjson.dumps(row["messages"]),
    }
    return AcceptedCall(**{**row, **ours})


def save(sandbox: Sandbox, store: Store) -> None:
    """Write what has changed since the last time, at once. For the end, when nobody waits any more."""
    for path, piece in _list_news(sandbox, store):
        _append(store, path, piece)
    if store.changes_bytes > 0 and store.snapshot_bytes + store.changes_bytes <= 2 * _SMALL_BYTES:
        before, store.generation = store.generation, store.generation + 1
        fresh = store.beside("new")
        with fresh.open("wb") as file:
            file.writelines(_list_snapshot(sandbox, store))
        _put_in_place(store, fresh, before)


async def save_until_end(sandbox: Sandbox, store: Store) -> None:
    """Save every second, and sum up when it is time, until `store.ending`; then save once more."""
    while not store.ending.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(store.ending.wait(), SAVE_SECONDS)
        try:
            await save_now(sandbox, store)
            if store.changes_bytes > max(_SMALL_BYTES, store.snapshot_bytes):
                await sum_up(sandbox, store)
        except OSError as failure:
            # A full disk: go on, and try again in a second.
            print(f"The sandbox could not save its world: {failure}", file=sys.stderr, flush=True)
    save(sandbox, store)


async def save_now(sandbox: Sandbox, store: Store) -> None:
    """Write what has changed since the last time, piece by piece. Raises OSError; then the next time writes it."""
    async with store.lock:
        calls_saved = store.calls_saved
        sizes = {path: _size_of(path) for path in (store.changes_file, store.calls_file)}
        try:
            for path, piece in _timed(store, _list_news(sandbox, store)):
                if piece:
                    await asyncio.to_thread(_append, store, path, piece)
                else:
                    await asyncio.sleep(0)
        except OSError:
            # A line that was written in part would hide what comes after it.
            for path, size in sizes.items():
                if _size_of(path) > size:
                    os.truncate(path, size)
            store.calls_saved = calls_saved
            store.written.forget(sandbox.world.changes)
            raise


async def sum_up(sandbox: Sandbox, store: Store) -> None:
    """Write a new snapshot beside everything else. Raises OSError; then the one of before stays."""
    await save_now(sandbox, store)
    async with store.lock:
        before, store.generation = store.generation, store.generation + 1
        fresh = store.beside("new")
        try:
            with fresh.open("wb") as file:
                gathered = bytearray()
                for piece in _timed(store, _list_snapshot(sandbox, store)):
                    gathered += piece
                    if len(gathered) >= _WRITE_BYTES:
                        await asyncio.to_thread(file.write, bytes(gathered))
                        gathered.clear()
                    # There is no hurry: half of the time is for those who call, if they need it.
                    await asyncio.sleep(0 if store.ending.is_set() else store.last_pause_seconds)
                await asyncio.to_thread(file.write, bytes(gathered))
                await asyncio.to_thread(os.fsync, file.fileno())
        except Overtaken:
            fresh.unlink()
            return  # Cleared meanwhile: the changes say so, and next time there is little to sum up.
        _put_in_place(store, fresh, before)


def _put_in_place(store: Store, fresh: Path, before: int) -> None:
    store.snapshot_bytes = _size_of(fresh)
    os.replace(fresh, store.file)
    for number, path in store.list_changes_files():
        if number <= before:
            path.unlink()
    store.changes_bytes = _size_of(store.changes_file)


def _timed(store: Store, pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    while True:
        started = time.thread_time()
        piece = next(pieces, None)
        store.last_pause_seconds = time.thread_time() - started
        store.longest_pause_seconds = max(store.longest_pause_seconds, store.last_pause_seconds)
        if piece is None:
            return
        yield piece


def _list_news(sandbox: Sandbox, store: Store) -> Iterator[tuple[Path, bytes]]:
    """What has to be appended to which file. Calls come last, since they name people."""
    for piece in list_changes(sandbox, store.written):
        if store.resets != store.written.resets:
            # Before anything is written that does not know any more whom the calls name.
            store.calls_file.unlink(missing_ok=True)
            store.resets, store.calls_saved = store.written.resets, 0
        yield store.changes_file, piece
    if store.resets == sandbox.resets:
        for piece in list_calls(sandbox.ledger, store.calls_saved, store.written.calls):
            yield store.calls_file, piece
        store.calls_saved = store.written.calls
    store.written.taken = []


def _append(store: Store, path: Path, piece: bytes) -> None:
    if piece:
        with path.open("ab") as file:
            file.write(piece)
        if path != store.calls_file:
            store.changes_bytes += len(piece)


def _list_snapshot(sandbox: Sandbox, store: Store) -> Iterator[bytes]:
    yield _header(store.generation)
    yield from list_everything(sandbox, store.written)
    yield _END


def _header(generation: int) -> bytes:
    return orjson.dumps({"version": VERSION, "generation": generation}, option=orjson.OPT_APPEND_NEWLINE)


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0

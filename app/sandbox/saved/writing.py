"""What there is to write down: since the last time, or in all. Piece by piece, none of which takes long to make."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.sandbox import world
from app.sandbox.ledger import AcceptedCall, Ledger
from app.sandbox.state import Noted, Sandbox
from app.sandbox.world import Changes, Channel, World, channel_row

_LINES = 1_000
_PEOPLE = 1_000
_TIES = 5_000
_CHANNELS = 100
_CALLS_BYTES = 200_000


class Overtaken(Exception):
    """The world was cleared, or what happened in it, while it was being summed up: what was written is no whole."""


@dataclass(slots=True)
class Written:
    """What has been written so far."""

    version: int = -1
    message_no: int = 0
    clears: int = 0
    resets: int = 0
    lines: dict[tuple[str, Any], int] = field(default_factory=dict)
    """Of channels and parts, whose changes nobody notes: a hash of each one's last line."""
    taken: list[tuple[Any, ...]] = field(default_factory=list)
    """What was noted and is being written."""
    calls: int = 0
    """How many calls had been accepted when that was taken: whom they name, it makes known."""

    def is_new(self, kind: str, key: Any, line: bytes) -> bool:
        """Whether this differs from what was written of it last; from now on it was."""
        mark = hash(line)
        if self.lines.get((kind, key)) == mark:
            return False
        self.lines[kind, key] = mark
        return True

    def forget(self, changes: Changes) -> None:
        """It was not written after all."""
        changes.pending[:0] = self.taken
        self.taken = []
        self.version = -1
        self.lines.clear()


def list_changes(sandbox: Sandbox, written: Written) -> Iterator[bytes]:
    """What was noted, then what differs from what was written last. `written` is brought up to date.

    Differences are looked for first, because they may name people who came while they were, and these must be read
    before them.
    """
    differences: list[bytes] = []
    version = sandbox.world.version
    while sandbox.world.version != written.version:
        version = sandbox.world.version
        if (written.clears, written.resets) != (sandbox.world.clears, sandbox.resets):
            written.clears, written.resets = sandbox.world.clears, sandbox.resets
            written.lines.clear()
            differences.clear()
        for line in _list_differences(sandbox, written):
            differences.append(line)
            yield b""
        if (written.clears, written.resets) == (sandbox.world.clears, sandbox.resets):
            break
    written.version = version
    written.taken, sandbox.world.changes.pending = sandbox.world.changes.pending, []
    written.calls = len(sandbox.ledger)
    for first in range(0, len(written.taken), _LINES):
        yield b"".join(_line(*change) for change in written.taken[first : first + _LINES])
    if sandbox.next_message_no != written.message_no:
        written.message_no = sandbox.next_message_no
        yield _line("message_no", written.message_no)
    yield from differences


def _list_differences(sandbox: Sandbox, written: Written) -> Iterator[bytes]:
    """Channels and parts, which are few and small, are compared with what was written of them."""
    channels = sandbox.world.channels_by_no
    for first in range(0, len(channels), _CHANNELS):
        lines = []
        for channel in channels[first : first + _CHANNELS]:
            row = _line("channel", channel_row(channel))
            if written.is_new("channel", channel.no, row):
                lines.append(row)
            if written.is_new("used", channel.no, orjson.dumps(channel.used)):
                lines.append(_used(channel, sandbox.ledger))
        yield b"".join(lines)
    for name, part in sandbox.list_saved().items():
        if not isinstance(part, Noted):
            line = _line("part", name, part.saved())
            if written.is_new("part", name, line):
                yield line


def list_everything(sandbox: Sandbox, written: Written) -> Iterator[bytes]:
    """The whole world. It goes on changing meanwhile: what changes from now on has to be written elsewhere too.

    Raises Overtaken if it is no more the world of which `written` tells, whose calls are in the file.
    """
    pieces = _list_everything(sandbox)
    while True:
        if (written.clears, written.resets) != (sandbox.world.clears, sandbox.resets):
            raise Overtaken
        piece = next(pieces, None)
        if piece is None:
            return
        yield piece


def _list_everything(sandbox: Sandbox) -> Iterator[bytes]:
    known = sandbox.world
    providers = list(known.providers.values())
    channels = list(known.channels_by_no)
    people_count = len(known.person_ids)
    yield b"".join(_line("provider", each.id, each.name) for each in providers)
    yield _line("message_no", sandbox.next_message_no)
    yield from _list_people(known, [each.id for each in providers], people_count)
    for first in range(0, len(channels), _CHANNELS):
        some = channels[first : first + _CHANNELS]
        yield b"".join(_line("channel", channel_row(each)) + _used(each, sandbox.ledger) for each in some)
    for channel in channels:
        for tie, people in ((world.FOLLOWS, channel.friends), (world.BLOCKS, channel.blocked)):
            numbers = list(people.values())
            if max(numbers, default=-1) >= people_count:  # Whoever came meanwhile is not known here yet.
                numbers = [no for no in numbers if no < people_count]
            for first in range(0, len(numbers), _TIES):
                yield _line("ties", channel.no, tie, numbers[first : first + _TIES])
        wrote_at = list(channel.wrote_at.items())
        for first in range(0, len(wrote_at), _TIES):
            yield _line("writers", channel.no, dict(wrote_at[first : first + _TIES]))
    for name, values in list(known.traits.items()):
        pairs = list(values.items())
        for first in range(0, len(pairs), _TIES):
            some_pairs = pairs[first : first + _TIES]
            yield _line("traits", name, [no for no, _ in some_pairs], [value for _, value in some_pairs])
    for name, part in sandbox.list_saved().items():
        yield _line("part", name, part.saved())


def _list_people(known: World, provider_ids: list[str], count: int) -> Iterator[bytes]:
    for first in range(0, count, _PEOPLE):
        last = min(first + _PEOPLE, count)
        ids = known.person_ids[first:last]
        user_ids = {
            provider_id: _unlike(known.providers[provider_id].user_ids[first:last], ids) for provider_id in provider_ids
        }
        yield _line("people", first, ids, _unlike(known.person_names[first:last], ids), user_ids)


def _unlike(values: list[str], ids: list[str]) -> list[str | None]:
    """The values, null where they are the id again: a crowd goes by its user ids and has no names."""
    return [None if value == own else value for value, own in zip(values, ids, strict=True)]


def list_calls(ledger: Ledger, first: int, last: int) -> Iterator[bytes]:
    """Accepted calls as lines."""
    piece = bytearray()
    for call_no in range(first, last):
        piece += _call_line(ledger.get(call_no))
        if len(piece) >= _CALLS_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _call_line(call: AcceptedCall) -> bytes:
    row: dict[str, Any] = {}
    for name, value in call._asdict().items():
        if name == "messages":
            row[name] = orjson.Fragment(value)
        elif isinstance(value, bytes):
            row[name] = value.hex()
        elif name == "people":
            row[name] = list(value)
        else:
            row[name] = value
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _used(channel: Channel, ledger: Ledger) -> bytes:
    return _line("used", channel.no, channel.used, len(ledger))


def _line(*values: Any) -> bytes:
    return orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)

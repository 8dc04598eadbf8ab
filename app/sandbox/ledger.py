"""What LINE accepted and whom it reached: one row a call in columns, one number a person reached.

A million people in multicasts are 4 MB; a million personal pushes cost about their text and 250 bytes each. The
inbox of a person, the list of deliveries, the statistics and the memory of retry keys are all read from here.
"""

import uuid
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from app.sandbox.aggregation.units import Units
from app.sandbox.insight.days import day_of

RETRY_KEY_SECONDS = 24 * 3600
_NO_KEY = bytes(16)
_MAX_TALLIES = 4


class Kind(IntEnum):
    """The send endpoints, and what LINE itself sends."""

    PUSH = 0
    MULTICAST = 1
    BROADCAST = 2
    REPLY = 3
    GREETING = 4
    AUTO_RESPONSE = 5
    """The last two LINE's manager says by itself (auto_answers.py)."""


PAID = frozenset((Kind.PUSH, Kind.MULTICAST, Kind.BROADCAST))
"""What counts for the quota."""


class AcceptedCall(NamedTuple):
    """One call that LINE took. `people` are those it was handed over to; they may be none."""

    at: float
    """Real time."""
    clock_at: float
    """The sandbox's clock."""
    kind: Kind
    channel_no: int
    request_id: bytes
    retry_key: bytes | None
    first_message_no: int
    messages: bytes
    """The message objects as JSON."""
    people: Sequence[int]
    unit: str | None = None
    """The aggregation unit that it is counted under."""
    silent: bool = False
    """Whether the sender wanted no notification to sound."""


class Delivery(NamedTuple):
    """One person of one accepted call."""

    call_no: int
    person_no: int


class Ledger:
    """All accepted calls since the last reset, oldest first."""

    def __init__(self) -> None:
        self._at = array("d")
        self._clock_at = array("d")
        self._kinds = array("B")
        self._channel_nos = array("I")
        self._request_ids = bytearray()
        self._retry_keys = bytearray()
        self._first_message_nos = array("Q")
        self._messages: list[bytes] = []
        self._starts = array("Q")
        self._people = array("I")
        self._unit_nos = array("I")
        self._silent = array("B")
        self._called_at = array("d")
        self._calls_by_retry_key: dict[bytes, int] = {}
        self._reached: dict[tuple[int, int, int], int] = {}
        self._tallies: dict[int, _Tally] = {}
        self.units = Units()

    def __len__(self) -> int:
        return len(self._at)

    def count_call(self, at: float) -> None:
        """Note that a send arrived, whatever becomes of it."""
        self._called_at.append(max(at, self._called_at[-1]) if self._called_at else at)

    def append(self, call: AcceptedCall) -> None:
        """Keep an accepted call, and its retry key."""
        # Times must not run backwards when the machine's clock does, or bisect would lose calls.
        self._at.append(max(call.at, self._at[-1]) if self._at else call.at)
        self._clock_at.append(call.clock_at)
        self._kinds.append(call.kind)
        self._channel_nos.append(call.channel_no)
        self._request_ids += call.request_id
        self._retry_keys += call.retry_key or _NO_KEY
        self._first_message_nos.append(call.first_message_no)
        # A campaign sends the same messages call after call: keep them once. What orjson returns still sits in the
        # 4 kB that it was written to (measured: 264 MB instead of 17 for 64,000 texts), so it is copied.
        last = self._messages[-1] if self._messages else b""
        self._messages.append(last if last == call.messages else bytes(memoryview(call.messages)))
        self._starts.append(len(self._people))
        self._people.fromlist(list(call.people))  # half the time of `extend`
        self._unit_nos.append(self.units.note(call.channel_no, call.unit, call.clock_at, len(self._at) - 1))
        self._silent.append(call.silent)
        reached = (call.channel_no, call.kind, day_of(call.clock_at))
        self._reached[reached] = self._reached.get(reached, 0) + len(call.people)
        if call.retry_key:
            self._calls_by_retry_key[_scoped(call.channel_no, call.kind, call.retry_key)] = len(self._at) - 1

    def get(self, call_no: int) -> AcceptedCall:
        """The accepted call with this number."""
        key = bytes(self._retry_keys[call_no * 16 : call_no * 16 + 16])
        return AcceptedCall(
            at=self._at[call_no],
            clock_at=self._clock_at[call_no],
            kind=Kind(self._kinds[call_no]),
            channel_no=self._channel_nos[call_no],
            request_id=bytes(self._request_ids[call_no * 16 : call_no * 16 + 16]),
            retry_key=None if key == _NO_KEY else key,
            first_message_no=self._first_message_nos[call_no],
            messages=self._messages[call_no],
            people=self._people[self._starts[call_no] : self._end(call_no)],
            unit=self.units.get_name(self._unit_nos[call_no]),
            silent=bool(self._silent[call_no]),
        )

    def get_channel_no(self, call_no: int) -> int:
        """The number of the channel that sent it."""
        return self._channel_nos[call_no]

    def count_reached(self, channel_no: int, kind: Kind, day: int) -> int:
        """How many people calls of this kind were handed over to on a Japanese day."""
        return self._reached.get((channel_no, kind, day), 0)

    def find_by_request_id(self, request_id: bytes) -> int | None:
        """The accepted call that was answered with this id."""
        position = self._request_ids.find(request_id)
        while position % 16 and position > 0:
            position = self._request_ids.find(request_id, position + 1)
        return None if position < 0 else position // 16

    def _end(self, call_no: int) -> int:
        return self._starts[call_no + 1] if call_no + 1 < len(self._starts) else len(self._people)

    def find_by_retry_key(self, channel_no: int, kind: Kind, retry_key: bytes, now: float) -> int | None:
        """The call that was accepted with this key in the last 24 hours of the sandbox's clock."""
        call_no = self._calls_by_retry_key.get(_scoped(channel_no, kind, retry_key))
        if call_no is None or now - self._clock_at[call_no] >= RETRY_KEY_SECONDS:
            return None
        return call_no

    def list_deliveries(
        self, *, start: int, limit: int, since: float | None, channel_no: int | None
    ) -> tuple[list[Delivery], int | None]:
        """A page of people reached, oldest first, and the position where the next page starts, if there is more."""
        if since is not None:
            first_call = bisect_left(self._at, since)
            start = max(start, self._starts[first_call] if first_call < len(self) else len(self._people))
        page: list[Delivery] = []
        position, end = start, len(self._people)
        call_no = bisect_right(self._starts, position) - 1
        while position < end and len(page) < limit:
            call_end = self._end(call_no)
            if channel_no is None or self._channel_nos[call_no] == channel_no:
                taken = self._people[position : min(call_end, position + limit - len(page))]
                page += [Delivery(call_no, person_no) for person_no in taken]
                position += len(taken)
            else:
                position = call_end
            if position >= call_end:
                call_no += 1
        return page, position if position < end else None

    def list_received(self, person_no: int, first_call: int = 0) -> Iterator[int]:
        """The numbers of the calls from one on that reached this person, oldest first; twice if it named her twice."""
        position = (self._starts[first_call] if first_call < len(self) else len(self._people)) - 1
        while True:
            try:
                position = self._people.index(person_no, position + 1)
            except ValueError:
                return
            yield bisect_right(self._starts, position) - 1

    def stats(self, since: float | None) -> dict[str, int]:
        """The numbers of `/_sandbox/stats`.

        calls: sends that arrived · accepted: those LINE took · recipients: (person, channel, messages) handed over ·
        distinct: how many of these differ · duplicates: how many of the distinct ones came more than once.
        """
        first_call = 0 if since is None else bisect_left(self._at, since)
        tally = self._tallies.pop(first_call, None) or _Tally(first_call)
        self._tallies[first_call] = tally
        if len(self._tallies) > _MAX_TALLIES:
            del self._tallies[next(iter(self._tallies))]
        for call_no in range(tally.next_call, len(self)):
            people = self._people[self._starts[call_no] : self._end(call_no)]
            tally.add(hash((self._channel_nos[call_no], self._messages[call_no])), people)
        tally.next_call = len(self)
        return {
            "calls": len(self._called_at) - (0 if since is None else bisect_left(self._called_at, since)),
            "accepted": len(self) - first_call,
            "recipients": tally.recipients,
            "distinct": len(tally.seen),
            "duplicates": len(tally.repeated),
        }


@dataclass(slots=True)
class _Tally:
    """Statistics from one call on, brought forward when somebody asks, so that sending stays free of it.

    What was handed over is remembered as a 64-bit hash: among ten million, two collide once in 400,000 runs.
    """

    next_call: int
    recipients: int = 0
    seen: set[int] = field(default_factory=set)
    repeated: set[int] = field(default_factory=set)

    def add(self, content: int, people: Iterable[int]) -> None:
        keys = [hash((content, person_no)) for person_no in people]
        fresh = set(keys)
        self.recipients += len(keys)
        self.repeated |= fresh & self.seen
        if len(fresh) < len(keys):
            self.repeated |= {key for key in fresh if keys.count(key) > 1}
        self.seen |= fresh


def _scoped(channel_no: int, kind: Kind, retry_key: bytes) -> bytes:
    return b"%d %d " % (channel_no, kind) + retry_key


def format_uuid(raw: bytes | None) -> str | None:
    """A request id or retry key as it is written in headers."""
    return str(uuid.UUID(bytes=raw)) if raw else None

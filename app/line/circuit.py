"""Circuit breakers: whom LINE did not answer a few times in a row is left in peace for a while.

There is one for each channel, so that trouble of one does not touch the others, and one for each host: when several
channels go without an answer and none gets one, LINE is down altogether, and every channel waits for one of them to
find out that it is back. An answer that refuses is an answer. Each process knows only what it saw itself.

`now` is seconds of a clock that only goes forward, such as `time.monotonic()`.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from prometheus_client import Gauge

from app.line.errors import LineCircuitOpen

FAILURES_TO_OPEN: Final = 5
SECONDS_TO_OPEN: Final = 2.0
"""How long calls in a row must have gone without an answer: one blink makes sixty calls fail that are in the air."""
CHANNELS_TO_OPEN: Final = 3
"""Channels without an answer, and none with one, until the host counts as down."""
FIRST_REST_SECONDS: Final = 5.0
LONGEST_REST_SECONDS: Final = 60.0
PROBE_SECONDS: Final = 60.0
"""How long a call that finds out is waited for. One that never reports, as its thread died, holds nobody for ever."""
OPEN = Gauge("noren_line_circuits_open", "Channels and hosts of LINE that are not asked just now.", ["kind"])


@dataclass(slots=True)
class _Breaker:
    """One breaker: closed, open until a moment, or half open with one call that finds out."""

    kind: str
    failed: set[Hashable] = field(default_factory=set)
    """What failed since the last answer, while closed."""
    failing_since: float = 0.0
    open_until: float | None = None
    """None: closed."""
    rest_seconds: float = 0.0
    probe_until: float | None = None
    """Until when the call that finds out is waited for."""

    def wait_seconds(self, now: float) -> float:
        """How long it asks to wait; 0 when a call may go."""
        if self.open_until is None:
            return 0.0
        return max(0.0, self.open_until - now, (self.probe_until or now) - now)

    def enter(self, now: float) -> None:
        """A call goes; through a breaker that was open it finds out whether LINE is back."""
        if self.open_until is not None:
            self.probe_until = now + PROBE_SECONDS

    def fail(self, what: Hashable, now: float, *, most: int, over_seconds: float) -> bool:
        """A call had no answer; whether this opened the breaker, now or again."""
        if self.open_until is None:
            if not self.failed:
                self.failing_since = now
            self.failed.add(what)
            if len(self.failed) < most or now - self.failing_since < over_seconds:
                return False
            OPEN.labels(self.kind).inc()
        elif self.probe_until is None:
            return False  # the call set out before the breaker opened
        self.rest_seconds = min(LONGEST_REST_SECONDS, self.rest_seconds * 2 or FIRST_REST_SECONDS)
        self.open_until, self.probe_until = now + self.rest_seconds, None
        return True

    def close(self) -> None:
        """An answer came: nothing holds it open any more."""
        if self.open_until is not None:
            OPEN.labels(self.kind).dec()


class Circuits:
    """All breakers of a process. Only what is in trouble is remembered."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._channels: dict[tuple[str, str], _Breaker] = {}
        self._hosts: dict[str, _Breaker] = {}
        self._failures = 0

    def wait_seconds(self, host: str, channel_id: str, now: float) -> float:
        """How long this channel should leave LINE in peace; 0 when it may be asked."""
        if not self._channels:
            return 0.0
        with self._lock:
            return self._wait_seconds(host, channel_id, now)

    def enter(self, host: str, channel_id: str, now: float) -> None:
        """Before a call: whether it may go. Whoever may goes, and reports to `leave`. Raises LineCircuitOpen."""
        if not self._channels:
            return  # the way of nearly every call: nothing is in trouble
        with self._lock:
            seconds = self._wait_seconds(host, channel_id, now)
            if seconds > 0:
                raise LineCircuitOpen(seconds)
            for breaker in self._breakers(host, channel_id):
                breaker.enter(now)

    def leave(self, host: str, channel_id: str, now: float, *, answered: bool) -> None:
        """After a call: whether LINE answered, be it with a refusal."""
        if answered:
            if self._channels:
                self._close(host, channel_id)
            return
        with self._lock:
            self._failures += 1
            channel = self._channels.setdefault((host, channel_id), _Breaker("channel"))
            opened = channel.fail(self._failures, now, most=FAILURES_TO_OPEN, over_seconds=SECONDS_TO_OPEN)
            # The call may have been the one by which the host is found out, of a channel that had no trouble.
            if opened or host in self._hosts:
                of_host = self._hosts.setdefault(host, _Breaker("host"))
                if opened or of_host.open_until is not None:
                    of_host.fail(channel_id, now, most=CHANNELS_TO_OPEN, over_seconds=0.0)

    def _close(self, host: str, channel_id: str) -> None:
        with self._lock:
            for closed in (self._channels.pop((host, channel_id), None), self._hosts.pop(host, None)):
                if closed is not None:
                    closed.close()

    def _wait_seconds(self, host: str, channel_id: str, now: float) -> float:
        return max((one.wait_seconds(now) for one in self._breakers(host, channel_id)), default=0.0)

    def _breakers(self, host: str, channel_id: str) -> list[_Breaker]:
        found = (self._hosts.get(host), self._channels.get((host, channel_id)))
        return [one for one in found if one is not None]


circuits: Final = Circuits()
"""Those of this process."""

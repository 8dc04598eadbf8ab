"""Limits: how many requests a minute each credential may make, and each address that shows none.

A request is counted at the door, before anything is read or asked: against the credential, when this process has seen
it be good, or else against the address. Once the credential has proved good, the address gets its request back.
"""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from ipaddress import IPv6Network, ip_address
from threading import Lock
from time import time
from typing import Any, TypeVar
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy import Engine

from app.limits.problems import RateLimited
from app.limits.shares import take_share
from app.limits.windows import WINDOW_SECONDS, Window

log = structlog.get_logger("limits")
CREDENTIAL, ADDRESS = "default", "anonymous"
KEPT = 20_000
"""Windows, and credentials seen to be good, that one process remembers of each kind."""
REFUSED = Counter("noren_rate_limited_total", "Requests refused by a limit of our own.", ["limit"])
CHARGE = "noren.charge"
"""Where a request carries its charge with it."""
Key = TypeVar("Key")
Kept = TypeVar("Kept")


@dataclass
class Charge:
    """One request: the window that its answer speaks of, and the one that it is counted in, if any. `digest` is of the
    credential as it was presented."""

    digest: bytes | None
    window: Window
    counted_in: Window | None

    def headers(self, now: float) -> list[tuple[bytes, bytes]]:
        """What is left, as draft-ietf-httpapi-ratelimit-headers says it, and as clients have read it so far."""
        window = self.window
        left, seconds = window.remaining, window.seconds_left(now)
        return [
            (b"ratelimit-policy", b'"%b";q=%d;w=%d' % (window.policy.encode(), window.quota, WINDOW_SECONDS)),
            (b"ratelimit", b'"%b";r=%d;t=%d' % (window.policy.encode(), left, seconds)),
            (b"x-ratelimit-limit", b"%d" % window.quota),
            (b"x-ratelimit-remaining", b"%d" % left),
            (b"x-ratelimit-reset", b"%d" % window.ends_at),
        ]


@dataclass
class Limits:
    """What one process knows of the limits: some windows, and which credentials it has seen be good."""

    quota: int
    """Requests a minute of one credential, over all processes."""
    anonymous_quota: int
    """Requests a minute from one address without a good credential, in this process."""
    _good: dict[bytes, UUID] = field(default_factory=dict)
    _credentials: dict[UUID, tuple[Window, Lock]] = field(default_factory=dict)
    _addresses: dict[str, Window] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def enter(self, scope: MutableMapping[str, Any], address: str | None, now: float) -> None:
        """Count a request at the door. Raises RateLimited."""
        digest = _presented(scope["headers"])
        with self._lock:
            known = self._credentials.get(self._good[digest]) if digest in self._good else None
            own = known[0] if known is not None and known[0].is_open(now) else None
            if own is not None and own.take(now):
                scope[CHARGE] = Charge(digest, own, own)
                return
            if own is not None and own.is_spent(now):
                scope[CHARGE] = Charge(digest, own, None)
                raise _refuse(own, now)
            window = self._of_address(address, now)
            counted = window.take(now)
            scope[CHARGE] = Charge(digest, own or window, window if counted else None)
            if not counted and known is None:
                raise _refuse(window, now)

    def accept(
        self, scope: Mapping[str, Any], engine: Engine, brand_id: UUID, credential_id: UUID, now: datetime
    ) -> None:
        """Count a request against the credential that it proved to carry. Raises RateLimited."""
        charge: Charge | None = scope.get(CHARGE)
        if charge is None:
            return
        with self._lock:
            if charge.digest is not None:
                _keep(self._good, charge.digest, credential_id)
            window, asking = self._credentials.get(credential_id) or (Window(CREDENTIAL, self.quota), Lock())
            _keep(self._credentials, credential_id, (window, asking))
            charge.window = window
            if charge.counted_in is window:
                return
            if charge.counted_in is not None:
                charge.counted_in.give_back()
                charge.counted_in = None
        if not self._take(window, now.timestamp()):
            with asking:  # one thread asks, and the others share in what it gets
                while not self._take(window, now.timestamp()):
                    ends_at, taken = take_share(engine, brand_id, credential_id, window.share, now)
                    with self._lock:
                        window.grant(ends_at, taken, window.share)
                    if window.refused:  # once a window in each process, so that an operator learns whose it is
                        log.warning("credential_rate_limited", brand_id=str(brand_id), credential_id=str(credential_id))
        charge.counted_in = window

    def disown(self, scope: Mapping[str, Any]) -> None:
        """Forget that the credential of this request was good: it has ended, or never was."""
        charge: Charge | None = scope.get(CHARGE)
        if charge is not None and charge.digest is not None:
            with self._lock:
                self._good.pop(charge.digest, None)

    def _take(self, window: Window, now: float) -> bool:
        with self._lock:
            if window.is_spent(now):
                raise _refuse(window, now)
            return window.take(now)

    def _of_address(self, address: str | None, now: float) -> Window:
        network = _network_of(address)
        window = self._addresses.get(network)
        if window is None:
            window = Window(ADDRESS, self.anonymous_quota)
            _keep(self._addresses, network, window)
        if not window.is_open(now):
            window.begin(now + WINDOW_SECONDS, window.quota)
            window.refused = True  # there is nobody to ask for more
        return window


def limit_headers(scope: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    """What the answer to this request says of its limit."""
    charge: Charge | None = scope.get(CHARGE)
    return charge.headers(time()) if charge is not None else []


def _refuse(window: Window, now: float) -> RateLimited:
    REFUSED.labels(window.policy).inc()
    seconds = window.seconds_left(now)
    whose = "This credential has" if window.policy == CREDENTIAL else "Your address has, without a good credential,"
    detail = f"{whose} made its {window.quota} requests of this minute. Try again in {seconds} s."
    return RateLimited(detail, window.policy, seconds)


def _presented(headers: list[tuple[bytes, bytes]]) -> bytes | None:
    """A digest of the credential as it stands in the headers, good or not; staff carry theirs in a cookie.

    Of several the first counts, as it does where callers are found.
    """
    for wanted in (b"authorization", b"cookie"):
        for name, value in headers:
            if name == wanted:
                return sha256(value).digest()
    return None


def _network_of(address: str | None) -> str:
    """Whose address it is: of IPv6, everybody has at least 2^64 of them."""
    if address is None or ":" not in address:
        return address or ""
    return str(IPv6Network((int(ip_address(address)), 64), strict=False))


def _keep(kept: dict[Key, Kept], key: Key, value: Kept) -> None:
    """Remember this as the latest, and forget what was not needed for longest."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > KEPT:
        del kept[next(iter(kept))]

"""Sending calls on: one account's one after the other, with no transaction open while the other tool is waited for.

Async, since only so a call can be ended as a whole after ten seconds, and so that a tool that is slow holds no thread.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy import Engine

from app.guard import may_reach_loopback
from app.guarded import GuardedClient, Heard
from app.inbound.forward.service import Next, choose, note_failure, note_taken
from app.inbound.line import PASSED_ON_BY
from app.inbound.models import LineForwardCall
from app.settings import Settings
from tenants.scope import Scope
from tenants.session import open_session

log = structlog.get_logger("intake")
FORWARDED = Counter("noren_line_forwarded_total", "Attempts to send webhook calls on, by outcome.", ["outcome"])

TURN_SECONDS = 5.0
"""Then another account has its turn, so that one with a long list does not keep a place for itself."""
SIDE_BY_SIDE = 64


def read_clock() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


class Forwarder:
    """Works off the accounts' calls to other tools."""

    def __init__(self, engine: Engine, settings: Settings, clock: Callable[[], datetime] = read_clock) -> None:
        self.engine = engine
        self.clock = clock
        self.http = GuardedClient(loopback=may_reach_loopback(settings.public_url), side_by_side=SIDE_BY_SIDE)

    async def work_lane(self, brand_id: UUID, line_account_id: UUID) -> float | None:
        """One turn of an account; in how many seconds another is needed, None for when a call comes."""
        until = time.monotonic() + TURN_SECONDS
        while True:
            found = await asyncio.to_thread(self._choose, brand_id, line_account_id)
            if not isinstance(found, Next):
                return found
            while found is not None:
                heard = await self.http.post(found.url, found.call.body or b"", _headers(found.call))
                FORWARDED.labels("taken" if heard.is_taken else "failed").inc()
                found = await asyncio.to_thread(self._settle, brand_id, found, heard)
            if time.monotonic() > until:
                return 0.0

    def _choose(self, brand_id: UUID, line_account_id: UUID) -> Next | float | None:
        with open_session(self.engine, Scope(brand_id)) as session:
            return choose(session, line_account_id, self.clock())

    def _settle(self, brand_id: UUID, done: Next, heard: Heard) -> Next | None:
        """Write down what became of a call; one that must be tried right after it, if any."""
        now = self.clock()
        with open_session(self.engine, Scope(brand_id)) as session:
            probe = None
            if heard.status is not None and heard.is_taken:
                note_taken(session, done, heard.status, now)
            else:
                probe = note_failure(session, done, status=heard.status, error=_describe(heard), now=now)
                log.info("call_not_taken", line_account_id=str(done.call.line_account_id), status=heard.status)
            session.commit()
        return probe

    async def close(self) -> None:
        """End all connections."""
        await self.http.close()


def _describe(heard: Heard) -> str:
    return heard.error or f"The other tool answered {heard.status}."


def _headers(call: LineForwardCall) -> dict[str, str]:
    """What LINE sent with the call, and that it went through our hands, which ends circles."""
    sent = {"X-Line-Signature": call.signature, "Content-Type": call.content_type, "User-Agent": call.user_agent}
    headers = {name: value for name, value in sent.items() if value is not None}
    return {**headers, "Via": f"1.1 {PASSED_ON_BY}"}

"""Sending deliveries: an endpoint's next ones side by side, with no transaction open while it is waited for."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import structlog
from prometheus_client import Counter, Histogram
from sqlalchemy import Engine

from app.auth import brand_key_of
from app.guard import may_reach_loopback
from app.guarded import GuardedClient, Heard
from app.settings import Settings
from app.webhooks import outbox, queries
from app.webhooks.endpoints import open_secrets
from app.webhooks.message import write_messages
from app.webhooks.models import WebhookDelivery
from app.webhooks.outbox import Outcome
from app.webhooks.signing import sign
from tenants.problems import NotFound
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import ScopedSession, open_session

log = structlog.get_logger("webhooks")
ATTEMPTS = Counter("noren_webhook_attempts_total", "Attempts to tell a partner's endpoint, by outcome.", ["outcome"])
DELAY = Histogram(
    "noren_webhook_delay_seconds",
    "How long after it was recorded an event that went well at once was with an endpoint.",
    buckets=(0.1, 0.5, 1, 2, 5, 15, 60, 300, 3600),
)

TURN_SECONDS = 5.0
"""Then another endpoint has its turn, so that one with a long list does not keep a place for itself."""
CONNECTIONS = 1024
"""Of all endpoints together: more than there are places for them, so that slow ones take no connection from others."""

HEADERS = {"Content-Type": "application/json", "User-Agent": "Noren-Webhooks/1"}


@dataclass(frozen=True)
class Letter:
    """A message as it goes out. It is signed as it goes, since receivers refuse what is minutes old."""

    delivery_id: UUID
    url: str
    message_id: str
    body: bytes
    secrets: list[str]
    recorded_at: datetime | None
    """When the event was recorded; None where it is not the first attempt, or tells of nothing."""


class Deliverer:
    """Works off what waits for endpoints."""

    def __init__(
        self, engine: Engine, keyring: Keyring, settings: Settings, clock: Callable[[], datetime] | None = None
    ) -> None:
        self.engine = engine
        self.keyring = keyring
        self.clock = clock or (lambda: datetime.now(UTC))
        self.http = GuardedClient(
            loopback=may_reach_loopback(settings.public_url),
            side_by_side=CONNECTIONS,
            kept_bytes=outbox.LONGEST_ANSWER,
        )

    async def work_lane(self, brand_id: UUID, endpoint_id: UUID) -> float | None:
        """One turn of an endpoint; in how many seconds another is needed, None for when something happens."""
        until = time.monotonic() + TURN_SECONDS
        outcomes: list[Outcome] = []
        while True:
            letters, wait = await asyncio.to_thread(self._settle_and_choose, brand_id, endpoint_id, outcomes)
            if not letters:
                return wait
            outcomes = list(await asyncio.gather(*map(self._send, letters)))
            if time.monotonic() > until:
                await asyncio.to_thread(self._settle_and_choose, brand_id, endpoint_id, outcomes, 0)
                return 0.0

    def _settle_and_choose(
        self, brand_id: UUID, endpoint_id: UUID, outcomes: list[Outcome], most: int | None = None
    ) -> tuple[list[Letter], float | None]:
        """Write down what came of the last ones; what is next, or in how many seconds something is."""
        with open_session(self.engine, Scope(brand_id)) as session:
            try:
                endpoint = queries.lock_endpoint(session, endpoint_id)
            except NotFound:
                return [], None
            now = self.clock()
            if outcomes:
                outbox.settle(session, endpoint, outcomes, now)
                if not endpoint.enabled:
                    log.warning("webhook_switched_off", endpoint=str(endpoint_id), reason=endpoint.disabled_reason)
            letters: list[Letter] = []
            wait: float | None = None
            if endpoint.enabled and most != 0:
                outbox.fill(session, endpoint, now)
                chosen = outbox.choose(session, endpoint, now)
                letters = self._write(session, endpoint_id, chosen, now)
                wait = None if letters else _seconds_until(outbox.find_next_at(session, endpoint), now)
            session.commit()
        return letters, wait

    def _write(
        self, session: ScopedSession, endpoint_id: UUID, chosen: list[WebhookDelivery], now: datetime
    ) -> list[Letter]:
        if not chosen:
            return []
        endpoint = queries.get_endpoint(session, endpoint_id)
        secrets = open_secrets(endpoint, brand_key_of(session, self.keyring), now)
        letters = []
        for delivery, message in zip(chosen, write_messages(session, chosen), strict=True):
            recorded_at = message.recorded_at if delivery.attempts == 0 else None
            body = orjson.dumps(message.content)
            letters.append(Letter(delivery.id, endpoint.url, message.id, body, secrets, recorded_at))
        return letters

    async def _send(self, letter: Letter) -> Outcome:
        began = time.monotonic()
        signed = sign(letter.secrets, letter.message_id, letter.body.decode(), datetime.now(UTC))
        heard = await self.http.post(letter.url, letter.body, {**HEADERS, **signed})
        ATTEMPTS.labels("taken" if heard.is_taken else "failed").inc()
        if heard.is_taken and letter.recorded_at is not None:
            DELAY.observe(max(0.0, (self.clock() - letter.recorded_at).total_seconds()))
        return Outcome(
            letter.delivery_id,
            status=heard.status,
            error=_describe(heard),
            answer=heard.text,
            retry_after=None if heard.retry_after_seconds is None else timedelta(seconds=heard.retry_after_seconds),
            took_ms=round((time.monotonic() - began) * 1000),
        )

    async def close(self) -> None:
        """End all connections."""
        await self.http.close()


def _seconds_until(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else max(0.0, (at - now).total_seconds())


def _describe(heard: Heard) -> str | None:
    if heard.is_taken:
        return None
    if heard.status is not None and 300 <= heard.status < 400:
        return f"The endpoint answered {heard.status}; redirects are not followed."
    return heard.error or f"The endpoint answered {heard.status}."

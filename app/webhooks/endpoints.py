"""Verbs on endpoints: made, changed, given a new secret, tested, switched off."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from app.events.queries import get_last_feed_no
from app.guard import ForbiddenAddress, check_url, may_reach_loopback
from app.jobs.lanes import touch
from app.webhooks.models import WebhookDelivery, WebhookEndpoint
from app.webhooks.signing import new_secret, secret_purpose
from tenants.problems import Conflict, Invalid
from tenants.sealing import BrandKey
from tenants.session import ScopedSession

LANE = "webhook"
MOST_ENDPOINTS = 50
GIVE_UP_AFTER = timedelta(days=3)
TEST_TYPE = "webhook.test"


@dataclass(frozen=True)
class Made:
    """An endpoint and its new secret, which is shown this once."""

    endpoint: WebhookEndpoint
    secret: str


def create_endpoint(session: ScopedSession, key: BrandKey, values: Mapping[str, Any], public_url: str) -> Made:
    """Tell this address what happens from now on. Raises Invalid."""
    check(values["url"], public_url)
    endpoint = WebhookEndpoint(**values, position=get_last_feed_no(session), sealed_secret=b"")
    secret = new_secret()
    endpoint.sealed_secret = key.seal(secret, secret_purpose(endpoint.id))
    session.add(endpoint)
    session.flush()
    return Made(endpoint, secret)


def check(url: str, public_url: str) -> None:
    """Raises Invalid for an address that may not be called, or that is our own."""
    try:
        check_url(url, loopback=may_reach_loopback(public_url))
    except ForbiddenAddress as error:
        raise Invalid.at("/url", str(error)) from error
    if _origin(url) == _origin(public_url):
        raise Invalid.at("/url", "This is the address of Noren itself.")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def change_endpoint(
    session: ScopedSession, endpoint: WebhookEndpoint, changes: Mapping[str, Any], *, public_url: str, now: datetime
) -> None:
    """Change a locked endpoint; what waits goes by the new values. Raises Invalid.

    Enabled again, it goes on where it stopped: nothing of what happened meanwhile is left out.
    """
    if "url" in changes:
        check(changes["url"], public_url)
    for name, value in changes.items():
        setattr(endpoint, name, value)
    if "enabled" in changes:
        endpoint.disabled_reason = None if endpoint.enabled else "by_hand"
    if "url" in changes or endpoint.enabled:
        endpoint.failures, endpoint.failing_since, endpoint.next_try_at = 0, None, None
    session.add(endpoint)
    session.flush()
    wake(session, endpoint)


def rotate_secret(
    session: ScopedSession, key: BrandKey, endpoint: WebhookEndpoint, *, overlap_seconds: int, now: datetime
) -> Made:
    """Give a locked endpoint a new secret. Until the overlap ends each message bears a signature of both."""
    secret = new_secret()
    endpoint.sealed_previous_secret = endpoint.sealed_secret if overlap_seconds else None
    endpoint.previous_secret_until = now + timedelta(seconds=overlap_seconds) if overlap_seconds else None
    endpoint.sealed_secret = key.seal(secret, secret_purpose(endpoint.id))
    session.add(endpoint)
    session.flush()
    return Made(endpoint, secret)


def open_secrets(endpoint: WebhookEndpoint, key: BrandKey, now: datetime) -> list[str]:
    """The secrets to sign with: the present one, and in the overlap the one before."""
    purpose = secret_purpose(endpoint.id)
    found = [key.unseal(endpoint.sealed_secret, purpose).decode()]
    until = endpoint.previous_secret_until
    if endpoint.sealed_previous_secret is not None and until is not None and now < until:
        found.append(key.unseal(endpoint.sealed_previous_secret, purpose).decode())
    return found


def archive_endpoint(session: ScopedSession, endpoint: WebhookEndpoint, now: datetime) -> None:
    """Tell a locked endpoint nothing more; what still waited for it is given up."""
    endpoint.archived_at, endpoint.enabled = now, False
    session.add(endpoint)
    session.flush()


def send_test(session: ScopedSession, endpoint: WebhookEndpoint, now: datetime) -> WebhookDelivery:
    """Put a message that tells of nothing on its way to a locked endpoint. Raises Conflict where it is switched off."""
    if not endpoint.enabled:
        raise Conflict("The endpoint is switched off; enable it first.")
    delivery = WebhookDelivery(
        webhook_endpoint_id=endpoint.id, type=TEST_TYPE, due_at=now, give_up_at=now + GIVE_UP_AFTER
    )
    session.add(delivery)
    endpoint.next_try_at = None
    session.add(endpoint)
    session.flush()
    wake(session, endpoint)
    return delivery


def wake(session: ScopedSession, endpoint: WebhookEndpoint) -> None:
    """Have a worker look at an endpoint."""
    touch(session, LANE, session.scope.brand_id, [endpoint.id])


def switch_off(endpoint: WebhookEndpoint, reason: str) -> None:
    """Send an endpoint nothing more until somebody enables it: `gone` or `failing`."""
    endpoint.enabled, endpoint.disabled_reason = False, reason

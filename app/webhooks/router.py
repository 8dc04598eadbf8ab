"""Webhooks over HTTP: endpoints, and the log of what went to them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from app.auth import Now, OpenedKey, ScopedSession, allow
from app.paging import PagingParams, list_page
from app.routes import ApiRoute, Precondition
from app.schemas import EventId, Page, WebhookDeliveryId, WebhookEndpointId
from app.webhooks import endpoints, outbox, queries
from app.webhooks.message import write_messages
from app.webhooks.models import WebhookDelivery, WebhookEndpoint
from app.webhooks.schemas import (
    Status,
    WebhookDeliveryRead,
    WebhookDeliveryShown,
    WebhookEndpointCreate,
    WebhookEndpointPatch,
    WebhookEndpointRead,
    WebhookEndpointSecret,
    WebhookReplay,
    WebhookReplayRead,
    WebhookRotation,
)
from tenants.problems import Conflict
from tenants.session import ScopedSession as Session

of_endpoints = APIRouter(prefix="/v1/webhook-endpoints", tags=["webhooks"], route_class=ApiRoute)
of_deliveries = APIRouter(prefix="/v1/webhook-deliveries", tags=["webhooks"], route_class=ApiRoute)
routers = [of_endpoints, of_deliveries]


@of_endpoints.get("", dependencies=[allow("webhooks:read")])
def list_webhook_endpoints(session: ScopedSession, paging: PagingParams) -> Page[WebhookEndpointRead]:
    """The addresses that are told what happens."""
    found, next_cursor = list_page(session, queries.list_endpoints(), WebhookEndpoint.id, paging)
    return Page(
        items=[WebhookEndpointRead.model_validate(_describe(session, one)) for one in found], next_cursor=next_cursor
    )


@of_endpoints.post("", status_code=201, dependencies=[allow("webhooks:write")])
def create_webhook_endpoint(
    body: WebhookEndpointCreate, session: ScopedSession, request: Request, key: OpenedKey
) -> WebhookEndpointSecret:
    """Have an address told what happens from now on, signed by Standard Webhooks. The secret is shown this once."""
    request.state.answer_is_secret = True
    made = endpoints.create_endpoint(session, key, body.model_dump(), _public_url(request))
    return _with_secret(session, made)


@of_endpoints.get("/{endpoint_id}", dependencies=[allow("webhooks:read")])
def read_webhook_endpoint(endpoint_id: WebhookEndpointId, session: ScopedSession) -> WebhookEndpointRead:
    """An endpoint, and how it does."""
    return _read(session, queries.get_endpoint(session, endpoint_id))


@of_endpoints.patch("/{endpoint_id}", dependencies=[allow("webhooks:write")])
def change_webhook_endpoint(
    endpoint_id: WebhookEndpointId,
    body: WebhookEndpointPatch,
    session: ScopedSession,
    request: Request,
    now: Now,
    if_match: Precondition,
) -> WebhookEndpointRead:
    """Change an endpoint, or switch it off and on. What waits goes by the new values."""
    endpoint = queries.lock_endpoint(session, endpoint_id)
    if_match.check(_read(session, endpoint))
    changes = body.model_dump(exclude_unset=True)
    endpoints.change_endpoint(session, endpoint, changes, public_url=_public_url(request), now=now)
    return _read(session, endpoint)


@of_endpoints.delete("/{endpoint_id}", status_code=204, dependencies=[allow("webhooks:write")])
def archive_webhook_endpoint(endpoint_id: WebhookEndpointId, session: ScopedSession, now: Now) -> None:
    """Tell this address nothing more. Its log stays for 30 days."""
    endpoints.archive_endpoint(session, queries.lock_endpoint(session, endpoint_id), now)


@of_endpoints.post("/{endpoint_id}/rotate-secret", dependencies=[allow("webhooks:write")])
def rotate_webhook_secret(
    endpoint_id: WebhookEndpointId,
    session: ScopedSession,
    request: Request,
    key: OpenedKey,
    now: Now,
    body: WebhookRotation | None = None,
) -> WebhookEndpointSecret:
    """Give an endpoint a new secret. For a day, or as long as you say, messages bear a signature of both."""
    request.state.answer_is_secret = True
    endpoint = queries.lock_endpoint(session, endpoint_id)
    seconds = (body or WebhookRotation()).overlap_seconds
    return _with_secret(session, endpoints.rotate_secret(session, key, endpoint, overlap_seconds=seconds, now=now))


@of_endpoints.post("/{endpoint_id}/test", status_code=202, dependencies=[allow("webhooks:write")])
def test_webhook_endpoint(endpoint_id: WebhookEndpointId, session: ScopedSession, now: Now) -> WebhookDeliveryRead:
    """Send a signed message of the type `webhook.test`; its delivery tells what came of it."""
    return _show(endpoints.send_test(session, queries.lock_endpoint(session, endpoint_id), now))


@of_endpoints.post("/{endpoint_id}/replay", status_code=202, dependencies=[allow("webhooks:write")])
def replay_webhook_endpoint(
    endpoint_id: WebhookEndpointId, body: WebhookReplay, session: ScopedSession, now: Now
) -> WebhookReplayRead:
    """Send events again: all since a moment, also from before the endpoint was there, or those that were given up.

    They bear the ids that they had, by which a receiver knows them again.
    """
    endpoint = queries.lock_endpoint(session, endpoint_id)
    if not endpoint.enabled:
        raise Conflict("The endpoint is switched off; enable it first.")
    if body.only_failed:
        count = outbox.replay_failed(session, endpoint, since=body.since, now=now)
    else:
        count = outbox.replay_all(session, endpoint, since=body.since)
    endpoints.wake(session, endpoint)
    return WebhookReplayRead(events=count)


@of_deliveries.get("", dependencies=[allow("webhooks:read")])
def list_webhook_deliveries(
    session: ScopedSession,
    paging: PagingParams,
    endpoint_id: WebhookEndpointId | None = None,
    event_id: EventId | None = None,
    status: Annotated[Status | None, Query(description="Which of them.")] = None,
) -> Page[WebhookDeliveryRead]:
    """What went, or goes, to endpoints, newest first."""
    wanted = queries.list_deliveries(endpoint_id=endpoint_id, status=status, event_id=event_id)
    found, next_cursor = list_page(session, wanted, WebhookDelivery.id, paging)
    return Page(items=[_show(one) for one in found], next_cursor=next_cursor)


@of_deliveries.get("/{delivery_id}", dependencies=[allow("webhooks:read")])
def read_webhook_delivery(delivery_id: WebhookDeliveryId, session: ScopedSession) -> WebhookDeliveryShown:
    """A delivery, with what is said and what was answered."""
    delivery = queries.get_delivery(session, delivery_id)
    (message,) = write_messages(session, [delivery])
    shown = _show(delivery).model_dump()
    return WebhookDeliveryShown.model_validate({**shown, "request": message.content, "answer": delivery.reply})


@of_deliveries.post("/{delivery_id}/replay", status_code=202, dependencies=[allow("webhooks:write")])
def replay_webhook_delivery(delivery_id: WebhookDeliveryId, session: ScopedSession, now: Now) -> WebhookDeliveryRead:
    """Send one event again, whatever came of it before."""
    delivery = queries.lock_delivery(session, delivery_id)
    endpoint = queries.get_endpoint(session, delivery.webhook_endpoint_id)
    if not endpoint.enabled:
        raise Conflict("The endpoint is switched off; enable it first.")
    outbox.replay_one(session, delivery, now)
    endpoints.wake(session, endpoint)
    return _show(delivery)


def _public_url(request: Request) -> str:
    url: str = request.app.state.settings.public_url
    return url.rstrip("/")


def _read(session: Session, endpoint: WebhookEndpoint) -> WebhookEndpointRead:
    return WebhookEndpointRead.model_validate(_describe(session, endpoint))


def _with_secret(session: Session, made: endpoints.Made) -> WebhookEndpointSecret:
    return WebhookEndpointSecret.model_validate({**_describe(session, made.endpoint), "secret": made.secret})


def _describe(session: Session, endpoint: WebhookEndpoint) -> dict[str, Any]:
    waiting = queries.count_waiting(session, endpoint.id, outbox.MOST_WAITING)
    return {**endpoint.model_dump(exclude=_SEALED), "waiting": waiting, "feed_no": endpoint.position}


_SEALED = {"sealed_secret", "sealed_previous_secret"}


def _show(delivery: WebhookDelivery) -> WebhookDeliveryRead:
    return WebhookDeliveryRead.model_validate({**delivery.model_dump(), "endpoint_id": delivery.webhook_endpoint_id})

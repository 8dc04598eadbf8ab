"""Reads of endpoints and of what is on its way to them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenants.problems import NotFound
from tenants.session import ScopedSession

_WAITING = text("webhook_delivery.status = 'waiting'")
"""As the indexes have it: a bound value would keep Postgres from knowing that they hold what is asked for."""


def list_endpoints() -> SelectOfScalar[WebhookEndpoint]:
    """The endpoints that are not archived."""
    return select(WebhookEndpoint).where(col(WebhookEndpoint.archived_at).is_(None))


def get_endpoint(session: ScopedSession, endpoint_id: UUID) -> WebhookEndpoint:
    """An endpoint that is not archived. Raises NotFound."""
    found = session.exec(list_endpoints().where(col(WebhookEndpoint.id) == endpoint_id)).one_or_none()
    if found is None:
        raise NotFound
    return found


def lock_endpoint(session: ScopedSession, endpoint_id: UUID) -> WebhookEndpoint:
    """An endpoint that is not archived, for changing it. Raises NotFound."""
    wanted = list_endpoints().where(col(WebhookEndpoint.id) == endpoint_id)
    found = session.exec(wanted.with_for_update()).one_or_none()
    if found is None:
        raise NotFound
    return found


def list_listening_ids(session: ScopedSession, types: Sequence[str]) -> list[UUID]:
    """The enabled endpoints to which some of these types go, in order of their ids."""
    wanted = select(WebhookEndpoint.id).where(
        col(WebhookEndpoint.enabled),
        col(WebhookEndpoint.archived_at).is_(None),
        (col(WebhookEndpoint.event_types) == []) | col(WebhookEndpoint.event_types).op("&&")(list(types)),
    )
    return sorted(session.exec(wanted).all())


def list_deliveries(
    *, endpoint_id: UUID | None, status: str | None, event_id: UUID | None
) -> SelectOfScalar[WebhookDelivery]:
    """Deliveries, of one endpoint, in one status, of one event, or all."""
    wanted = select(WebhookDelivery)
    if endpoint_id is not None:
        wanted = wanted.where(col(WebhookDelivery.webhook_endpoint_id) == endpoint_id)
    if status is not None:
        wanted = wanted.where(col(WebhookDelivery.status) == status)
    if event_id is not None:
        wanted = wanted.where(col(WebhookDelivery.event_id) == event_id)
    return wanted


def get_delivery(session: ScopedSession, delivery_id: UUID) -> WebhookDelivery:
    """A delivery. Raises NotFound."""
    wanted = select(WebhookDelivery).where(col(WebhookDelivery.id) == delivery_id)
    found = session.exec(wanted).one_or_none()
    if found is None:
        raise NotFound
    return found


def lock_delivery(session: ScopedSession, delivery_id: UUID) -> WebhookDelivery:
    """A delivery, for changing it. Raises NotFound."""
    wanted = select(WebhookDelivery).where(col(WebhookDelivery.id) == delivery_id)
    found = session.exec(wanted.with_for_update()).one_or_none()
    if found is None:
        raise NotFound
    return found


def count_waiting(session: ScopedSession, endpoint_id: UUID, most: int) -> int:
    """How many deliveries of an endpoint wait, counted up to `most`."""
    values = {"brand_id": session.scope.brand_id, "endpoint_id": endpoint_id, "most": most}
    return int(session.execute(_COUNT, values).scalar_one())


def list_due(session: ScopedSession, endpoint_id: UUID, due_by: datetime | None, most: int) -> list[UUID]:
    """Deliveries to make now, in the order of the feed: of each customer the first that waits, and no other.

    With `due_by` None the first of all, whenever it is due.
    """
    values = {"brand_id": session.scope.brand_id, "endpoint_id": endpoint_id, "due_by": due_by, "most": most}
    return list(session.execute(_DUE, values).scalars())


def find_next_due_at(session: ScopedSession, endpoint_id: UUID) -> datetime | None:
    """When the next delivery of an endpoint is due, of those that nothing holds up."""
    values = {"brand_id": session.scope.brand_id, "endpoint_id": endpoint_id}
    found: datetime | None = session.execute(_NEXT, values).scalar_one()
    return found


_COUNT = text(
    "SELECT count(*) FROM (SELECT FROM webhook_delivery WHERE brand_id = :brand_id"
    " AND webhook_endpoint_id = :endpoint_id AND status = 'waiting' LIMIT :most) AS waiting"
)
_IS_FREE = """
    brand_id = :brand_id AND webhook_endpoint_id = :endpoint_id AND status = 'waiting' AND NOT EXISTS (
        SELECT FROM webhook_delivery AS before
        WHERE before.brand_id = one.brand_id AND before.webhook_endpoint_id = one.webhook_endpoint_id
          AND before.status = 'waiting' AND before.order_key = one.order_key
          AND (before.feed_no, before.id) < (one.feed_no, one.id)
    )
"""
_DUE = text(
    f"SELECT id FROM webhook_delivery AS one WHERE {_IS_FREE}"
    " AND (CAST(:due_by AS timestamptz) IS NULL OR due_at <= :due_by) ORDER BY feed_no, id LIMIT :most"
)
_NEXT = text(f"SELECT min(due_at) FROM webhook_delivery AS one WHERE {_IS_FREE}")

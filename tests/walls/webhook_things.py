"""Endpoints and what went to them."""

import os
from datetime import timedelta
from uuid import UUID

from app.auth import brand_key_of
from app.webhooks.models import WebhookDelivery, WebhookEndpoint
from app.webhooks.signing import new_secret, secret_purpose
from tenants.tables import utc_now
from tests.walls.making import HEAD_OFFICE, Made, Thing


def _endpoint(made: Made) -> UUID:
    url = f"https://{os.urandom(6).hex()}.example.jp/noren"
    endpoint = WebhookEndpoint(url=url, description=made.name, sealed_secret=b"")
    key = brand_key_of(made.session, made.keyring)
    endpoint.sealed_secret = key.seal(new_secret(), secret_purpose(endpoint.id))
    made.session.add(endpoint)
    made.session.flush()
    for _ in range(2 if made.rich else 0):
        _deliver(made, endpoint.id)
    return endpoint.id


def _deliver(made: Made, endpoint_id: UUID) -> UUID:
    now = utc_now()
    delivery = WebhookDelivery(
        webhook_endpoint_id=endpoint_id,
        type="webhook.test",
        status="failed",
        due_at=now,
        give_up_at=now + timedelta(days=3),
        settled_at=now,
        last_error=made.name,
    )
    made.session.add(delivery)
    made.session.flush()
    return delivery.id


THINGS = {
    "whe": Thing(_endpoint, frozenset({HEAD_OFFICE})),
    "whd": Thing(lambda made: _deliver(made, _endpoint(made)), frozenset({HEAD_OFFICE})),
}

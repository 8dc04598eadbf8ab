"""Signatures by Standard Webhooks 1.0.0: `webhook-id`, `webhook-timestamp`, `webhook-signature`."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from standardwebhooks import Webhook

SECRET_BYTES = 32


def new_secret() -> str:
    """A secret as the receiver's library takes it."""
    return "whsec_" + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def secret_purpose(endpoint_id: UUID) -> str:
    """What a sealed secret is bound to."""
    return f"webhook_endpoint.secret:{endpoint_id}"


def sign(secrets_of_it: Sequence[str], message_id: str, body: str, now: datetime) -> dict[str, str]:
    """The headers that prove a body; with two secrets, while one replaces the other, a signature of each."""
    signatures = [Webhook(secret).sign(message_id, now, body) for secret in secrets_of_it]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }

"""Idempotency-Key where there is no brand yet to keep it in."""

from datetime import datetime
from uuid import UUID

from fastapi import Request
from sqlalchemy import text
from sqlmodel import Session

from app.idempotency import (
    LIFE,
    IdempotencyKeyReused,
    digest_request,
    read_key,
    replay_without_secret,
    take,
)
from tenants.operators.models import OperatorRequest


def claim_request(session: Session, request: Request, operator_key_id: UUID, now: datetime) -> None:
    """Take the request's key. Raises Replay when it was done before, Conflict while its twin runs for too long, and
    IdempotencyKeyReused when the key came with another body.

    The answer holds a secret and is not kept, so the claim alone is enough.
    """
    key = read_key(request.headers)
    if key is None:
        return
    digest = digest_request(request)
    values = {"operator": operator_key_id, "key": key, "digest": digest, "until": now + LIFE, "now": now}
    if take(session, _TAKE, values):
        return
    kept = session.get_one(OperatorRequest, (operator_key_id, key))
    if kept.request_digest != digest:
        raise IdempotencyKeyReused
    raise replay_without_secret()


_TAKE = text(
    """
    INSERT INTO operator_request AS kept (operator_key_id, key, request_digest, kept_until)
    VALUES (:operator, :key, :digest, :until)
    ON CONFLICT (operator_key_id, key) DO UPDATE
    SET request_digest = excluded.request_digest, kept_until = excluded.kept_until
    WHERE kept.kept_until < :now
    RETURNING 1
    """
)


def forget_requests(session: Session, now: datetime) -> None:
    """Drop the keys whose day has passed."""
    session.execute(text("DELETE FROM operator_request WHERE kept_until < :now"), {"now": now})

"""Idempotency-Key: the key, its body's hash and the answer are written in the effect's own transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar
from uuid import UUID

from fastapi import Request, Response
from psycopg.errors import LockNotAvailable
from sqlalchemy import LargeBinary, TextClause, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import OperationalError
from sqlmodel import Field, Session

from app.audit.requests import customers_in
from tenants.problems import Conflict, Invalid, Problem
from tenants.scope import Scope
from tenants.sealing import BrandKey
from tenants.session import ScopedSession
from tenants.tables import BrandRow, Instant

LIFE = timedelta(hours=24)
WAIT_SECONDS = 5


class IdempotencyKey(BrandRow, table=True):
    """One key of one caller, with the first 2xx answer, sealed; `answer` is null while it runs and for secrets."""

    caller_id: UUID = Field(primary_key=True)
    key: str = Field(primary_key=True)
    request_digest: bytes = Field(sa_type=LargeBinary)
    kept_until: datetime = Field(sa_type=Instant)
    status: int | None = None
    media_type: str | None = None
    answer: bytes | None = Field(default=None, sa_type=LargeBinary)
    customer_ids: list[UUID] | None = Field(default=None, sa_type=ARRAY(Uuid))
    """The persons whom the answer names: it goes when one of them is erased."""


@dataclass(eq=False)
class IdempotencyKeyReused(Problem):
    """This Idempotency-Key was used with another request."""

    status: ClassVar[int] = 422


class Replay(Exception):
    """Not an error: this request was answered before, and `response` is that answer."""

    def __init__(self, response: Response) -> None:
        self.response = response


@dataclass(frozen=True)
class Claim:
    """A key taken by the running request; its answer is kept in the same session."""

    session: ScopedSession
    caller_id: UUID
    key: str
    brand_key: BrandKey
    request: Request


def claim_key(
    session: ScopedSession, request: Request, caller_id: UUID, brand_key: BrandKey, now: datetime, seen: Scope
) -> Claim | None:
    """Take the request's key, or raise Replay with the first answer, which is for whom sees the same stores (`seen`).

    A twin that comes while the first runs waits on the unique key, and after five seconds gets a Conflict.
    A file that was refused before it was received has no body to know it by, and takes no key.
    Raises IdempotencyKeyReused when the same key came with another body, path or method.
    """
    key = read_key(request.headers)
    if key is None or request.method != "POST" or not hasattr(request, "_body"):
        return None
    digest = digest_request(request, seen)
    values = {
        "brand_id": session.scope.brand_id,
        "caller_id": caller_id,
        "key": key,
        "digest": digest,
        "until": now + LIFE,
        "now": now,
    }
    if take(session, _TAKE, values):
        return Claim(session, caller_id, key, brand_key, request)
    kept = session.get_one(IdempotencyKey, (session.scope.brand_id, caller_id, key))
    if kept.request_digest != digest:
        raise IdempotencyKeyReused
    if kept.answer is None:
        raise replay_without_secret()
    body = brand_key.unseal(kept.answer, answer_purpose(caller_id, key))
    raise Replay(Response(body, kept.status or 200, {"Idempotent-Replayed": "true"}, kept.media_type))


def take(session: Session, statement: TextClause, values: Mapping[str, Any]) -> bool:
    """Whether this insert of a key was the first. Raises Conflict while its twin runs for more than five seconds."""
    session.execute(text(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'"))
    try:
        taken = session.execute(statement, values).one_or_none()
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
        raise Conflict("The first request with this Idempotency-Key is still running.") from error
    session.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
    return taken is not None


def digest_request(request: Request, seen: Scope | None = None) -> bytes:
    """What must be the same for a request to be the same: method, path and query, body, and the stores that its caller
    sees."""
    stores = "all" if seen is None or seen.store_nos is None else sorted(seen.store_nos)
    asked = f"?{request.url.query}" if request.url.query else ""
    return sha256(f"{request.method} {request.url.path}{asked} {stores}\n".encode() + request._body).digest()


def replay_without_secret() -> Replay:
    """The answer to a request that was done before and answered with a secret."""
    body = b'{"detail":"This was done before; its answer held a secret and is not repeated."}'
    return Replay(Response(body, 200, {"Idempotent-Replayed": "true"}, "application/json"))


# A key whose day has passed is taken over as if it were new.
_TAKE = text(
    """
    INSERT INTO idempotency_key AS kept (brand_id, caller_id, key, request_digest, kept_until)
    VALUES (:brand_id, :caller_id, :key, :digest, :until)
    ON CONFLICT (brand_id, caller_id, key) DO UPDATE
    SET request_digest = excluded.request_digest, kept_until = excluded.kept_until, answer = NULL, status = NULL
    WHERE kept.kept_until < :now
    RETURNING 1
    """
)


def keep_answer(claim: Claim, response: Response) -> None:
    """Write the answer beside its effect, before the commit; answers that carry a secret are not kept."""
    secret = getattr(claim.request.state, "answer_is_secret", False)
    sealed = None
    if not secret:
        sealed = claim.brand_key.seal(bytes(response.body), answer_purpose(claim.caller_id, claim.key))
    claim.session.execute(
        _KEEP,
        {
            "brand_id": claim.session.scope.brand_id,
            "caller_id": claim.caller_id,
            "key": claim.key,
            "status": response.status_code,
            "media_type": response.headers.get("content-type"),
            "answer": sealed,
            "customer_ids": customers_in(claim.request, bytes(response.body)) if sealed is not None else None,
        },
    )


_KEEP = text(
    "UPDATE idempotency_key SET status = :status, media_type = :media_type, answer = :answer,"
    " customer_ids = CAST(:customer_ids AS uuid[])"
    " WHERE brand_id = :brand_id AND caller_id = :caller_id AND key = :key"
)


def answer_purpose(caller_id: UUID, key: str) -> str:
    """The place a kept answer is sealed to."""
    return f"idempotency:{caller_id}:{key}"


def read_key(headers: Mapping[str, str]) -> str | None:
    """The key, quoted as the draft standard asks or bare as most clients write it."""
    raw = headers.get("idempotency-key")
    if raw is None:
        return None
    key = raw.strip()
    if key.startswith('"'):
        key = key[1:-1] if len(key) > 2 and key.endswith('"') else ""
    if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise Invalid.at("/header/idempotency-key", "Must be 1 to 255 printable ASCII characters, bare or quoted.")
    return key

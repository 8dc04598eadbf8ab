"""What our pages keep in a browser, sealed under its brand's key, with the brand's id before it."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from typing import Any
from uuid import UUID

import orjson
from fastapi import Request
from sqlmodel import select

from app.auth import brand_key_of
from tenants.brands.models import Brand
from tenants.scope import Scope
from tenants.sealing import BrandKey, Unsealable
from tenants.session import ScopedSession, open_session


def write_sealed(brand_id: UUID, key: BrandKey, values: Any, purpose: str) -> str:
    """These values as text for a cookie or a header."""
    return urlsafe_b64encode(brand_id.bytes + key.seal(orjson.dumps(values), purpose)).decode().rstrip("=")


def open_sealed(request: Request, written: str, purpose: str) -> tuple[UUID, Any] | None:
    """The brand's id and the values; None for what is not ours, of another purpose, or of a brand that is gone."""
    try:
        raw = urlsafe_b64decode(written + "=" * (-len(written) % 4))
    except (NotBase64, ValueError):
        return None
    if len(raw) <= 16:
        return None
    brand_id = UUID(bytes=raw[:16])
    with open_session(request.app.state.engine, Scope(brand_id)) as session:
        key = find_key(request, session)
    if key is None:
        return None
    try:
        return brand_id, orjson.loads(key.unseal(raw[16:], purpose))
    except Unsealable:
        return None


def find_key(request: Request, session: ScopedSession) -> BrandKey | None:
    """The key of the session's brand; None if there is no such brand, or it goes."""
    status = session.exec(select(Brand.status)).one_or_none()
    return brand_key_of(session, request.app.state.keyring) if status in ("active", "suspended") else None

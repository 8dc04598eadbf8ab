"""Verbs on brands."""

from datetime import datetime

from sqlmodel import col, select

from tenants.brands.models import Brand
from tenants.problems import Conflict, NotFound
from tenants.sealing import Keyring
from tenants.session import ScopedSession


def create_brand(session: ScopedSession, keyring: Keyring, *, name: str, timezone: str) -> Brand:
    """A new brand with a data key of its own, under the id of the session's scope: the wall lets in no other."""
    brand_id = session.scope.brand_id
    master_key_id, wrapped_key = keyring.wrap_new_key(brand_id)
    brand = Brand(id=brand_id, name=name, timezone=timezone, master_key_id=master_key_id, wrapped_key=wrapped_key)
    session.add(brand)
    session.flush()
    return brand


def lock_brand(session: ScopedSession) -> Brand:
    """The session's brand, for changing it. Raises NotFound.

    Whoever writes rows that refer to it, such as a launch, is not waited for: its key does not change.
    """
    wanted = select(Brand).where(col(Brand.id) == session.scope.brand_id).with_for_update(key_share=True)
    brand = session.exec(wanted).one_or_none()
    if brand is None:
        raise NotFound
    return brand


def suspend_brand(session: ScopedSession, brand: Brand, *, reason: str, now: datetime) -> None:
    """Let a brand send nothing until it is resumed. What is in flight ends. Raises Conflict unless it is active."""
    if brand.status != "active":
        raise Conflict(f"The brand is {brand.status}; only an active one can be suspended.")
    brand.status, brand.suspended_at, brand.suspended_reason = "suspended", now, reason
    session.add(brand)
    session.flush()


def resume_brand(session: ScopedSession, brand: Brand) -> None:
    """Let a suspended brand send again. Raises Conflict unless it is suspended."""
    if brand.status != "suspended":
        raise Conflict(f"The brand is {brand.status}; only a suspended one can be resumed.")
    brand.status, brand.suspended_at, brand.suspended_reason = "active", None, None
    session.add(brand)
    session.flush()

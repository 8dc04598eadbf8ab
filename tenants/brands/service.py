"""Verbs on brands."""

from sqlmodel import col, select

from tenants.brands.models import Brand
from tenants.problems import NotFound
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
    """The session's brand, for changing it. Raises NotFound."""
    wanted = select(Brand).where(col(Brand.id) == session.scope.brand_id).with_for_update()
    brand = session.exec(wanted).one_or_none()
    if brand is None:
        raise NotFound
    return brand

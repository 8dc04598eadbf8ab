"""Reads of brands, and the small integers that a brand gives out."""

from uuid import UUID

from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from tenants.brands.models import Brand
from tenants.brands.problems import BrandSuspended, SendingStopped
from tenants.problems import NotFound
from tenants.session import ScopedSession


def get_brand(session: Session, brand_id: UUID) -> Brand:
    """The brand of this scope. Raises NotFound."""
    brand = session.exec(select(Brand).where(col(Brand.id) == brand_id)).one_or_none()
    if brand is None:
        raise NotFound
    return brand


def get_sending_brand(session: ScopedSession) -> Brand:
    """The session's brand, which may send. Raises BrandSuspended, SendingStopped."""
    brand = get_brand(session, session.scope.brand_id)
    if brand.suspended_at is not None:
        raise BrandSuspended(brand.suspended_at)
    if brand.sending_stopped_at is not None:
        raise SendingStopped(brand.sending_stopped_at, brand.sending_stopped_reason)
    return brand


def next_no(session: ScopedSession, kind: str) -> int:
    """The next small integer of a kind (`store`, `tag`, `line_account`) in this brand, never given twice."""
    take = text(
        "INSERT INTO counter (brand_id, kind, value) VALUES (:brand_id, :kind, 1)"
        " ON CONFLICT (brand_id, kind) DO UPDATE SET value = counter.value + 1 RETURNING value"
    )
    return int(session.execute(take, {"brand_id": session.scope.brand_id, "kind": kind}).scalar_one())


def list_brand_ids(engine: Engine) -> list[UUID]:
    """Every brand of this installation, oldest first: for the clock's tasks, which open one brand after the other."""
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT list_brand_ids()")).scalars())

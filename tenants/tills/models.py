"""The tills of a store: browsers that may redeem at its counter, and nothing else."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Index, LargeBinary
from sqlmodel import Field

from tenants.tables import BrandTable, Instant, refer

TillStatus = Literal["invited", "locked", "expired", "active", "revoked"]


class TillDevice(BrandTable, table=True):
    """A browser at the counter of one store; before somebody opens its link with the PIN, the invitation to be one."""

    __table_args__ = refer(
        Index("ix_till_device_brand_id_store_no", "brand_id", "store_no"),
        store_id="store",
    )

    store_id: UUID
    store_no: int
    name: str
    pin_digest: bytes = Field(sa_type=LargeBinary)
    """An HMAC under the brand's key, so that the six digits cannot be tried by whoever reads the database."""
    wrong_pins: int = 0
    """How often a wrong PIN was typed; the fifth spends the link."""
    invited_until: datetime = Field(sa_type=Instant)
    opened_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it was signed in, from when on its link is spent."""
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)

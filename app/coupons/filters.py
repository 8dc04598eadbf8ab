"""What lists of copies and of their uses are filtered by."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.coupons.codes import find_code
from app.customers.queries import list_ids_of
from app.schemas import CouponId, CustomerId
from tenants.session import ScopedSession

CouponFilter = Annotated[CouponId | None, Query(description="Of this coupon.")]
CustomerFilter = Annotated[CustomerId | None, Query(description="Of this customer.")]
CodeFilter = Annotated[str | None, Query(max_length=64, description="With this code, as shown or typed.")]


def ids_of(session: ScopedSession, customer_id: UUID | None) -> list[UUID] | None:
    """All ids that stand for the customer to filter by; None where none is given."""
    return list_ids_of(session, customer_id) if customer_id is not None else None


def searched(code: str | None) -> str | None:
    """The code to search for; what cannot be a code is searched for as it stands and found nowhere."""
    return code if code is None else find_code(code) or code

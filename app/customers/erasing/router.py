"""Receipts of erasures over HTTP."""

from typing import Any

from fastapi import APIRouter, Depends

from app.auth import Caller, ScopedSession, allow
from app.customers.erasing import queries
from app.customers.erasing.models import ErasureReceipt
from app.customers.erasing.schemas import ErasureRead
from app.paging import PagingParams, make_page
from app.routes import ApiRoute
from app.schemas import CustomerId, ErasureReceiptId, Page
from tenants.problems import PermissionMissing

router = APIRouter(prefix="/v1/erasures", tags=["customers"], route_class=ApiRoute)
routers = [router]


def require_whole_brand(caller: Caller) -> None:
    """Raises PermissionMissing for who sees some stores only: a receipt tells what there was at all of them."""
    if caller.is_stores:
        raise PermissionMissing("customers:erase")


RECEIPTS: Any = [allow("customers:erase"), Depends(require_whole_brand)]


@router.get("", dependencies=RECEIPTS)
def list_erasures(
    session: ScopedSession, paging: PagingParams, customer_id: CustomerId | None = None
) -> Page[ErasureRead]:
    """Receipts of erasures, newest first."""
    return make_page(session, queries.list_receipts(customer_id), ErasureReceipt.id, paging, ErasureRead.model_validate)


@router.get("/{erasure_id}", dependencies=RECEIPTS)
def get_erasure(erasure_id: ErasureReceiptId, session: ScopedSession) -> ErasureRead:
    """The receipt of one erasure."""
    return ErasureRead.model_validate(queries.get_receipt(session, erasure_id))

"""Reads of receipts."""

from typing import Any
from uuid import UUID

from sqlmodel import col, select

from app.customers.erasing.models import ErasureReceipt
from tenants.problems import NotFound
from tenants.session import ScopedSession


def list_receipts(customer_id: UUID | None = None) -> Any:
    """Receipts, of everybody or of one person, to be paged."""
    receipts = select(ErasureReceipt)
    return receipts if customer_id is None else receipts.where(col(ErasureReceipt.customer_id) == customer_id)


def get_receipt(session: ScopedSession, receipt_id: UUID) -> ErasureReceipt:
    """One receipt. Raises NotFound."""
    receipt = session.exec(select(ErasureReceipt).where(col(ErasureReceipt.id) == receipt_id)).one_or_none()
    if receipt is None:
        raise NotFound
    return receipt

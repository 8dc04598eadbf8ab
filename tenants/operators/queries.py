"""Reads of operators' keys, support grants and receipts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from tenants.line_accounts.models import LineAccount
from tenants.operators.models import DeletionReceipt, OperatorKey, SupportGrant
from tenants.problems import NotFound
from tenants.stores.models import Store


def find_operator_key(session: Session, digest: bytes, now: datetime) -> OperatorKey | None:
    """The operator's key of this hash, unless it has ended."""
    key = session.exec(select(OperatorKey).where(col(OperatorKey.digest) == digest)).one_or_none()
    if key is None or key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        return None
    return key


def list_operator_keys(session: Session) -> Sequence[OperatorKey]:
    """Every key of an operator, the revoked ones too, newest first."""
    return session.exec(select(OperatorKey).order_by(col(OperatorKey.id).desc())).all()


def lock_operator_key(session: Session, key_id: UUID) -> OperatorKey:
    """An operator's key that is not revoked, for changing it. Raises NotFound."""
    wanted = select(OperatorKey).where(col(OperatorKey.id) == key_id, col(OperatorKey.revoked_at).is_(None))
    key = session.exec(wanted.with_for_update()).one_or_none()
    if key is None:
        raise NotFound
    return key


def all_grants() -> SelectOfScalar[SupportGrant]:
    """Every support grant of the brand, ended ones too: the brand may see who could look in, and when."""
    return select(SupportGrant)


def get_grant(session: Session, grant_id: UUID) -> SupportGrant:
    """A support grant, ended or not. Raises NotFound."""
    grant = session.exec(all_grants().where(col(SupportGrant.id) == grant_id)).one_or_none()
    if grant is None:
        raise NotFound
    return grant


def lock_grant(session: Session, grant_id: UUID) -> SupportGrant:
    """A support grant, for ending it. Raises NotFound."""
    grant = session.exec(all_grants().where(col(SupportGrant.id) == grant_id).with_for_update()).one_or_none()
    if grant is None:
        raise NotFound
    return grant


def count_places(session: Session) -> tuple[int, int]:
    """How many stores and how many LINE accounts the brand has that are not archived."""
    stores = select(func.count()).select_from(Store).where(col(Store.archived_at).is_(None))
    accounts = select(func.count()).select_from(LineAccount).where(col(LineAccount.archived_at).is_(None))
    return session.exec(stores).one(), session.exec(accounts).one()


def all_receipts() -> SelectOfScalar[DeletionReceipt]:
    """Receipts of brands that are deleted or being deleted."""
    return select(DeletionReceipt)


def get_receipt(session: Session, brand_id: UUID) -> DeletionReceipt:
    """The receipt of a brand's deletion. Raises NotFound."""
    receipt = session.exec(all_receipts().where(col(DeletionReceipt.deleted_brand_id) == brand_id)).one_or_none()
    if receipt is None:
        raise NotFound
    return receipt


def lock_receipt(session: Session, brand_id: UUID) -> DeletionReceipt:
    """The receipt of a brand's deletion, as it stands now, for finishing it. Raises NotFound."""
    wanted = all_receipts().where(col(DeletionReceipt.deleted_brand_id) == brand_id).with_for_update()
    receipt = session.exec(wanted).one_or_none()
    if receipt is None:
        raise NotFound
    return receipt

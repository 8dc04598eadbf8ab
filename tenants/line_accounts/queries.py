"""Reads of LINE accounts."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from tenants.line_accounts.models import LineAccount, LineAccountStore
from tenants.problems import NotFound


def live_accounts() -> SelectOfScalar[LineAccount]:
    """Accounts that are not archived."""
    return select(LineAccount).where(col(LineAccount.archived_at).is_(None))


def get_account(session: Session, account_id: UUID) -> LineAccount:
    """A live account. Raises NotFound."""
    account = session.exec(live_accounts().where(col(LineAccount.id) == account_id)).one_or_none()
    if account is None:
        raise NotFound
    return account


def lock_account(session: Session, account_id: UUID) -> LineAccount:
    """A live account, for changing it. Raises NotFound."""
    wanted = live_accounts().where(col(LineAccount.id) == account_id).with_for_update()
    account = session.exec(wanted).one_or_none()
    if account is None:
        raise NotFound
    return account


def list_store_ids(session: Session, account_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """The stores of each of these accounts that the scope sees, by number."""
    ties = session.exec(
        select(LineAccountStore.line_account_id, LineAccountStore.store_id)
        .where(col(LineAccountStore.line_account_id).in_(account_ids))
        .order_by(col(LineAccountStore.store_no))
    ).all()
    found: dict[UUID, list[UUID]] = {account_id: [] for account_id in account_ids}
    for account_id, store_id in ties:
        found[account_id].append(store_id)
    return found

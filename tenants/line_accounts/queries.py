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


def find_account_of_channel(session: Session, channel_id: str) -> LineAccount | None:
    """The live account of a channel."""
    return session.exec(live_accounts().where(col(LineAccount.channel_id) == channel_id)).one_or_none()


def lock_account(session: Session, account_id: UUID) -> LineAccount:
    """A live account, for changing it. Raises NotFound.

    Whoever writes rows that refer to it, such as a launch, is not waited for: its key does not change.
    """
    wanted = live_accounts().where(col(LineAccount.id) == account_id).with_for_update(key_share=True)
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


def list_ids_by_store(session: Session, store_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """The live accounts that speak for each of these stores, oldest first."""
    ties = session.exec(
        select(LineAccountStore.store_id, LineAccountStore.line_account_id)
        .join(LineAccount, col(LineAccount.id) == col(LineAccountStore.line_account_id))
        .where(col(LineAccountStore.store_id).in_(store_ids), col(LineAccount.archived_at).is_(None))
        .order_by(col(LineAccount.no))
    ).all()
    found: dict[UUID, list[UUID]] = {store_id: [] for store_id in store_ids}
    for store_id, account_id in ties:
        found[store_id].append(account_id)
    return found


def lock_accounts_of_area(session: Session, area_id: UUID) -> Sequence[LineAccount]:
    """The live accounts that belong to an area, for changing them."""
    of_area = live_accounts().where(col(LineAccount.area_id) == area_id).order_by(col(LineAccount.id))
    return session.exec(of_area.with_for_update()).all()


def lock_accounts_of_store(session: Session, store_id: UUID) -> Sequence[LineAccount]:
    """The accounts that speak for a store, for changing them."""
    of_store = (
        select(LineAccount)
        .join(LineAccountStore, col(LineAccountStore.line_account_id) == col(LineAccount.id))
        .where(col(LineAccountStore.store_id) == store_id)
        .order_by(col(LineAccount.id))
    )
    return session.exec(of_store.with_for_update(of=LineAccount)).all()

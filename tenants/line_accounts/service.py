"""Verbs on LINE accounts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hmac import compare_digest
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete

from tenants.brands.queries import next_no
from tenants.constraints import violates
from tenants.line_accounts.models import LineAccount, LineAccountStore
from tenants.line_accounts.problems import ChannelTaken
from tenants.sealing import BrandKey, Unsealable
from tenants.session import ScopedSession
from tenants.stores.models import Store


def register_account(
    session: ScopedSession,
    key: BrandKey,
    values: Mapping[str, Any],
    *,
    secret: str,
    stores: Sequence[Store],
    login_secret: str | None = None,
) -> LineAccount:
    """A new account that speaks for these stores, its secrets sealed. `values` are columns by name.

    Raises ChannelTaken.
    """
    account = LineAccount(no=next_no(session, "line_account"), sealed_secret=b"", **values)
    account.sealed_secret = key.seal(secret, secret_purpose(account.id))
    replace_login_secret(account, key, login_secret)
    account.store_nos = [store.no for store in stores]
    session.add(account)
    _flush(session, account)
    _tie(session, account, stores)
    return account


def change_account(session: ScopedSession, account: LineAccount, changes: Mapping[str, Any]) -> None:
    """Change columns of an account; of another channel no check has found anything yet. Raises ChannelTaken."""
    if any(changes.get(name, getattr(account, name)) != getattr(account, name) for name in ("channel_id", "mode")):
        for name in _FOUND:
            setattr(account, name, None)
        account.status = "unchecked"
    account.sqlmodel_update(dict(changes))
    _flush(session, account)


_FOUND = (
    "status_detail", "bot_user_id", "basic_id", "premium_id", "display_name", "picture_url", "chat_mode",
    "is_verified", "findings", "checked_at", "heard_at", "backfill", "sealed_previous_secret", "previous_secret_until",
)  # fmt: skip
"""What is known of a channel and holds for no other."""


def replace_secret(account: LineAccount, key: BrandKey, secret: str, *, previous_until: datetime | None = None) -> None:
    """Seal the channel's new secret: LINE ends the old one at once.

    Until `previous_until` webhooks that the old one signed are still taken: LINE may have sent them before.
    """
    account.sealed_previous_secret = None if previous_until is None else account.sealed_secret
    account.previous_secret_until = previous_until
    account.sealed_secret = key.seal(secret, secret_purpose(account.id))
    account.status, account.status_detail = "unchecked", None


def replace_login_secret(account: LineAccount, key: BrandKey, secret: str | None) -> None:
    """Seal the secret of the LINE Login channel; None forgets it."""
    account.sealed_login_secret = None if secret is None else key.seal(secret, login_secret_purpose(account.id))


def open_secret(account: LineAccount, key: BrandKey) -> str:
    """The channel secret. Raises Unsealable."""
    return key.unseal(account.sealed_secret, secret_purpose(account.id)).decode()


def holds_secret(account: LineAccount, key: BrandKey, secret: str) -> bool:
    """Whether this is the account's channel secret; not where what is kept does not open."""
    try:
        return compare_digest(open_secret(account, key).encode(), secret.encode())
    except Unsealable:
        return False


def open_login_secret(account: LineAccount, key: BrandKey) -> str | None:
    """The secret of the LINE Login channel, where one is known. Raises Unsealable."""
    if account.sealed_login_secret is None:
        return None
    return key.unseal(account.sealed_login_secret, login_secret_purpose(account.id)).decode()


def archive_account(account: LineAccount, now: datetime) -> None:
    """Take an account out of use; its friends and its history stay."""
    account.archived_at = now


def set_stores(session: ScopedSession, account: LineAccount, stores: Sequence[Store]) -> None:
    """Let an account speak for these stores and no others."""
    session.exec(delete(LineAccountStore).where(col(LineAccountStore.line_account_id) == account.id))
    _tie(session, account, stores)


def join_store(session: ScopedSession, account: LineAccount, store: Store) -> None:
    """Let an account speak for one more store."""
    session.add(LineAccountStore(line_account_id=account.id, store_id=store.id, store_no=store.no))
    account.store_nos = sorted({*account.store_nos, store.no})
    session.flush()


def leave_store(session: ScopedSession, account: LineAccount, store: Store) -> None:
    """Let an account speak for this store no more."""
    ties = delete(LineAccountStore).where(col(LineAccountStore.store_id) == store.id)
    session.exec(ties.where(col(LineAccountStore.line_account_id) == account.id))
    account.store_nos = [no for no in account.store_nos if no != store.no]
    session.flush()


def _tie(session: ScopedSession, account: LineAccount, stores: Sequence[Store]) -> None:
    session.add_all(
        LineAccountStore(line_account_id=account.id, store_id=store.id, store_no=store.no) for store in stores
    )
    account.store_nos = sorted(store.no for store in stores)
    session.flush()


def secret_purpose(account_id: UUID) -> str:
    """The place a channel secret is sealed to, the present one and the one before."""
    return f"line_account.secret:{account_id}"


def login_secret_purpose(account_id: UUID) -> str:
    """The place the secret of a LINE Login channel is sealed to."""
    return f"line_account.login_secret:{account_id}"


def _flush(session: ScopedSession, account: LineAccount) -> None:
    channel_id = account.channel_id  # after a failed flush the row can no longer be read
    try:
        session.flush()
    except IntegrityError as error:
        # Twins of one millisecond, equal requests with one Idempotency-Key, have the same id for the same channel.
        if violates(error, "uq_line_account_brand_id_channel_id") or violates(error, "pk_line_account"):
            raise ChannelTaken(channel_id) from error
        raise

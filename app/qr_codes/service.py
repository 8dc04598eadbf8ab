"""Verbs on QR codes."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlmodel import col, select

from app.qr_codes.models import QrCode
from tenants.line_accounts.models import LineAccount, LineAccountStore
from tenants.problems import Invalid
from tenants.session import ScopedSession
from tenants.stores.models import Store

LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without 0, 1, i, l and o: somebody may have to read a code from paper."""
LENGTH: Final = 12


def create_code(
    session: ScopedSession, values: Mapping[str, Any], *, account: LineAccount, store: Store | None, now: datetime
) -> QrCode:
    """A new code of an account, or of one of its stores. Raises Invalid for a store that the account does not serve."""
    if store is not None and not _serves(session, account, store):
        raise Invalid.at("/store_id", "Must be a store of the account.")
    store_nos = account.store_nos if store is None else [store.no]
    code = QrCode(
        **values,
        code="".join(secrets.choice(LETTERS) for _ in range(LENGTH)),
        line_account_id=account.id,
        store_id=store.id if store else None,
        store_nos=list(store_nos),
        created_at=now,
    )
    session.add(code)
    session.flush()
    return code


def change_code(session: ScopedSession, code: QrCode, changes: Mapping[str, Any]) -> None:
    """Change what a code is called."""
    code.sqlmodel_update(dict(changes))
    session.flush()


def archive_code(session: ScopedSession, code: QrCode, now: datetime) -> None:
    """Take a code out of use: who scans it is told so. What came of it stays."""
    code.archived_at = now
    session.flush()


def _serves(session: ScopedSession, account: LineAccount, store: Store) -> bool:
    tie = select(LineAccountStore.store_no).where(
        col(LineAccountStore.line_account_id) == account.id, col(LineAccountStore.store_id) == store.id
    )
    return session.exec(tie).first() is not None

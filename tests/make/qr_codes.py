"""QR codes."""

import secrets
from typing import Any

from app.qr_codes.models import QrCode
from app.qr_codes.service import LENGTH, LETTERS
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession
from tenants.stores.models import Store


def qr_code(session: ScopedSession, account: LineAccount, store: Store | None = None, **changes: Any) -> QrCode:
    """A code of an account, or of one of its stores."""
    values = {
        "code": "".join(secrets.choice(LETTERS) for _ in range(LENGTH)),
        "name": "レジ横",
        "kind": "store",
        "line_account_id": account.id,
        "store_id": store.id if store else None,
        "store_nos": [store.no] if store else list(account.store_nos),
    }
    row = QrCode(**{**values, **changes})
    session.add(row)
    session.flush()
    return row

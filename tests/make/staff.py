"""Staff, and browsers that they are signed in with."""

from datetime import datetime, timedelta
from typing import Any

from app.keys import digest_of, new_secret
from tenants.ids import uuid7
from tenants.session import ScopedSession
from tenants.staff import service, sessions
from tenants.staff.models import Staff, StaffSession
from tenants.stores.models import Store
from tenants.tables import utc_now

ISSUER = "https://id.example.jp"


def staff(session: ScopedSession, role: str = "hq_admin", *stores: Store, **changes: Any) -> Staff:
    """An active member of staff, over all stores unless some are named."""
    values = {
        "name": "山田 花子",
        "email": f"{uuid7().hex}@example.jp",
        "issuer": ISSUER,
        "subject": uuid7().hex,
        "all_stores": not stores and role not in ("store_manager", "clerk"),
    }
    row = Staff(role=role, **{**values, **changes})
    session.add(row)
    session.flush()
    service.set_stores(session, row, None if row.all_stores else stores)
    return row


def staff_session(session: ScopedSession, row: Staff, **changes: datetime) -> tuple[StaffSession, str]:
    """A browser that is signed in, with its secret."""
    secret = new_secret("session")
    browser = sessions.open_new(session, row, digest_of(secret), utc_now() - timedelta(seconds=1))
    browser.sqlmodel_update(changes)
    session.flush()
    return browser, secret

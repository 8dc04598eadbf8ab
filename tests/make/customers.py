"""Customers, their friends and tags."""

import os
from typing import Any

from sqlmodel import col, select

from app.customers.models import Customer, CustomerStore, Friend, Identity, Tag
from tenants.brands.queries import next_no
from tenants.line_accounts.models import LineAccount, LineAccountStore
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tables import utc_now


def customer(session: ScopedSession, *stores: Store, **changes: Any) -> Customer:
    """A person tied to these stores."""
    row = Customer(**{"name": "山田花子", "store_nos": sorted(one.no for one in stores), **changes})
    session.add(row)
    session.flush()
    session.add_all(CustomerStore(customer_id=row.id, store_id=one.id, store_no=one.no) for one in stores)
    session.flush()
    return row


def line_user_id() -> str:
    """A new LINE user id."""
    return "U" + os.urandom(16).hex()


def friend(session: ScopedSession, account: LineAccount, customer: Customer | None = None, **changes: Any) -> Friend:
    """A tie between an account and a person (a new one unless given), following; her summary says so too."""
    person = customer or Customer(name="山田花子")
    session.add(person)
    session.flush()
    user_id = changes.pop("line_user_id", None) or line_user_id()
    identity = Identity(customer_id=person.id, provider_id=account.provider_id, line_user_id=user_id)
    session.add(identity)
    session.flush()
    values = {
        "line_account_id": account.id,
        "account_no": account.no,
        "identity_id": identity.id,
        "customer_id": person.id,
        "store_nos": list(account.store_nos),
        "status": "following",
        "source": "follow",
        "followed_at": utc_now(),
        "changed_at": utc_now(),
    }
    row = Friend(**{**values, **changes})
    session.add(row)
    if row.status == "following":
        person.account_nos = sorted({*person.account_nos, account.no})
    ties = session.exec(select(LineAccountStore).where(col(LineAccountStore.line_account_id) == account.id)).all()
    for tie in ties:
        if tie.store_no not in person.store_nos:
            session.add(CustomerStore(customer_id=person.id, store_id=tie.store_id, store_no=tie.store_no))
    person.store_nos = sorted({*person.store_nos, *account.store_nos})
    session.flush()
    return row


def tag(session: ScopedSession, store: Store | None = None, **changes: Any) -> Tag:
    """A tag of head office, or of a store."""
    no = next_no(session, "tag")
    row = Tag(**{"no": no, "name": f"タグ{no}", **changes})
    if store is not None:
        row.store_id, row.store_no = store.id, store.no
    session.add(row)
    session.flush()
    return row

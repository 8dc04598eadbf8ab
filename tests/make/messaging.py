"""People who can be written to, and what accounts may send."""

import os
from typing import Any

from app.customers.models import Customer, CustomerStore, Friend, Identity
from app.messaging.line_quota import store_line_quota
from tenants.ids import uuid7
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tables import utc_now


def follower(session: ScopedSession, *accounts: LineAccount, home: Store | None = None, **changes: Any) -> Customer:
    """A person who follows these accounts of one provider."""
    values = {
        "name": "山田 花子",
        "account_nos": [account.no for account in accounts],
        "store_nos": sorted({no for account in accounts for no in account.store_nos} | ({home.no} if home else set())),
        "home_store_id": home.id if home else None,
        "home_store_no": home.no if home else None,
    }
    customer = Customer(**{**values, **changes})
    session.add(customer)
    session.flush()
    provider_id = accounts[0].provider_id if accounts else "provider-1"
    identity = Identity(customer_id=customer.id, provider_id=provider_id, line_user_id="U" + os.urandom(16).hex())
    session.add(identity)
    session.flush()
    for account in accounts:
        session.add(
            Friend(
                line_account_id=account.id,
                account_no=account.no,
                identity_id=identity.id,
                customer_id=customer.id,
                store_nos=account.store_nos,
                status="following",
                followed_at=utc_now(),
                changed_at=utc_now(),
            )
        )
    session.flush()
    return customer


def followers(session: ScopedSession, account: LineAccount, count: int) -> list[Customer]:
    """So many people who follow this account, in three statements."""
    now = utc_now()
    where: dict[str, Any] = {"account_nos": [account.no], "store_nos": list(account.store_nos)}
    people = [Customer(id=uuid7(), name=f"客{number}", **where) for number in range(count)]
    session.add_all(people)
    session.flush()
    identities = [
        Identity(id=uuid7(), customer_id=one.id, provider_id=account.provider_id, line_user_id=f"U{one.id.hex}")
        for one in people
    ]
    session.add_all(identities)
    session.flush()
    session.add_all(
        Friend(
            line_account_id=account.id,
            account_no=account.no,
            identity_id=identity.id,
            customer_id=identity.customer_id,
            store_nos=account.store_nos,
            status="following",
            followed_at=now,
            changed_at=now,
        )
        for identity in identities
    )
    session.flush()
    return people


def visit(session: ScopedSession, customer: Customer, store: Store, **changes: Any) -> CustomerStore:
    """What a person did at a store."""
    row = CustomerStore(customer_id=customer.id, store_id=store.id, store_no=store.no, **changes)
    session.add(row)
    session.flush()
    return row


def quota(session: ScopedSession, account: LineAccount, limit: int | None, used: int = 0) -> None:
    """What LINE lets an account send this month."""
    store_line_quota(session, account, limit=limit, used=used, now=utc_now())

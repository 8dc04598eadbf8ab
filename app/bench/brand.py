"""A brand with as many accounts and customers as a benchmark needs, made in a few statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import httpx
import psycopg

from app.auth import brand_key_of
from app.bench.place import Place
from app.bench.results import Failed
from app.messaging.line_quota import store_line_quota
from tenants.brands.service import create_brand
from tenants.ids import uuid7
from tenants.line_accounts.service import register_account
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session
from tenants.stores.service import create_store

QUOTA = 10_000_000
_PEOPLE_IN_CALL = 20_000


@dataclass(frozen=True)
class BenchAccount:
    """A LINE account with the secret that is otherwise sealed."""

    id: UUID
    no: int
    channel_id: str
    secret: str
    bot_user_id: str


@dataclass(frozen=True)
class BenchBrand:
    """A brand, one store for each of its accounts."""

    scope: Scope
    accounts: Sequence[BenchAccount]

    @property
    def provider_id(self) -> str:
        """The one LINE provider of all its accounts."""
        return f"provider-{self.scope.brand_id.hex}"


def seed_brand(place: Place, *, accounts: int) -> BenchBrand:
    """A brand with this many stores and accounts."""
    with open_session(place.engine, Scope(uuid7())) as session:
        brand = create_brand(session, place.keyring, name="のれん食堂", timezone="Asia/Tokyo")
        seeded = BenchBrand(Scope(brand.id), [])
        made = [_add_account(place, session, seeded.provider_id, number) for number in range(1, accounts + 1)]
        session.commit()
    return BenchBrand(seeded.scope, made)


def _add_account(place: Place, session: ScopedSession, provider_id: str, number: int) -> BenchAccount:
    now = datetime.now(UTC)
    store = create_store(session, {"code": f"S{number:04}", "name": f"{number}号店"})
    digest = sha256(f"{provider_id}:{number}".encode()).hexdigest()
    values = {
        "name": f"のれん食堂 {number}号店",
        "channel_id": str(2_000_000_000 + int(digest[:7], 16)),
        "provider_id": provider_id,
        "bot_user_id": f"U{digest[:32]}",
        "basic_id": f"@{digest[:8]}",
        "plan": "standard",
        "status": "ok",
    }
    secret = digest[32:]
    account = register_account(session, brand_key_of(session, place.keyring), values, secret=secret, stores=[store])
    store_line_quota(session, account, limit=QUOTA, used=0, now=now)
    return BenchAccount(account.id, account.no, account.channel_id, secret, f"U{digest[:32]}")


def seed_people(place: Place, brand: BenchBrand, count: int) -> None:
    """Customers who each follow one account, spread evenly."""
    values = {"brand": brand.scope.brand_id, "count": count, "provider": brand.provider_id}
    with psycopg.connect(place.admin_url) as connection:
        # What the planner knows of is the brands before this one.
        connection.execute("SET LOCAL enable_nestloop = off")
        for statement in (_CUSTOMERS, _TIES, _IDENTITIES, _FRIENDS):
            connection.execute(statement, values)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE customer, customer_store, identity, friend, line_account, store")


_CUSTOMERS = """
WITH account AS (
    SELECT account.no, store.id AS store_id, store.no AS store_no, count(*) OVER () AS accounts
    FROM line_account account JOIN store ON store.brand_id = account.brand_id AND store.no = account.store_nos[1]
    WHERE account.brand_id = %(brand)s
)
INSERT INTO customer (brand_id, id, created_at, updated_at, member_number, name, attributes, home_store_id,
                      home_store_no, tag_nos, store_nos, account_nos, order_count, spend_yen)
SELECT %(brand)s, uuidv7(), now(), now(), 'M' || lpad(number::text, 8, '0'), '山田 花子' || number, '{}',
       store_id, store_no, '{}', ARRAY[store_no], ARRAY[account.no], 0, 0
FROM generate_series(1, %(count)s::int) AS number JOIN account ON account.no = number %% account.accounts + 1
"""
_TIES = """
INSERT INTO customer_store (brand_id, customer_id, store_id, store_no, order_count, spend_yen)
SELECT brand_id, id, home_store_id, home_store_no, 0, 0 FROM customer WHERE brand_id = %(brand)s
"""
_IDENTITIES = """
INSERT INTO identity (brand_id, id, created_at, customer_id, provider_id, line_user_id, display_name)
SELECT brand_id, uuidv7(), now(), id, %(provider)s, 'U' || md5(id::text), name FROM customer WHERE brand_id = %(brand)s
"""
_FRIENDS = """
INSERT INTO friend (brand_id, id, created_at, line_account_id, account_no, identity_id, customer_id, store_nos, status,
                    followed_at, changed_at)
SELECT customer.brand_id, uuidv7(), now(), account.id, account.no, identity.id, customer.id, account.store_nos,
       'following', now(), now()
FROM customer
JOIN identity ON identity.brand_id = customer.brand_id AND identity.customer_id = customer.id
JOIN line_account account ON account.brand_id = customer.brand_id AND account.no = customer.account_nos[1]
WHERE customer.brand_id = %(brand)s
"""


def tell_sandbox(place: Place, brand: BenchBrand) -> None:
    """Make the same accounts and people in the sandbox."""
    channels = [
        {
            "channel_id": one.channel_id,
            "provider_id": brand.provider_id,
            "channel_secret": one.secret,
            "channel_access_token": f"bench-{one.channel_id}",
        }
        for one in brand.accounts
    ]
    with (
        httpx.Client(base_url=place.sandbox_url, timeout=120, trust_env=False) as http,
        psycopg.connect(place.admin_url) as connection,
        connection.cursor("people") as people,
    ):
        _post(http, "/_sandbox/world", {"channels": channels})
        people.execute(
            "SELECT line_user_id, channel_id FROM friend"
            " JOIN identity ON identity.brand_id = friend.brand_id AND identity.id = friend.identity_id"
            " JOIN line_account ON line_account.brand_id = friend.brand_id AND line_account.id = friend.line_account_id"
            " WHERE friend.brand_id = %s",
            [brand.scope.brand_id],
        )
        while rows := people.fetchmany(_PEOPLE_IN_CALL):
            world = [{"line_user_ids": {brand.provider_id: user}, "follows": [channel]} for user, channel in rows]
            _post(http, "/_sandbox/world", {"people": world})


def forget_sends(place: Place) -> None:
    """Empty the sandbox's ledger, so that it counts from nought; rate limits stay off."""
    with httpx.Client(base_url=place.sandbox_url, timeout=60, trust_env=False) as http:
        _post(http, "/_sandbox/reset", {})


def count_sends(place: Place) -> Mapping[str, int]:
    """What the sandbox has taken since then: calls, accepted, recipients, distinct, duplicates."""
    answer = httpx.get(f"{place.sandbox_url}/_sandbox/stats", timeout=120, trust_env=False)
    stats: dict[str, int] = answer.raise_for_status().json()
    return stats


def _post(http: httpx.Client, path: str, body: dict[str, Any]) -> None:
    answer = http.post(path, json=body)
    if not answer.is_success:
        raise Failed(f"The sandbox answered {answer.status_code} to {path}: {answer.text[:300]}")

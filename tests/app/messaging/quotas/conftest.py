"""An account with a thousand followers that has little quota left, over HTTP, with the sandbox in LINE's place."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import select, update

from app.customers.models import Identity
from app.line.client import warm_up
from app.main import create_app
from app.messaging.models import QuotaMonth
from app.settings import Settings
from tenants.ids import decode_id, encode_id
from tenants.line_accounts.models import LineAccount
from tenants.tables import utc_now
from tests.app.messaging.conftest import Stage

HELLO = {"name": "秋のお知らせ", "messages": [{"type": "text", "text": "新しいメニューです"}], "tracking": "none"}


@dataclass
class Shop:
    """Calls of head office about its one account, and what the sandbox's manager does there."""

    api: TestClient
    stage: Stage
    account: LineAccount

    def post(self, path: str, **body: Any) -> Any:
        return self.api.post(f"/v1/{path}", json=body, headers=self.stage.home.headers)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.api.get(f"/v1/{path}", params=params, headers=self.stage.home.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def draft(self, **changes: Any) -> str:
        answer = self.post("campaigns", **{**HELLO, **changes})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def quota(self, **params: Any) -> Any:
        (shown,) = self.get("quota", **params)["items"]
        return shown

    def left_out(self, campaign_id: str, reason: str) -> set[str]:
        """Everybody who is left out for a reason, over all pages."""
        found: list[str] = []
        params: dict[str, Any] = {"status": "left_out", "reason": reason, "limit": 200}
        while True:
            page = self.get(f"campaigns/{campaign_id}/deliveries", **params)
            found += [one["customer_id"] for one in page["items"]]
            if page["next_cursor"] is None:
                break
            params["cursor"] = page["next_cursor"]
        assert len(found) == len(set(found))
        return set(found)

    def everybody(self) -> dict[str, str]:
        """LINE user id → customer id."""
        with self.stage.home.open() as session:
            rows = session.exec(select(Identity.line_user_id, Identity.customer_id)).all()
        return {line_user_id: encode_id("cus", customer_id) for line_user_id, customer_id in rows}

    def delivered(self) -> list[str]:
        """Who was handed something by the sandbox, in order."""
        people = self.everybody()
        return [people[str(one["line_user_id"])] for one in self.stage.delivered(self.account)]

    def manager(self, verb: str, **body: Any) -> None:
        """What somebody does in LINE's manager."""
        self.stage.line.post(f"/_sandbox/channels/{self.account.channel_id}/{verb}", json=body).raise_for_status()

    def used_at_line(self) -> int:
        """What LINE counts, without asking through us."""
        with self.stage.home.open() as session:
            row = session.exec(select(QuotaMonth)).first()
        assert row is not None
        assert row.line_used is not None
        return row.line_used

    def forget_sync(self) -> None:
        """Let LINE's figures be an hour old."""
        hour_ago = utc_now() - timedelta(hours=1)
        with self.stage.home.open() as session:
            session.exec(update(QuotaMonth).values(synced_at=hour_ago, asked_at=hour_ago))
            session.commit()


def customer_id(outside: str) -> UUID:
    """The id inside."""
    return decode_id("cus", outside)


@pytest.fixture(scope="module")
def server(settings: Settings, line: Any) -> Iterator[TestClient]:
    """The application over this module's database, with the sandbox in LINE's place."""
    warm_up()
    line.put("/_sandbox/settings", json={"rate_limits": False, "consumption_lag_seconds": 0}).raise_for_status()
    address = str(line.base_url).rstrip("/")
    with TestClient(
        create_app(settings.model_copy(update={"line_api_url": address})), raise_server_exceptions=False
    ) as api:
        yield api


@pytest.fixture
def shop(server: TestClient, stage: Stage) -> Shop:
    """A thousand followers; the month's limit is 1,000 messages, and nothing is used."""
    return open_shop(server, stage, followers=1000, limit=1000)


def open_shop(server: TestClient, stage: Stage, *, followers: int, limit: int | None) -> Shop:
    """An account that was checked at LINE, its followers, and what it may send."""
    with stage.home.open() as session:
        account = stage.account(session, 0)
        account.checked_at = utc_now()
        session.add(account)
        session.flush()
        ids = session.connection().execute(
            _FOLLOWERS,
            {"brand_id": session.scope.brand_id, "account_id": account.id, "no": account.no, "count": followers},
        )
        people = [
            {"line_user_ids": {"provider-1": line_user_id}, "follows": [account.channel_id]}
            for line_user_id in ids.scalars()
        ]
        session.commit()
    world = {"channels": [{"channel_id": account.channel_id, "quota": limit}], "people": people}
    stage.line.post("/_sandbox/world", json=world).raise_for_status()
    return Shop(server, stage, account)


_FOLLOWERS = text(
    """
    WITH people AS (
        INSERT INTO customer (brand_id, id, created_at, updated_at, attributes, tag_nos, store_nos, account_nos,
                              order_count, spend_yen)
        SELECT :brand_id, gen_random_uuid(), now(), now(), '{}', '{}', '{}', ARRAY[CAST(:no AS int)], number, number
        FROM generate_series(1, :count) AS number RETURNING id
    ), ids AS (
        INSERT INTO identity (brand_id, id, created_at, customer_id, provider_id, line_user_id)
        SELECT :brand_id, gen_random_uuid(), now(), id, 'provider-1', 'U' || md5(id::text) FROM people
        RETURNING id, customer_id, line_user_id
    ), friends AS (
        INSERT INTO friend (brand_id, id, created_at, line_account_id, account_no, identity_id, customer_id, store_nos,
                            status, changed_at)
        SELECT :brand_id, gen_random_uuid(), now(), :account_id, :no, id, customer_id, '{}', 'following', now()
        FROM ids
    )
    SELECT line_user_id FROM ids
    """
)

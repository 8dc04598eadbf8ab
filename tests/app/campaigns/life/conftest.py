"""A brand with a store that drafts, and calls in the name of either."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.campaigns.life import tasks
from app.campaigns.models import Campaign
from app.jobs.queue import Work
from app.messaging.models import Run
from app.settings import Settings
from tenants.ids import decode_id, encode_id
from tenants.sealing import Keyring
from tests import make
from tests.conftest import BrandHome

STORE_MAY = ["campaigns:read", "campaigns:write", "campaigns:launch", "coupons:issue"]


@dataclass
class Life:
    """Calls about campaigns of a brand with one store, one account and three followers."""

    api: TestClient
    home: BrandHome
    keyring: Keyring
    settings: Settings
    store_id: str = ""
    store: dict[str, str] = field(default_factory=dict)
    """The headers of the store's key."""

    def draft(self, headers: dict[str, str] | None = None, **changes: Any) -> str:
        """The id of a new draft."""
        body = {"name": "秋", "messages": [{"type": "text", "text": "こんにちは"}], **changes}
        answer = self.api.post("/v1/campaigns", json=body, headers=headers or self.home.headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def act(self, campaign_id: str, verb: str, headers: dict[str, str] | None = None, **body: Any) -> Any:
        """The answer to a verb."""
        path = f"/v1/campaigns/{campaign_id}/{verb}"
        return self.api.post(path, json=body or None, headers=headers or self.home.headers)

    def change(self, campaign_id: str, headers: dict[str, str] | None = None, **changes: Any) -> Any:
        """The answer to a change."""
        return self.api.patch(f"/v1/campaigns/{campaign_id}", json=changes, headers=headers or self.home.headers)

    def get(self, path: str, headers: dict[str, str] | None = None) -> Any:
        """What is read there."""
        answer = self.api.get(f"/v1/campaigns/{path}", headers=headers or self.home.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def steps(self, campaign_id: str) -> list[str]:
        """The kinds of the steps that it took, the first one first."""
        return [step["kind"] for step in self.get(f"{campaign_id}/steps")["items"]][::-1]

    def set_brand(self, **changes: Any) -> None:
        """Change the brand."""
        assert self.api.patch("/v1/brand", json=changes, headers=self.home.headers).status_code == 200

    def tick(self, campaign_id: str, now: datetime) -> None:
        """Let the clock look at a campaign."""
        work = Work(self.home.engine, self.keyring, self.settings, now, self.home.scope.brand_id)
        tasks.launch_scheduled(work, decode_id("cmp", campaign_id))

    def count_runs(self, campaign_id: str) -> int:
        """How many runs it caused."""
        with self.home.open() as session:
            runs = select(Run).where(col(Run.campaign_id) == decode_id("cmp", campaign_id))
            return len(session.exec(runs).all())

    def row(self, campaign_id: str) -> Campaign:
        """The campaign's row."""
        with self.home.open() as session:
            return session.exec(select(Campaign).where(col(Campaign.id) == decode_id("cmp", campaign_id))).one()


@pytest.fixture
def life(api: TestClient, home: BrandHome, keyring: Keyring, settings: Settings) -> Life:
    with home.open() as session:
        store = make.store(session)
        account = make.line_account(session, store)
        for _ in range(3):
            make.follower(session, account)
        key = make.store_key(session, store, permissions=STORE_MAY)
        session.commit()
    return Life(api, home, keyring, settings, encode_id("store", store.id), {"Authorization": f"Bearer {key}"})

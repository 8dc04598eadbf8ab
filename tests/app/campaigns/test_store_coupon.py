"""Copies of a coupon reach people only through who may issue it, by whichever road."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tenants.ids import encode_id
from tests import make
from tests.app.campaigns.test_router import act, draft
from tests.app.weather.test_router import RULE
from tests.conftest import BrandHome

SENDING = ["campaigns:read", "campaigns:write", "campaigns:launch", "weather:read", "weather:write"]


class Scarce:
    """A store whose two followers could each have a copy of head office's coupon, of which one is left."""

    def __init__(self, home: BrandHome, *more: str) -> None:
        with home.open() as session:
            store = make.store(session)
            account = make.line_account(session, store)
            for _ in range(2):
                make.follower(session, account, home=store)
            self.store_id = encode_id("store", store.id)
            self.coupon_id = encode_id("cpn", make.coupon(session, limits={"total": 1}).id)
            key = make.store_key(session, store, permissions=[*SENDING, *more])
            session.commit()
        self.store = BrandHome(home.engine, home.scope, key)

    def campaign(self, api: TestClient) -> dict[str, Any]:
        return draft(api, self.store, coupon_id=self.coupon_id, store_id=self.store_id)


def test_a_campaign_with_a_coupon_is_launched_by_who_may_issue_it(api: TestClient, home: BrandHome) -> None:
    scarce = Scarce(home)
    refused = act(api, scarce.store, scarce.campaign(api), "launch")
    assert (refused.status_code, refused.json()["permission"]) == (403, "coupons:issue")
    allowed = Scarce(home, "coupons:issue")
    assert act(api, allowed.store, allowed.campaign(api), "launch").status_code == 202


@pytest.mark.parametrize(("more", "chosen"), [((), 2), (("coupons:issue",), 1)])
def test_a_dry_run_tells_what_is_left_only_to_who_may_issue(
    api: TestClient, home: BrandHome, more: tuple[str, ...], chosen: int
) -> None:
    scarce = Scarce(home, *more)
    assert act(api, scarce.store, scarce.campaign(api), "dry-run").json()["chosen"] == chosen


def test_a_weather_rule_with_a_coupon_is_written_by_who_may_issue_it(api: TestClient, home: BrandHome) -> None:
    scarce, allowed = Scarce(home), Scarce(home, "coupons:issue")
    with_coupon = {**RULE, "all_stores": False, "coupon_id": scarce.coupon_id}
    assert api.post("/v1/weather-rules", json=with_coupon, headers=scarce.store.headers).status_code == 403
    plain = api.post("/v1/weather-rules", json={**RULE, "all_stores": False}, headers=scarce.store.headers).json()
    path = f"/v1/weather-rules/{plain['id']}"
    assert api.patch(path, json={"coupon_id": scarce.coupon_id}, headers=scarce.store.headers).status_code == 403
    assert api.post("/v1/weather-rules", json=with_coupon, headers=allowed.store.headers).status_code == 201

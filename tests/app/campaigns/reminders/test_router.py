"""The reminder of a coupon over HTTP, and what LINE is given of it."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tenants.brands.models import Brand
from tenants.ids import encode_id
from tests import make
from tests.conftest import BrandHome

REMINDER: dict[str, Any] = {
    "hours_before": 24,
    "messages": [{"type": "text", "text": "「{{ coupon.name }}」は{{ coupon.expires_at }}まで。{{ coupon.code }}"}],
}
PERMISSIONS = ["coupons:read", "campaigns:read", "campaigns:launch"]


def path_of(home: BrandHome, store: Any = None) -> str:
    with home.open() as session:
        owner = {"store_id": store.id, "store_no": store.no, "redeemable_store_nos": [store.no]} if store else {}
        coupon = make.coupon(session, **owner)
        session.commit()
        return f"/v1/coupons/{encode_id('cpn', coupon.id)}/reminder"


def test_a_reminder_is_set_shown_and_taken_back(api: TestClient, home: BrandHome) -> None:
    path = path_of(home)
    assert api.get(path, headers=home.headers).status_code == 404
    found = api.put(path, headers=home.headers, json=REMINDER)
    assert found.status_code == 200, found.text
    assert api.get(path, headers=home.headers).json() == found.json()
    due_at = found.json().pop("due_at")
    assert due_at.endswith("T02:00:00Z")
    assert found.json() | {"due_at": due_at} == {
        **REMINDER,
        "send_at": "11:00",
        "sender_policy": None,
        "holdout_ratio": 0.0,
        "tracking": "campaign",
        "due_at": due_at,
        "last_run": None,
    }
    assert api.delete(path, headers=home.headers).status_code == 204
    assert api.delete(path, headers=home.headers).status_code == 404


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"hours_before": 0}, "/hours_before"),
        ({"send_at": "24:00"}, "/send_at"),
        ({"messages": [{"type": "text", "text": "{{ shop.name }}"}]}, "/messages/0/text"),
        ({"messages": [{"type": "text"}]}, "/messages/0/text"),
    ],
)
def test_what_could_not_be_sent_is_pointed_at(
    api: TestClient, home: BrandHome, changes: dict[str, Any], pointer: str
) -> None:
    answer = api.put(path_of(home), headers=home.headers, json={**REMINDER, **changes})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_a_store_sets_its_own_coupons_and_head_offices_never(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        store, other = make.store(session), make.store(session)
        key = make.store_key(session, store, permissions=PERMISSIONS)
        session.commit()
    headers = {"Authorization": f"Bearer {key}"}
    paths = [path_of(home, store), path_of(home), path_of(home, other)]
    assert [api.put(path, headers=headers, json=REMINDER).status_code for path in paths] == [200, 403, 404]
    assert [api.delete(path, headers=headers).status_code for path in paths] == [204, 403, 404]


def test_where_head_office_approves_what_stores_send_it_sets_their_reminders(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        store = make.store(session)
        key = make.store_key(session, store, permissions=PERMISSIONS)
        session.get_one(Brand, home.scope.brand_id).campaign_approval = "stores"
        session.commit()
    path = path_of(home, store)
    refused = api.put(path, headers={"Authorization": f"Bearer {key}"}, json=REMINDER)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/approval-missing")
    assert api.put(path, headers=home.headers, json=REMINDER).status_code == 200

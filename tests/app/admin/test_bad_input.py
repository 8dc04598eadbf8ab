"""Whatever comes in, the answer is a problem and never an error of ours; and what was stored can be read again."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.app.admin.calls import SECRET, create, create_account, create_store
from tests.conftest import BrandHome

pytestmark = pytest.mark.slow

POISON = (
    "null", "-1", "1e400", "3000000000", '"a\\u0000b"', '"\\ud800"', '"' + "x" * 30_000 + '"', "[null]",
    '{"a": {"": 1}}',
)  # fmt: skip


def _bodies(api: TestClient, home: BrandHome) -> dict[tuple[str, str], dict[str, Any]]:
    """A good body of every operation that takes one."""
    store = create_store(api, home, "S0")
    area = create(api, home, "/v1/areas", name="東京")
    account = create_account(api, home, "c-0", store_ids=[store["id"]])
    key = create(api, home, "/v1/store-keys", name="レジ", store_ids=[store["id"]])
    client = create(api, home, "/v1/api-clients", name="会計")
    zone = {"radius": {"latitude": 35.0, "longitude": 135.0, "radius_m": 500}}
    place = {"address": "x", "postal_code": "160-0022", "municipality_code": "13104", "latitude": 1, "longitude": 1}
    shop = {"name": "x", **place, "opening_hours": {}, "line_account_ids": [], "weather_area": None}
    channel = {"name": "x", "channel_secret": SECRET, "provider_id": "p", "login_channel_id": "l", "plan": "x"}
    rights = {"name": "x", "store_ids": [store["id"]], "permissions": ["stores:read"], "expires_at": None}
    brand: dict[str, Any] = {
        "name": "x",
        "timezone": "Asia/Tokyo",
        "caps": {},
        "quiet_hours": None,
        "sender_policy": "nearest",
    }
    district: dict[str, Any] = {"name": "x", "parent_id": None, "store_ids": [], "trade_zone": zone}
    return {
        ("PATCH", "/v1/brand"): {**brand, "joining_basis": None},
        ("POST", "/v1/areas"): district,
        ("PATCH", f"/v1/areas/{area['id']}"): district,
        ("POST", "/v1/stores"): {"code": "S1", **shop},
        ("PATCH", f"/v1/stores/{store['id']}"): shop,
        ("POST", "/v1/line-accounts"): {"channel_id": "c-1", "store_ids": [store["id"]], "area_id": None, **channel},
        ("PATCH", f"/v1/line-accounts/{account['id']}"): channel,
        ("POST", "/v1/store-keys"): rights,
        ("PATCH", f"/v1/store-keys/{key['id']}"): rights,
        ("POST", f"/v1/store-keys/{key['id']}/rotate"): {"overlap_seconds": 0},
        ("POST", "/v1/api-clients"): {"name": "x", "permissions": ["stores:read"]},
        ("PATCH", f"/v1/api-clients/{client['id']}"): {"name": "x", "permissions": ["stores:read"]},
        ("POST", f"/v1/api-clients/{client['id']}/rotate"): {"overlap_seconds": 0},
    }


def test_poison_in_any_field_is_answered_and_spoils_no_list(api: TestClient, home: BrandHome) -> None:
    headers = {**home.headers, "Content-Type": "application/json"}
    failures = []
    for (method, path), good in _bodies(api, home).items():
        for name in good:
            for poison in POISON:
                rest = json.dumps({key: value for key, value in good.items() if key != name}, ensure_ascii=False)
                body = f'{{"{name}": {poison}{", " if rest != "{}" else ""}{rest[1:]}'
                answer = api.request(method, path, content=body.encode(), headers=headers)
                if answer.status_code >= 500:
                    failures.append((method, path, name, poison[:40]))
    assert failures == []
    for path in ("brand", "areas", "stores", "line-accounts", "store-keys", "api-clients", "stores/nearby?lat=1&lng=1"):
        assert api.get(f"/v1/{path}", headers=home.headers).status_code == 200


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"7", b"{", b"\xff\xfe", b"{}" * 2, b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(api: TestClient, home: BrandHome, content: bytes) -> None:
    headers = {**home.headers, "Content-Type": "application/json"}
    for method, path in _bodies(api, home):
        if path.endswith("/rotate") and content in (b"", b"null"):
            continue  # a rotation needs none
        answer = api.request(method, path, content=content, headers=headers)
        assert answer.status_code in (400, 422), (method, path, answer.text)


def test_three_megabytes_are_too_many(api: TestClient, home: BrandHome) -> None:
    for path in ("areas", "stores", "line-accounts", "store-keys", "api-clients"):
        answer = api.post(f"/v1/{path}", content=b'{"name": "' + b"x" * 3_000_000 + b'"}', headers=home.headers)
        assert answer.status_code == 413

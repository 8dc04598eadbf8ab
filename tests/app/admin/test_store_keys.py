"""Keys of stores over HTTP."""

import re
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import col, update

from app.keys import is_well_formed
from app.schemas import write_instant
from tenants.api_keys.models import CredentialHash, CredentialUse
from tenants.ids import decode_id
from tenants.permissions import STORE_PERMISSIONS
from tenants.tables import utc_now
from tests import make
from tests.app.admin.calls import Shops, assert_problem, create, list_ids, store_id, without_use
from tests.conftest import BrandHome


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _create(api: TestClient, home: BrandHome, shops: Shops, **body: Any) -> dict[str, Any]:
    return create(api, home, "/v1/store-keys", **{"name": "レジ", "store_ids": [store_id(shops.a)], **body})


def test_a_key_is_shown_once_and_opens_its_store(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    made = _create(api, home, shops)
    assert re.fullmatch(r"nrn_store_[0-9A-Za-z]{43}[0-9A-Za-z]{6}", made["key"])
    assert is_well_formed(made["key"])
    assert made["key"].startswith(made["prefix"])
    assert len(made["prefix"]) < 20
    assert made["permissions"] == sorted(STORE_PERMISSIONS)
    me = api.get("/v1/me", headers=_bearer(made["key"])).json()
    assert (me["kind"], me["name"], me["stores"]) == ("store_key", "レジ", [store_id(shops.a)])
    read = api.get(f"/v1/store-keys/{made['id']}", headers=home.headers).json()
    assert without_use(read) == without_use({name: value for name, value in made.items() if name != "key"})
    assert made["id"] in list_ids(api, home.headers, "/v1/store-keys")
    assert made["key"] not in api.get("/v1/store-keys", headers=home.headers).text


def test_only_a_hash_of_a_key_is_kept(api: TestClient, home: BrandHome) -> None:
    made = _create(api, home, Shops(home))
    with home.open() as session:
        rows = [str(session.execute(text(f"SELECT * FROM {table}")).all()) for table in ("api_key", "credential_hash")]
    assert not any(made["key"] in row for row in rows)


def test_a_repeated_create_makes_one_key_and_does_not_repeat_it(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    before = list_ids(api, home.headers, "/v1/store-keys")
    body = {"name": "レジ", "store_ids": [store_id(shops.a)]}
    headers = {**home.headers, "Idempotency-Key": "key-1"}
    first = api.post("/v1/store-keys", json=body, headers=headers)
    second = api.post("/v1/store-keys", json=body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.headers["idempotent-replayed"] == "true"
    assert first.json()["key"] not in second.text
    assert len(list_ids(api, home.headers, "/v1/store-keys")) == len(before) + 1


def test_a_revoked_key_ends_at_once(api: TestClient, home: BrandHome) -> None:
    made = _create(api, home, Shops(home))
    path = f"/v1/store-keys/{made['id']}"
    assert api.delete(path, headers=home.headers).status_code == 204
    assert api.get("/v1/me", headers=_bearer(made["key"])).status_code == 401
    assert_problem(api.get(path, headers=home.headers), 404, "not-found")
    assert_problem(api.post(f"{path}/rotate", json={}, headers=home.headers), 404, "not-found")


def test_a_rotated_key_works_beside_the_new_one_until_the_overlap_ends(api: TestClient, home: BrandHome) -> None:
    made = _create(api, home, Shops(home))
    path = f"/v1/store-keys/{made['id']}/rotate"
    rotated = api.post(path, json={"overlap_seconds": 3600}, headers=home.headers).json()
    assert (rotated["id"], rotated["key"] != made["key"]) == (made["id"], True)
    assert rotated["key"].startswith(rotated["prefix"])
    for key in (made["key"], rotated["key"]):
        assert api.get("/v1/me", headers=_bearer(key)).status_code == 200
    with home.open() as session:
        ended = update(CredentialHash).where(col(CredentialHash.expires_at).is_not(None))
        session.exec(ended.values(expires_at=utc_now() - timedelta(seconds=1)))
        session.commit()
    assert api.get("/v1/me", headers=_bearer(made["key"])).status_code == 401
    assert api.get("/v1/me", headers=_bearer(rotated["key"])).status_code == 200


def test_without_an_overlap_the_old_key_ends_at_once(api: TestClient, home: BrandHome) -> None:
    made = _create(api, home, Shops(home))
    path = f"/v1/store-keys/{made['id']}/rotate"
    first = api.post(path, json={"overlap_seconds": 3600}, headers=home.headers).json()
    second = api.post(path, json={}, headers=home.headers).json()
    works = [api.get("/v1/me", headers=_bearer(one["key"])).status_code for one in (made, first, second)]
    assert works == [401, 401, 200]


def test_a_rotation_without_a_body_ends_the_old_key_at_once(api: TestClient, home: BrandHome) -> None:
    made = _create(api, home, Shops(home))
    rotated = api.post(f"/v1/store-keys/{made['id']}/rotate", headers=home.headers)
    assert rotated.status_code == 200
    works = [api.get("/v1/me", headers=_bearer(key)).status_code for key in (made["key"], rotated.json()["key"])]
    assert works == [401, 200]


def test_a_key_tells_when_and_from_where_it_was_last_used(api: TestClient, home: BrandHome) -> None:
    made = _create(api, home, Shops(home))
    path = f"/v1/store-keys/{made['id']}"
    assert (made["last_used_at"], made["last_used_from"]) == (None, None)
    used_at = utc_now()
    with home.open() as session:
        key_id = decode_id("key", made["id"])
        session.add(CredentialUse(credential_id=key_id, last_used_at=used_at, last_used_from="203.0.113.9"))
        session.commit()
    listed = [one for one in api.get("/v1/store-keys", headers=home.headers).json()["items"] if one["id"] == made["id"]]
    for told in (api.get(path, headers=home.headers).json(), *listed):
        assert (told["last_used_at"], told["last_used_from"]) == (write_instant(used_at), "203.0.113.9")


def test_a_key_in_use_can_be_changed_by_its_version(api: TestClient, home: BrandHome) -> None:
    made = _create(api, home, Shops(home))
    path = f"/v1/store-keys/{made['id']}"
    version = api.get(path, headers=home.headers).headers["etag"]
    with home.open() as session:
        session.add(CredentialUse(credential_id=decode_id("key", made["id"]), last_used_at=utc_now()))
        session.commit()
    again = api.get(path, headers={**home.headers, "If-None-Match": version})
    assert (again.status_code, again.headers["etag"]) == (200, version), "what was read before says nothing of the use"
    assert again.json()["last_used_at"] is not None
    headers = {**home.headers, "If-Match": version}
    assert api.patch(path, json={"name": "新"}, headers=headers).status_code == 200
    assert_problem(api.patch(path, json={"name": "また"}, headers=headers), 412, "stale-version")


def test_a_second_rotation_does_not_prolong_the_first_overlap(api: TestClient, home: BrandHome) -> None:
    made = _create(api, home, Shops(home))
    path = f"/v1/store-keys/{made['id']}/rotate"
    for overlap in (60, 3600):
        api.post(path, json={"overlap_seconds": overlap}, headers=home.headers)
    with home.open() as session:
        ends = session.execute(
            text("SELECT expires_at FROM credential_hash WHERE credential_id = :id ORDER BY expires_at NULLS LAST"),
            {"id": decode_id("key", made["id"])},
        ).scalars().all()  # fmt: skip
    assert ends[0] < utc_now() + timedelta(seconds=61)
    assert ends[1] > utc_now() + timedelta(seconds=3000)
    assert ends[2] is None


def test_an_expired_key_is_worth_nothing(api: TestClient, home: BrandHome) -> None:
    soon = write_instant(utc_now() + timedelta(hours=1))
    made = _create(api, home, Shops(home), expires_at=soon)
    assert made["expires_at"] == soon
    with home.open() as session:
        session.execute(text("UPDATE api_key SET expires_at = now() - interval '1 second'"))
        session.commit()
    assert api.get("/v1/me", headers=_bearer(made["key"])).status_code == 401


def test_changes_of_a_key_count_at_once(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    made = _create(api, home, shops)
    change = {"store_ids": [store_id(shops.b)], "permissions": ["stores:read"], "name": "新"}
    changed = api.patch(f"/v1/store-keys/{made['id']}", json=change, headers=home.headers)
    assert changed.status_code == 200
    me = api.get("/v1/me", headers=_bearer(made["key"])).json()
    assert (me["stores"], me["permissions"], me["name"]) == ([store_id(shops.b)], ["stores:read"], "新")
    assert_problem(api.get("/v1/brand", headers=_bearer(made["key"])), 403, "permission-missing")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"store_ids": []}, "/store_ids"),
        ({"store_ids": "all"}, "/store_ids"),
        ({"permissions": []}, "/permissions"),
        ({"permissions": ["everything"]}, "/permissions/0"),
        ({"permissions": ["stores:read", "keys:write"]}, "/permissions/1"),
        ({"permissions": ["customers:erase"]}, "/permissions/0"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2030-01-01T00:00:00"}, "/expires_at"),
        ({"expires_at": 1}, "/expires_at"),
        ({"name": ""}, "/name"),
        ({"key": "nrn_store_mine"}, "/key"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(
    api: TestClient, home: BrandHome, changes: dict[str, Any], pointer: str
) -> None:
    shops = Shops(home)
    body = {"name": "レジ", "store_ids": [store_id(shops.a)], **changes}
    assert_problem(api.post("/v1/store-keys", json=body, headers=home.headers), 422, "invalid", pointer)
    made = _create(api, home, shops)
    patched = api.patch(f"/v1/store-keys/{made['id']}", json=changes, headers=home.headers)
    assert_problem(patched, 422, "invalid", pointer)


@pytest.mark.parametrize("overlap", [-1, 604_801, "60", 1.5, True, None])
def test_an_overlap_is_a_number_of_seconds_up_to_a_week(api: TestClient, home: BrandHome, overlap: object) -> None:
    made = _create(api, home, Shops(home))
    answer = api.post(f"/v1/store-keys/{made['id']}/rotate", json={"overlap_seconds": overlap}, headers=home.headers)
    assert_problem(answer, 422, "invalid", "/overlap_seconds")


def test_nobody_hands_on_what_she_lacks(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    strong = _create(api, home, shops)
    with home.open() as session:
        weak = _bearer(make.access_token(session, ["keys:read", "keys:write", "stores:read"]))
        session.commit()
    body = {"name": "x", "store_ids": [store_id(shops.a)]}
    granted = api.post("/v1/store-keys", json={**body, "permissions": ["stores:read"]}, headers=weak)
    assert granted.status_code == 201
    path = f"/v1/store-keys/{granted.json()['id']}"
    for answer in (
        api.post("/v1/store-keys", json=body, headers=weak),
        api.patch(path, json={"permissions": ["coupons:redeem"]}, headers=weak),
        api.patch(f"/v1/store-keys/{strong['id']}", json={"store_ids": [store_id(shops.b)]}, headers=weak),
        api.post(f"/v1/store-keys/{strong['id']}/rotate", json={}, headers=weak),
    ):
        assert_problem(answer, 403, "permission-missing")


def test_nobody_prolongs_a_key_of_which_she_lacks_a_permission(api: TestClient, home: BrandHome) -> None:
    first, second = (write_instant(utc_now() + timedelta(days=days)) for days in (1, 2))
    made = _create(api, home, Shops(home), expires_at=second)
    with home.open() as session:
        weak = _bearer(make.access_token(session, ["keys:write"]))
        session.commit()
    path = f"/v1/store-keys/{made['id']}"
    assert api.patch(path, json={"expires_at": first}, headers=weak).status_code == 200
    for longer in (second, None):
        answer = api.patch(path, json={"expires_at": longer}, headers=weak)
        assert_problem(answer, 403, "permission-missing")
    assert api.patch(path, json={"expires_at": None}, headers=home.headers).status_code == 200


def test_a_store_key_sees_no_keys(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    made = _create(api, home, shops)
    path = f"/v1/store-keys/{made['id']}"
    for answer in (
        api.get("/v1/store-keys", headers=shops.key_a),
        api.get(path, headers=shops.key_a),
        api.delete(path, headers=shops.key_a),
        api.post(f"{path}/rotate", json={}, headers=shops.key_a),
    ):
        assert_problem(answer, 403, "permission-missing")


def test_another_brand_finds_no_key_and_cannot_use_our_stores(
    api: TestClient, home: BrandHome, other_home: BrandHome
) -> None:
    shops = Shops(home)
    made = _create(api, home, shops)
    path = f"/v1/store-keys/{made['id']}"
    assert list_ids(api, other_home.headers, "/v1/store-keys") == []
    for answer in (
        api.get(path, headers=other_home.headers),
        api.patch(path, json={"name": "x"}, headers=other_home.headers),
        api.post(f"{path}/rotate", json={}, headers=other_home.headers),
        api.delete(path, headers=other_home.headers),
        api.post("/v1/store-keys", json={"name": "x", "store_ids": [store_id(shops.a)]}, headers=other_home.headers),
    ):
        assert_problem(answer, 404, "not-found")
    assert api.get("/v1/me", headers=_bearer(made["key"])).status_code == 200

"""LINE accounts over HTTP."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import col, select

from app.auth import brand_key_of
from tenants.ids import decode_id
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.service import open_secret
from tenants.sealing import Keyring
from tests import make
from tests.app.admin.calls import (
    SECRET,
    Shops,
    account_id,
    assert_problem,
    create,
    create_account,
    create_store,
    list_ids,
    store_id,
)
from tests.conftest import BrandHome


def test_an_account_is_kept_as_given_without_its_secret(api: TestClient, home: BrandHome) -> None:
    store = create_store(api, home, "S1")
    given = {"name": "新宿店", "login_channel_id": "1656000002", "plan": "standard", "store_ids": [store["id"]]}
    made = create_account(api, home, "1656000001", **given)
    assert given.items() <= made.items()
    assert made["webhook_url"] == f"http://127.0.0.1:8000/line/webhook/{made['id']}"
    assert (made["status"], made["quota"], made["bot_user_id"]) == ("unchecked", None, None)
    read = api.get(f"/v1/line-accounts/{made['id']}", headers=home.headers)
    assert read.json() == made
    assert SECRET not in read.text
    assert "channel_secret" not in read.json()


def test_the_channel_secret_is_sealed(api: TestClient, home: BrandHome, keyring: Keyring) -> None:
    store = create_store(api, home, "S1")
    made = create_account(api, home, "1656000001", store_ids=[store["id"]])
    changed = api.patch(f"/v1/line-accounts/{made['id']}", json={"channel_secret": SECRET[::-1]}, headers=home.headers)
    assert changed.status_code == 200
    assert SECRET[::-1] not in changed.text
    with home.open() as session:
        row = session.exec(select(LineAccount)).one()
        assert open_secret(row, brand_key_of(session, keyring)) == SECRET[::-1]
        everything = str(session.execute(text("SELECT line_account::text FROM line_account")).all())
    hexadecimal = SECRET[::-1].encode().hex()
    assert SECRET[::-1] not in everything
    assert hexadecimal not in everything


def test_an_account_of_an_area_speaks_for_its_stores(api: TestClient, home: BrandHome) -> None:
    first, second = create_store(api, home, "S1"), create_store(api, home, "S2")
    area = create(api, home, "/v1/areas", name="東京", store_ids=[first["id"]])
    made = create_account(api, home, "c-1", area_id=area["id"])
    assert (made["area_id"], made["store_ids"]) == (area["id"], [first["id"]])
    both = {"store_ids": [first["id"], second["id"]]}
    assert api.patch(f"/v1/areas/{area['id']}", json=both, headers=home.headers).status_code == 200
    path = f"/v1/line-accounts/{made['id']}"
    assert api.get(path, headers=home.headers).json()["store_ids"] == [first["id"], second["id"]]
    with home.open() as session:
        assert session.exec(select(LineAccount.store_nos)).one() == [1, 2]
    left = api.patch(path, json={"store_ids": [second["id"]]}, headers=home.headers).json()
    assert (left["area_id"], left["store_ids"]) == (None, [second["id"]])
    back = api.patch(path, json={"area_id": area["id"]}, headers=home.headers).json()
    assert (back["area_id"], back["store_ids"]) == (area["id"], [first["id"], second["id"]])


def test_a_channel_is_registered_once_and_again_after_archiving(api: TestClient, home: BrandHome) -> None:
    store = create_store(api, home, "S1")
    first = create_account(api, home, "c-1", store_ids=[store["id"]])
    second = create_account(api, home, "c-2", store_ids=[store["id"]])
    taken = api.patch(f"/v1/line-accounts/{second['id']}", json={"channel_id": "c-1"}, headers=home.headers)
    assert_problem(taken, 409, "channel-taken")
    again = {**_BODY, "channel_id": "c-1", "store_ids": [store["id"]]}
    assert_problem(api.post("/v1/line-accounts", json=again, headers=home.headers), 409, "channel-taken")
    assert api.delete(f"/v1/line-accounts/{first['id']}", headers=home.headers).status_code == 204
    assert api.get(f"/v1/line-accounts/{first['id']}", headers=home.headers).status_code == 404
    assert create_account(api, home, "c-1", store_ids=[store["id"]])["id"] != first["id"]
    read = api.get(f"/v1/stores/{store['id']}", headers=home.headers).json()
    assert first["id"] not in read["line_account_ids"]


_BODY: dict[str, Any] = {"name": "x", "channel_id": "c-1", "channel_secret": SECRET, "provider_id": "p-1"}
_STORE = "store_01h455vb4pex5vsknk084sn02q"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({}, ""),
        ({"store_ids": []}, "/store_ids"),
        ({"store_ids": [_STORE], "area_id": "area_01h455vb4pex5vsknk084sn02q"}, ""),
        ({"store_ids": [_STORE], "channel_secret": "short"}, "/channel_secret"),
        ({"store_ids": [_STORE], "channel_secret": None}, "/channel_secret"),
        ({"store_ids": [_STORE], "channel_id": "a b"}, "/channel_id"),
        ({"store_ids": [_STORE], "provider_id": 7}, "/provider_id"),
        ({"store_ids": [_STORE], "status": "ok"}, "/status"),
        ({"area_id": _STORE}, "/area_id"),
    ],
)
def test_an_account_that_makes_no_sense_is_refused(
    api: TestClient, home: BrandHome, changes: dict[str, Any], pointer: str
) -> None:
    answer = api.post("/v1/line-accounts", json={**_BODY, **changes}, headers=home.headers)
    assert_problem(answer, 422, "invalid", pointer)
    assert SECRET not in answer.text


def test_an_account_with_friends_keeps_its_channel_and_provider(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        account = make.line_account(session, make.store(session))
        make.follower(session, account)
        session.commit()
    path = f"/v1/line-accounts/{account_id(account)}"
    for change in ({"provider_id": "another"}, {"channel_id": "another"}):
        assert_problem(api.patch(path, json=change, headers=home.headers), 409, "channel-fixed")
    same = {"provider_id": account.provider_id, "name": "改名"}
    assert api.patch(path, json=same, headers=home.headers).json()["name"] == "改名"


def test_a_store_key_sees_its_own_account_only(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    with home.open() as session:
        shared = make.line_account(session, shops.a, shops.b)
        session.commit()
    assert list_ids(api, shops.key_a, "/v1/line-accounts") == [account_id(shared), account_id(shops.account_a)]
    read = api.get(f"/v1/line-accounts/{account_id(shared)}", headers=shops.key_a)
    assert read.json()["store_ids"] == [store_id(shops.a)]
    other = f"/v1/line-accounts/{account_id(shops.account_b)}"
    assert_problem(api.get(other, headers=shops.key_a), 404, "not-found")
    for answer in (
        api.post("/v1/line-accounts", json={**_BODY, "store_ids": [store_id(shops.a)]}, headers=shops.key_a),
        api.patch(other, json={"name": "x"}, headers=shops.key_a),
        api.post(f"{other}/check", headers=shops.key_a),
        api.delete(other, headers=shops.key_a),
    ):
        assert_problem(answer, 403, "permission-missing")


def test_another_brand_finds_no_account_and_cannot_use_our_stores(
    api: TestClient, home: BrandHome, other_home: BrandHome
) -> None:
    shops = Shops(home)
    path = f"/v1/line-accounts/{account_id(shops.account_a)}"
    assert list_ids(api, other_home.headers, "/v1/line-accounts") == []
    for answer in (
        api.get(path, headers=other_home.headers),
        api.patch(path, json={"name": "x"}, headers=other_home.headers),
        api.post(f"{path}/check", headers=other_home.headers),
        api.delete(path, headers=other_home.headers),
        api.post("/v1/line-accounts", json={**_BODY, "store_ids": [store_id(shops.a)]}, headers=other_home.headers),
    ):
        assert_problem(answer, 404, "not-found")


def test_an_account_is_not_moved_into_an_area_that_does_not_exist(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    path = f"/v1/line-accounts/{account_id(shops.account_a)}"
    answer = api.patch(path, json={"area_id": "area_01h455vb4pex5vsknk084sn02q"}, headers=home.headers)
    assert_problem(answer, 404, "not-found")


def test_a_stale_version_is_not_overwritten(api: TestClient, home: BrandHome) -> None:
    store = create_store(api, home, "S1")
    made = create_account(api, home, "c-1", store_ids=[store["id"]])
    path = f"/v1/line-accounts/{made['id']}"
    headers = {**home.headers, "If-Match": api.get(path, headers=home.headers).headers["etag"]}
    assert api.patch(path, json={"name": "y"}, headers=headers).status_code == 200
    assert_problem(api.patch(path, json={"name": "z"}, headers=headers), 412, "stale-version")


def test_a_renamed_channel_loses_what_a_check_had_found(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    path = f"/v1/line-accounts/{account_id(shops.account_a)}"
    assert api.patch(path, json={"name": "x"}, headers=home.headers).json()["status"] == "ok"
    after = api.patch(path, json={"channel_id": "c-9"}, headers=home.headers).json()
    assert (after["status"], after["bot_user_id"]) == ("unchecked", None)
    with home.open() as session:
        wanted = select(LineAccount.bot_user_id).where(col(LineAccount.id) == decode_id("acc", after["id"]))
        assert session.exec(wanted).one() is None

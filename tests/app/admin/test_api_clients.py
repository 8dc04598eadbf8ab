"""Head office's API clients over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.schemas import write_instant
from tenants.api_keys.models import CredentialUse
from tenants.ids import decode_id
from tenants.permissions import PERMISSIONS
from tenants.tables import utc_now
from tests import make
from tests.app.admin.calls import Shops, assert_problem, create, list_ids
from tests.app.sandbox.process import wait_for
from tests.conftest import BrandHome


def _token_status(api: TestClient, client_id: str, secret: str) -> int:
    form = {"grant_type": "client_credentials"}
    return int(api.post("/oauth/token", data=form, auth=(client_id, secret)).status_code)


def test_a_client_is_made_and_gets_a_token(api: TestClient, home: BrandHome) -> None:
    made = create(api, home, "/v1/api-clients", name="会計")
    assert (made["client_id"], made["permissions"]) == (made["id"], sorted(PERMISSIONS))
    assert made["client_secret"].startswith("nrn_client_")
    assert _token_status(api, made["client_id"], made["client_secret"]) == 200
    read = api.get(f"/v1/api-clients/{made['id']}", headers=home.headers).json()
    assert set(made) - set(read) == {"client_id", "client_secret"}
    assert made["id"] in list_ids(api, home.headers, "/v1/api-clients")
    assert made["client_secret"] not in api.get("/v1/api-clients", headers=home.headers).text


def test_a_rotated_secret_works_beside_the_new_one_until_the_overlap_ends(api: TestClient, home: BrandHome) -> None:
    made = create(api, home, "/v1/api-clients", name="会計")
    path = f"/v1/api-clients/{made['id']}/rotate"
    rotated = api.post(path, json={"overlap_seconds": 3600}, headers=home.headers).json()
    for secret in (made["client_secret"], rotated["client_secret"]):
        assert _token_status(api, made["id"], secret) == 200
    with home.open() as session:
        session.execute(text("UPDATE api_client SET previous_until = now() - :past"), {"past": timedelta(seconds=1)})
        session.commit()
    assert _token_status(api, made["id"], made["client_secret"]) == 401
    last = api.post(path, json={}, headers=home.headers).json()
    assert _token_status(api, made["id"], rotated["client_secret"]) == 401
    assert _token_status(api, made["id"], last["client_secret"]) == 200


def test_a_rotation_without_a_body_ends_the_old_secret_at_once(api: TestClient, home: BrandHome) -> None:
    made = create(api, home, "/v1/api-clients", name="会計")
    rotated = api.post(f"/v1/api-clients/{made['id']}/rotate", headers=home.headers).json()
    secrets = (made["client_secret"], rotated["client_secret"])
    assert [_token_status(api, made["id"], secret) for secret in secrets] == [401, 200]


def test_a_client_that_has_expired_is_worth_nothing_until_it_is_prolonged(api: TestClient, home: BrandHome) -> None:
    soon = write_instant(utc_now() + timedelta(hours=1))
    made = create(api, home, "/v1/api-clients", name="会計", expires_at=soon)
    path = f"/v1/api-clients/{made['id']}"
    assert made["expires_at"] == soon
    assert _token_status(api, made["id"], made["client_secret"]) == 200
    with home.open() as session:
        session.execute(text("UPDATE api_client SET expires_at = now() - interval '1 second' WHERE name = '会計'"))
        session.commit()
    assert _token_status(api, made["id"], made["client_secret"]) == 401
    prolonged = api.patch(path, json={"expires_at": None}, headers=home.headers)
    assert (prolonged.status_code, prolonged.json()["expires_at"]) == (200, None)
    assert _token_status(api, made["id"], made["client_secret"]) == 200


def test_a_client_tells_when_it_was_last_used(api: TestClient, home: BrandHome) -> None:
    made = create(api, home, "/v1/api-clients", name="会計")
    assert (made["last_used_at"], made["last_used_from"]) == (None, None)
    used_at = utc_now()
    with home.open() as session:
        client_id = decode_id("client", made["id"])
        session.add(CredentialUse(credential_id=client_id, last_used_at=used_at, last_used_from="203.0.113.9"))
        session.commit()
    told = api.get(f"/v1/api-clients/{made['id']}", headers=home.headers).json()
    assert (told["last_used_at"], told["last_used_from"]) == (write_instant(used_at), "203.0.113.9")


def test_getting_a_token_is_a_use_of_the_client(api: TestClient, home: BrandHome) -> None:
    made = create(api, home, "/v1/api-clients", name="会計")
    path = f"/v1/api-clients/{made['id']}"
    assert _token_status(api, made["id"], "nrn_client_wrong") == 401
    assert _token_status(api, made["id"], made["client_secret"]) == 200
    wait_for(lambda: api.get(path, headers=home.headers).json()["last_used_at"])
    assert api.get(path, headers=home.headers).json()["last_used_from"] == "testclient"


def test_a_repeated_create_does_not_repeat_the_secret(api: TestClient, home: BrandHome) -> None:
    headers = {**home.headers, "Idempotency-Key": "client-1"}
    first = api.post("/v1/api-clients", json={"name": "会計"}, headers=headers)
    second = api.post("/v1/api-clients", json={"name": "会計"}, headers=headers)
    assert first.status_code == 201
    assert second.headers["idempotent-replayed"] == "true"
    assert first.json()["client_secret"] not in second.text


def test_nobody_hands_on_what_she_lacks(api: TestClient, home: BrandHome) -> None:
    strong = create(api, home, "/v1/api-clients", name="会計", expires_at="2100-01-01T00:00:00Z")
    with home.open() as session:
        weak = {"Authorization": f"Bearer {make.access_token(session, ['keys:read', 'keys:write'])}"}
        session.commit()
    granted = api.post("/v1/api-clients", json={"name": "x", "permissions": ["keys:read"]}, headers=weak)
    assert granted.status_code == 201
    for answer in (
        api.post("/v1/api-clients", json={"name": "x"}, headers=weak),
        api.patch(f"/v1/api-clients/{granted.json()['id']}", json={"permissions": ["stores:read"]}, headers=weak),
        api.patch(f"/v1/api-clients/{strong['id']}", json={"expires_at": None}, headers=weak),
        api.post(f"/v1/api-clients/{strong['id']}/rotate", json={}, headers=weak),
    ):
        assert_problem(answer, 403, "permission-missing")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": None}, "/name"),
        ({"permissions": ["all"]}, "/permissions/0"),
        ({"permissions": []}, "/permissions"),
        ({"permissions": None}, "/permissions"),
        ({"client_secret": "mine"}, "/client_secret"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
    ],
)
def test_a_client_that_makes_no_sense_is_refused(
    api: TestClient, home: BrandHome, body: dict[str, Any], pointer: str
) -> None:
    created = api.post("/v1/api-clients", json={"name": "x", **body}, headers=home.headers)
    assert_problem(created, 422, "invalid", pointer)
    made = create(api, home, "/v1/api-clients", name="会計")
    changed = api.patch(f"/v1/api-clients/{made['id']}", json=body, headers=home.headers)
    assert_problem(changed, 422, "invalid", pointer)


def test_others_find_no_client(api: TestClient, home: BrandHome, other_home: BrandHome) -> None:
    made = create(api, home, "/v1/api-clients", name="会計")
    path = f"/v1/api-clients/{made['id']}"
    assert made["id"] not in list_ids(api, other_home.headers, "/v1/api-clients")
    for answer in (
        api.get(path, headers=other_home.headers),
        api.patch(path, json={"name": "x"}, headers=other_home.headers),
        api.post(f"{path}/rotate", json={}, headers=other_home.headers),
        api.delete(path, headers=other_home.headers),
    ):
        assert_problem(answer, 404, "not-found")
    key = Shops(home).key_a
    for answer in (api.get("/v1/api-clients", headers=key), api.delete(path, headers=key)):
        assert_problem(answer, 403, "permission-missing")
    assert _token_status(api, made["id"], made["client_secret"]) == 200


def test_a_stale_version_is_not_overwritten(api: TestClient, home: BrandHome) -> None:
    made = create(api, home, "/v1/api-clients", name="会計")
    path = f"/v1/api-clients/{made['id']}"
    headers = {**home.headers, "If-Match": api.get(path, headers=home.headers).headers["etag"]}
    assert api.patch(path, json={"name": "y"}, headers=headers).status_code == 200
    assert_problem(api.patch(path, json={"name": "z"}, headers=headers), 412, "stale-version")

"""What a token is worth, and what the server says of itself."""

from datetime import timedelta
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import text

from app.keys import new_secret
from app.schemas import write_instant
from app.settings import Settings
from tenants.permissions import PERMISSIONS
from tenants.tables import utc_now
from tests import make
from tests.app.oauth.calls import ask, assert_refused, get_token, me, new_client
from tests.conftest import BrandHome

INACTIVE = {"active": False}


def introspect(api: TestClient, client: tuple[str, str], token: str, **form: str) -> dict[str, Any]:
    answer = api.post("/oauth/introspect", data={"token": token, **form}, auth=client)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    told: dict[str, Any] = answer.json()
    return told


def test_a_good_token_is_told_with_what_it_allows(api: TestClient, home: BrandHome) -> None:
    client = new_client(home)
    now = utc_now().timestamp()
    told = introspect(api, client, get_token(api, client, scope="stores:read brand:read"))
    issued_at, ends_at = told.pop("iat"), told.pop("exp")
    assert told == {
        "active": True,
        "scope": "brand:read stores:read",
        "client_id": client[0],
        "sub": client[0],
        "token_type": "Bearer",
    }
    assert abs(issued_at - now) < 60
    assert ends_at - issued_at in (3599, 3600)


def test_any_client_of_the_brand_may_ask_and_no_other(api: TestClient, home: BrandHome, other_home: BrandHome) -> None:
    token = get_token(api, new_client(home))
    assert introspect(api, new_client(home, ["stores:read"]), token)["active"] is True
    assert introspect(api, new_client(other_home), token) == INACTIVE


def test_what_a_client_has_lost_its_token_has_lost(api: TestClient, home: BrandHome) -> None:
    client = new_client(home)
    token = get_token(api, client)
    narrowed = {"permissions": ["brand:read"]}
    assert api.patch(f"/v1/api-clients/{client[0]}", json=narrowed, headers=home.headers).status_code == 200
    assert introspect(api, client, token)["scope"] == "brand:read"


def test_nothing_is_told_of_what_is_no_good(api: TestClient, home: BrandHome) -> None:
    client, other = new_client(home), new_client(home)
    revoked, orphan = get_token(api, client), get_token(api, other)
    assert api.post("/oauth/revoke", data={"token": revoked}, auth=client).status_code == 200
    assert api.delete(f"/v1/api-clients/{other[0]}", headers=home.headers).status_code == 204
    expired = get_token(api, client)
    with home.open() as session:
        store_key = make.store_key(session, make.store(session))
        session.execute(text("UPDATE access_token SET expires_at = now() - interval '1 second'"))
        session.commit()
    for token in (revoked, orphan, expired, store_key, new_secret("token"), "nonsense", "鍵", "x" * 5000):
        assert introspect(api, client, token) == INACTIVE
        assert introspect(api, client, token, token_type_hint="refresh_token") == INACTIVE


def test_only_a_client_may_ask(api: TestClient, home: BrandHome) -> None:
    client = new_client(home)
    token = get_token(api, client)
    assert_refused(api.post("/oauth/introspect", data={"token": token}), "invalid_client", 401)
    bearer = {"Authorization": f"Bearer {token}"}
    assert_refused(api.post("/oauth/introspect", data={"token": token}, headers=bearer), "invalid_client", 401)
    assert_refused(api.post("/oauth/introspect", data={}, auth=client), "invalid_request")


def test_a_token_ends_with_its_client(api: TestClient, home: BrandHome) -> None:
    made = api.post(
        "/v1/api-clients",
        json={"name": "短期", "expires_at": write_instant(utc_now() + timedelta(minutes=10))},
        headers=home.headers,
    ).json()
    client = (made["client_id"], made["client_secret"])
    answer = ask(api, client).json()
    assert 590 <= answer["expires_in"] <= 600
    told = introspect(api, client, answer["access_token"])
    assert told["exp"] - told["iat"] <= 600
    with home.open() as session:
        session.execute(text("UPDATE api_client SET expires_at = now() - interval '1 second' WHERE expires_at > now()"))
        session.commit()
    assert me(api, answer["access_token"]).status_code == 401
    assert_refused(ask(api, client), "invalid_client", 401)
    assert_refused(
        api.post("/oauth/introspect", data={"token": answer["access_token"]}, auth=client), "invalid_client", 401
    )
    assert introspect(api, new_client(home), answer["access_token"]) == INACTIVE


def test_the_server_says_what_it_offers(api: TestClient, settings: Settings) -> None:
    told = api.get("/.well-known/oauth-authorization-server").json()
    assert told["issuer"] == settings.public_url
    assert told["grant_types_supported"] == ["client_credentials"]
    assert told["response_types_supported"] == []
    assert told["scopes_supported"] == sorted(PERMISSIONS)
    for endpoint in ("token", "revocation", "introspection"):
        assert told[f"{endpoint}_endpoint_auth_methods_supported"] == ["client_secret_basic", "client_secret_post"]
        path = told[f"{endpoint}_endpoint"].removeprefix(settings.public_url)
        assert_refused(api.post(path, data={"token": "x", "grant_type": "client_credentials"}), "invalid_client", 401)

"""Tokens for head office's clients."""

from base64 import b64encode
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.keys import digest_of, is_well_formed, new_secret
from tenants.clients import queries, service
from tenants.clients.models import AccessToken
from tenants.ids import encode_id, uuid7
from tenants.permissions import PERMISSIONS
from tenants.tables import utc_now
from tests import make
from tests.app.oauth.calls import GRANT, ask, assert_refused, get_token, me, new_client
from tests.conftest import BrandHome


def test_a_client_gets_a_token_of_an_hour_with_all_of_its_permissions(api: TestClient, home: BrandHome) -> None:
    answer = ask(api, new_client(home))
    assert answer.status_code == 200
    token = answer.json()
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 3600)
    assert token["scope"].split() == sorted(PERMISSIONS)
    assert answer.headers["cache-control"] == "no-store"
    assert token["access_token"].startswith("nrn_token_")
    assert is_well_formed(token["access_token"])
    caller = me(api, token["access_token"]).json()
    assert (caller["kind"], caller["stores"], caller["permissions"]) == ("api_client", "all", sorted(PERMISSIONS))


def test_credentials_may_come_in_the_body(api: TestClient, home: BrandHome) -> None:
    client_id, secret = new_client(home)
    answer = api.post("/oauth/token", data={**GRANT, "client_id": client_id, "client_secret": secret})
    assert answer.status_code == 200


def test_a_scope_narrows_the_token(api: TestClient, home: BrandHome) -> None:
    answer = ask(api, new_client(home), scope="stores:read brand:read stores:read")
    assert answer.json()["scope"] == "brand:read stores:read"
    assert me(api, answer.json()["access_token"]).json()["permissions"] == ["brand:read", "stores:read"]


@pytest.mark.parametrize("scope", ["stores:read admin", "coupons:redeem", "*", "ストア"])
def test_a_scope_that_is_unknown_or_not_granted_is_refused(api: TestClient, home: BrandHome, scope: str) -> None:
    assert_refused(ask(api, new_client(home, ["stores:read"]), scope=scope), "invalid_scope")


def test_a_token_never_holds_more_than_its_client_has_now(api: TestClient, home: BrandHome) -> None:
    client = new_client(home)
    token = ask(api, client).json()["access_token"]
    changed = api.patch(f"/v1/api-clients/{client[0]}", json={"permissions": ["brand:read"]}, headers=home.headers)
    assert changed.status_code == 200
    assert me(api, token).json()["permissions"] == ["brand:read"]


def test_only_hashes_are_kept(api: TestClient, home: BrandHome) -> None:
    client = new_client(home)
    token = ask(api, client).json()["access_token"]
    with home.open() as session:
        tables = ("api_client", "access_token", "credential_hash")
        rows = [str(session.execute(text(f"SELECT * FROM {table}")).all()) for table in tables]
    assert not any(secret in row for row in rows for secret in (client[1], token))


def test_a_wrong_secret_an_unknown_client_and_no_client_get_the_same_answer(api: TestClient, home: BrandHome) -> None:
    client_id, _ = new_client(home)
    answers = [
        ask(api, (client_id, new_secret("client"))),
        ask(api, (encode_id("client", uuid7()), new_secret("client"))),
        ask(api, ("store_01h455vb4pex5vsknk084sn02q", "x")),
        ask(api, ("\u0000", "x")),
        api.post("/oauth/token", data=GRANT),
        api.post("/oauth/token", data={**GRANT, "client_id": client_id}),
        api.post("/oauth/token", data={**GRANT, "client_id": client_id, "client_secret": "x"}),
    ]
    for answer in answers:
        assert_refused(answer, "invalid_client", 401)
        assert answer.json()["error_description"] == "Unknown client or wrong secret."
        assert answer.headers["www-authenticate"].startswith("Basic")
        assert answer.json() == answers[0].json()


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic ", "Basic !!!", "Basic =", "Basic " + b64encode(b"\xff\xfe:\xff").decode(), "Basic \xe9\xe9",
     "Basic " + b64encode(b"nocolon").decode(), "Basic " + b64encode(b":").decode(), "Bearer abc", "Digest x",
     "Basic " + b64encode(b"client_%00:%ff%fe").decode(), "Basic " + "A" * 9000],
)  # fmt: skip
def test_a_header_that_cannot_be_read_is_a_wrong_credential(api: TestClient, header: str) -> None:
    answer = api.post("/oauth/token", data=GRANT, headers={"Authorization": header.encode("latin-1")})
    assert_refused(answer, "invalid_client", 401)


def test_header_and_body_at_once_are_refused(api: TestClient, home: BrandHome) -> None:
    client_id, secret = new_client(home)
    assert_refused(ask(api, (client_id, secret), client_id=client_id, client_secret=secret), "invalid_request")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        (b"", "invalid_request"),
        (b"scope=stores:read", "invalid_request"),
        (b"grant_type=", "invalid_request"),
        (b"grant_type=password&username=a&password=b", "unsupported_grant_type"),
        (b"grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        (b"grant_type=client_credentials&scope=%ff%fe", "invalid_request"),
        (b"grant_type=client_credentials&scope=a%00b", "invalid_request"),
        (b"\xff\xfe", "invalid_request"),
        (b"&".join(b"a%d=1" % n for n in range(50)), "invalid_request"),
    ],
)
def test_a_malformed_form_is_refused(api: TestClient, home: BrandHome, form: bytes, error: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = api.post("/oauth/token", content=form, headers=headers, auth=new_client(home))
    assert_refused(answer, error)


def test_json_is_refused(api: TestClient, home: BrandHome) -> None:
    assert_refused(api.post("/oauth/token", json=GRANT, auth=new_client(home)), "invalid_request")


def test_a_large_body_is_refused(api: TestClient) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert api.post("/oauth/token", content=b"a=" + b"x" * 3_000_000, headers=headers).status_code == 413


def test_a_revoked_client_gets_no_token_and_its_tokens_end(api: TestClient, home: BrandHome) -> None:
    client = new_client(home)
    token = ask(api, client).json()["access_token"]
    assert api.delete(f"/v1/api-clients/{client[0]}", headers=home.headers).status_code == 204
    assert_refused(ask(api, client), "invalid_client", 401)
    assert me(api, token).status_code == 401


def test_an_expired_token_is_worth_nothing(api: TestClient, home: BrandHome) -> None:
    past = utc_now() - timedelta(hours=2)
    with home.open() as session:
        client, _ = make.api_client(session)
        secret = new_secret("token")
        service.issue_token(session, client, ["brand:read"], digest_of(secret), past)
        session.commit()
    assert me(api, secret).status_code == 401


def test_issuing_clears_away_what_has_ended(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        client, secret = make.api_client(session)
        for hours in (5, 3, 0):
            digest = digest_of(new_secret("token"))
            service.issue_token(session, client, [], digest, utc_now() - timedelta(hours=hours))
        session.commit()
        client_id = client.id
    assert ask(api, (encode_id("client", client_id), secret)).status_code == 200
    with home.open() as session:
        of_client = session.execute(
            text("SELECT count(*) FROM access_token WHERE api_client_id = :id"), {"id": client_id}
        )
        assert of_client.scalar_one() == 2


def test_a_client_ends_its_own_token_but_not_anothers(api: TestClient, home: BrandHome, other_home: BrandHome) -> None:
    client, other = new_client(home), new_client(home)
    token = ask(api, client).json()["access_token"]
    for stranger in (other, new_client(other_home)):
        assert api.post("/oauth/revoke", data={"token": token}, auth=stranger).status_code == 200
        assert me(api, token).status_code == 200
    assert api.post("/oauth/revoke", data={"token": token}, auth=client).status_code == 200
    assert me(api, token).status_code == 401
    assert api.post("/oauth/revoke", data={"token": "nonsense"}, auth=client).status_code == 200
    assert_refused(api.post("/oauth/revoke", data={"token": token}), "invalid_client", 401)
    assert_refused(api.post("/oauth/revoke", data={}, auth=client), "invalid_request")


def test_issuing_and_ending_a_token_stand_in_the_audit_log(api: TestClient, home: BrandHome) -> None:
    client = new_client(home)
    token = get_token(api, client)
    assert api.post("/oauth/revoke", data={"token": token}, auth=client).status_code == 200
    entries = api.get("/v1/audit-log", params={"kind": "change"}, headers=home.headers).json()["items"]
    mine = [one for one in entries if one["caller_id"] == client[0]]
    assert [one["action"] for one in mine] == ["revoke_token", "create_token"]
    assert all(one["object_id"] == client[0] and one["request_id"] for one in mine)
    assert token not in str(entries)


def test_tokens_of_two_brands_lead_each_to_its_own(api: TestClient, home: BrandHome, other_home: BrandHome) -> None:
    brands = []
    for one in (home, other_home):
        token = ask(api, new_client(one)).json()["access_token"]
        brands.append(me(api, token).json()["brand"]["id"])
    assert brands == [encode_id("brand", one.scope.brand_id) for one in (home, other_home)]


def test_a_kept_token_belongs_to_itsnew_client(home: BrandHome) -> None:
    with home.open() as session:
        client, _ = make.api_client(session)
        secret = new_secret("token")
        token = service.issue_token(session, client, ["brand:read"], digest_of(secret), utc_now())
        found = queries.find_token(session, digest_of(secret))
        assert isinstance(found, AccessToken)
        assert (found.id, found.api_client_id) == (token.id, client.id)

"""A browser becomes a till by a link and a PIN, and stops being one at once."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import col, select

from app.audit.models import AuditEntry
from tenants.ids import encode_id
from tenants.permissions import GRANTABLE_TO_STORES
from tenants.tables import utc_now
from tenants.tills import service
from tenants.tills.models import TillDevice
from tests import make
from tests.app.admin.calls import assert_problem
from tests.app.till.stage import open_till, unknown_secret
from tests.conftest import BrandHome


@pytest.fixture
def link(api: TestClient, home: BrandHome) -> dict[str, Any]:
    """An invitation, as head office was answered."""
    with home.open() as session:
        store = make.store(session, name="渋谷店")
        session.commit()
    body = {"store_id": encode_id("store", store.id), "name": "レジ1"}
    answer = api.post("/v1/till-links", json=body, headers=home.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def _path(link: dict[str, Any]) -> str:
    return str(urlsplit(link["url"]).path)


def _type(api: TestClient, link: dict[str, Any], pin: str) -> Any:
    return api.post(_path(link), data={"pin": pin}, follow_redirects=False)


def _wrong(link: dict[str, Any]) -> str:
    return f"{(int(link['pin']) + 1) % 10**6:06}"


def _status(api: TestClient, home: BrandHome, link: dict[str, Any]) -> str:
    return str(api.get(f"/v1/till-devices/{link['id']}", headers=home.headers).json()["status"])


def test_the_pin_makes_the_browser_a_till_of_its_store(api: TestClient, home: BrandHome, link: dict[str, Any]) -> None:
    assert _status(api, home, link) == "invited"
    assert "PIN" in api.get(_path(link)).text
    answer = _type(api, link, link["pin"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/till")
    assert "HttpOnly" in answer.headers["set-cookie"]
    me = api.get("/till/me").json()
    assert (me["store"], me["name"]) == ("渋谷店", "レジ1")
    assert _status(api, home, link) == "active"


def test_a_pin_in_full_width_digits_is_right(api: TestClient, link: dict[str, Any]) -> None:
    wide = link["pin"].translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)})
    assert _type(api, link, f" {wide} ").status_code == 303


def test_a_link_makes_one_till(api: TestClient, link: dict[str, Any]) -> None:
    assert _type(api, link, link["pin"]).status_code == 303
    assert _type(api, link, link["pin"]).status_code == 404
    assert api.get(_path(link)).status_code == 404


def test_five_wrong_pins_spend_the_link(api: TestClient, home: BrandHome, link: dict[str, Any]) -> None:
    answers = [_type(api, link, _wrong(link)) for _ in range(service.MOST_WRONG_PINS)]
    assert [answer.status_code for answer in answers] == [403, 403, 403, 403, 404]
    assert _type(api, link, link["pin"]).status_code == 404
    assert _status(api, home, link) == "locked"


def test_what_is_no_pin_is_no_guess(api: TestClient, home: BrandHome, link: dict[str, Any]) -> None:
    for typed in ("", "12345", "abcdef", "1234567"):
        assert _type(api, link, typed).status_code == 403
    with home.open() as session:
        assert session.exec(select(TillDevice.wrong_pins)).one() == 0


def test_a_link_ends_by_itself(api: TestClient, home: BrandHome, link: dict[str, Any]) -> None:
    past = utc_now() - timedelta(seconds=1)
    with home.open() as session:
        session.execute(text("UPDATE till_device SET invited_until = :past"), {"past": past})
        session.execute(text("UPDATE credential_hash SET expires_at = :past WHERE kind = 'till_link'"), {"past": past})
        session.commit()
    assert _type(api, link, link["pin"]).status_code == 404
    assert _status(api, home, link) == "expired"


def test_a_revoked_till_is_refused_at_once(api: TestClient, home: BrandHome) -> None:
    till = open_till(api, home)
    assert till.call("GET", "/me").status_code == 200
    gone = api.delete(f"/v1/till-devices/{encode_id('till', till.device.id)}", headers=home.headers)
    assert gone.status_code == 204
    assert_problem(till.call("GET", "/me"), 401, "till-signed-out")
    assert_problem(till.scan("7K2P9QXM4TRC"), 401, "till-signed-out")


def test_a_revoked_invitation_leads_nowhere(api: TestClient, home: BrandHome, link: dict[str, Any]) -> None:
    assert api.delete(f"/v1/till-devices/{link['id']}", headers=home.headers).status_code == 204
    assert _type(api, link, link["pin"]).status_code == 404


def test_tills_end_with_their_store(api: TestClient, home: BrandHome) -> None:
    till = open_till(api, home)
    api.delete(f"/v1/stores/{encode_id('store', till.store.id)}", headers=home.headers)
    assert_problem(till.call("GET", "/me"), 401, "till-signed-out")


def test_an_unknown_secret_is_nobodys(api: TestClient) -> None:
    secret = unknown_secret()
    assert api.get(f"/till/{secret}").status_code == 404
    assert_problem(api.get("/till/me", headers={"Cookie": f"noren-till={secret}"}), 401, "till-signed-out")


def test_another_sites_form_is_refused(api: TestClient, link: dict[str, Any]) -> None:
    headers = {"Origin": "https://elsewhere.example"}
    answer = api.post(_path(link), data={"pin": link["pin"]}, headers=headers, follow_redirects=False)
    assert_problem(answer, 403, "request-forged")


def test_a_change_without_the_tills_token_is_refused(api: TestClient, home: BrandHome) -> None:
    till, other = open_till(api, home), open_till(api, home)
    till.token = other.token
    assert_problem(till.scan("7K2P9QXM4TRC"), 403, "request-forged")


def test_a_link_is_no_cookie_and_a_tills_cookie_no_link(api: TestClient, home: BrandHome, link: dict[str, Any]) -> None:
    secret = _path(link).rpartition("/")[2]
    assert api.get("/till/me", headers={"Cookie": f"noren-till={secret}"}).status_code == 401
    assert api.get(f"/till/{open_till(api, home).secret}").status_code == 404


def test_a_tills_cookie_opens_nothing_of_the_api(api: TestClient, home: BrandHome) -> None:
    till = open_till(api, home)
    assert api.get("/v1/me", headers={"Authorization": f"Bearer {till.secret}"}).status_code == 401
    assert api.get("/v1/me", headers={"Cookie": f"noren={till.secret}"}).status_code == 401


def test_whoever_may_not_redeem_invites_no_till(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        store = make.store(session)
        permissions = sorted(GRANTABLE_TO_STORES - {"coupons:redeem"})
        key = make.store_key(session, store, permissions=permissions)
        session.commit()
    answer = api.post("/v1/till-links", json={"name": "レジ"}, headers={"Authorization": f"Bearer {key}"})
    assert_problem(answer, 403, "permission-missing")


def test_neither_pin_nor_secrets_are_kept(api: TestClient, home: BrandHome, link: dict[str, Any]) -> None:
    secret = _path(link).rpartition("/")[2]
    with home.open() as session:
        rows = str([session.execute(text(f"SELECT * FROM {name}")).all() for name in ("till_device", "audit_entry")])
    assert secret not in rows
    assert link["pin"] not in rows.replace(str(link["created_at"]), "")


def test_the_log_tells_of_wrong_pins_and_of_the_opening(api: TestClient, home: BrandHome, link: dict[str, Any]) -> None:
    _type(api, link, _wrong(link))
    _type(api, link, link["pin"])
    with home.open() as session:
        found = session.exec(select(AuditEntry.action).where(col(AuditEntry.caller_kind) == "till")).all()
    assert set(found) == {"mistype_till_pin", "open_till"}

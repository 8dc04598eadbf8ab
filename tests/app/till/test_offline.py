"""The signed list by which a till works without a network."""

import base64
from datetime import timedelta
from typing import Any

import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.till import offline, pages
from tenants.tables import utc_now
from tests.app.till.stage import Till, issue, open_till
from tests.conftest import BrandHome

ENTRY = offline.HASH_BYTES + 2


def _raw(written: str) -> bytes:
    return base64.urlsafe_b64decode(written + "=" * (-len(written) % 4))


def _read(till: Till) -> dict[str, Any]:
    answer = till.call("GET", "/list")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = orjson.loads(answer.json()["payload"])
    return found


def _find(listed: dict[str, Any], code: str) -> list[Any] | None:
    """The span of a code on a list: offer, from, until."""
    wanted, raw = offline.hash_of(_raw(listed["salt"]), code), _raw(listed["copies"])
    for at in range(0, len(raw), ENTRY):
        if raw[at : at + offline.HASH_BYTES] == wanted:
            span: list[Any] = listed["spans"][int.from_bytes(raw[at + offline.HASH_BYTES : at + ENTRY])]
            return span
    return None


def _check(till: Till, payload: str, signature: str) -> None:
    key = till.call("GET", "/me").json()["list_key"]
    x, y = (int.from_bytes(_raw(key[name])) for name in "xy")
    r, s = int.from_bytes(_raw(signature)[:32]), int.from_bytes(_raw(signature)[32:])
    public = EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    public.verify(encode_dss_signature(r, s), payload.encode(), ECDSA(SHA256()))


def test_what_is_usable_here_today_is_listed_with_its_offer(api: TestClient, home: BrandHome) -> None:
    till, copy = open_till(api, home), issue(home)
    listed = _read(till)
    span = _find(listed, copy.code)
    assert span is not None
    assert listed["offers"][span[0]]["gives_ja"] == "200円引き"
    assert span[2] == int(copy.expires_at.timestamp())
    assert listed["is_whole"] is True


def test_what_is_not_usable_here_today_is_not_listed(api: TestClient, home: BrandHome) -> None:
    till, now = open_till(api, home), utc_now()
    used = issue(home)
    till.scan(used.code)
    others = [
        used,
        issue(home, expires_at=now - timedelta(minutes=1)),
        issue(home, starts_at=now + timedelta(days=2), expires_at=now + timedelta(days=3)),
        issue(home, coupon={"redeemable_store_nos": [till.store.no + 100]}),
        issue(home, status="void"),
    ]
    listed = _read(till)
    assert [_find(listed, copy.code) for copy in others] == [None] * len(others)


def test_nothing_of_another_brand_is_listed(api: TestClient, home: BrandHome, other_home: BrandHome) -> None:
    copy = issue(other_home)
    assert _find(_read(open_till(api, home)), copy.code) is None


def test_the_list_holds_no_code(api: TestClient, home: BrandHome) -> None:
    till, copy = open_till(api, home), issue(home)
    assert copy.code not in till.call("GET", "/list").text


def test_times_of_use_are_on_the_list(api: TestClient, home: BrandHome) -> None:
    till, copy = open_till(api, home), issue(home, coupon={"usable_times": {"hours": [["14:00", "17:00"]]}})
    listed = _read(till)
    span = _find(listed, copy.code)
    assert span is not None
    times = listed["offers"][span[0]]["times"]
    assert sum(until - begins for begins, until in times) == pytest.approx(3 * 3600, abs=600)


def test_the_signature_is_good_for_this_list_alone(api: TestClient, home: BrandHome) -> None:
    till = open_till(api, home)
    issue(home)
    answer = till.call("GET", "/list").json()
    _check(till, answer["payload"], answer["signature"])
    with pytest.raises(InvalidSignature):
        _check(till, answer["payload"].replace('"version":1', '"version":2'), answer["signature"])


def test_brands_sign_with_keys_of_their_own(api: TestClient, home: BrandHome, other_home: BrandHome) -> None:
    answer = open_till(api, home).call("GET", "/list").json()
    with pytest.raises(InvalidSignature):
        _check(open_till(api, other_home), answer["payload"], answer["signature"])


def test_a_browser_that_has_the_list_is_told_so(api: TestClient, home: BrandHome) -> None:
    till = open_till(api, home)
    issue(home)
    tags = {till.call("GET", "/list").headers["etag"] for _ in range(2)}
    if len(tags) == 1:  # else the ten minutes were over between the two
        assert till.call("GET", "/list", **{"If-None-Match": tags.pop()}).status_code == 304
    issue(home)
    assert till.call("GET", "/list").headers["etag"] not in tags


def test_of_too_many_copies_those_of_its_own_customers_are_listed(
    api: TestClient, home: BrandHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline, "MOST", 1)
    till, other, mine = open_till(api, home), issue(home), issue(home)
    with home.open() as session:
        session.execute(
            text("UPDATE customer SET store_nos = :nos WHERE id = :id"),
            {"nos": [till.store.no], "id": mine.customer_id},
        )
        session.commit()
    listed = _read(till)
    assert listed["is_whole"] is False
    assert _find(listed, mine.code) is not None
    assert _find(listed, other.code) is None


def test_the_page_holds_no_script_of_its_own_and_little_in_all(api: TestClient) -> None:
    page = api.get("/till")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe-inline" not in page.headers["content-security-policy"]
    assert page.text.count("<script") == page.text.count('<script src="/till/static/till.js?') == 1
    assert len(api.get("/till/static/till.js").content) < 40 * 1024
    assert pages.version() in api.get("/till/sw.js").text
    assert api.get("/till/sw.js").headers["service-worker-allowed"] == "/till"


def test_what_the_page_is_made_of_is_found_by_name_alone(api: TestClient) -> None:
    assert [api.get(f"/till/static/{name}").status_code for name in ("till.css", "sw.js", "..%2Frouter.py")] == [
        200, 404, 404,
    ]  # fmt: skip

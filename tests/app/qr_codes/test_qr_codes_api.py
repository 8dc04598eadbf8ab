"""QR codes over HTTP: making, changing, drawing and printing them."""

import struct
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from tenants.ids import encode_id
from tenants.line_accounts.models import LineAccount
from tenants.stores.models import Store
from tests import make
from tests.conftest import BrandHome


class Shop:
    """Two stores with an account each, and a third account that serves both."""

    def __init__(self, home: BrandHome) -> None:
        with home.open() as session:
            session.expire_on_commit = False
            self.store: Store = make.store(session, name="渋谷店")
            self.other_store: Store = make.store(session)
            self.account: LineAccount = make.line_account(session, self.store, basic_id="@shibuya")
            self.other_account: LineAccount = make.line_account(session, self.other_store)
            self.shared: LineAccount = make.line_account(session, self.store, self.other_store)
            key = make.store_key(session, self.store)
            session.commit()
        self.key = {"Authorization": f"Bearer {key}"}


@pytest.fixture
def shop(home: BrandHome) -> Shop:
    return Shop(home)


def create(api: TestClient, headers: dict[str, str], account: LineAccount, **more: str) -> Response:
    body = {"name": "レジ横", "kind": "store", "line_account_id": encode_id("acc", account.id), **more}
    answer: Response = api.post("/v1/qr-codes", json=body, headers=headers)
    return answer


def test_a_code_is_made_changed_and_archived(api: TestClient, home: BrandHome, shop: Shop) -> None:
    made = create(api, home.headers, shop.account, label="入口")
    assert made.status_code == 201, made.text
    code = made.json()
    assert code["url"].startswith("http://127.0.0.1:8000/r/")
    assert (code["label"], code["is_tied"], code["scans"], code["friends"]) == ("入口", False, 0, 0)
    path = f"/v1/qr-codes/{code['id']}"
    changed = api.patch(path, json={"name": "入口"}, headers={**home.headers, "If-Match": made.headers["etag"]})
    assert changed.json() == {**code, "name": "入口"}
    stale = api.patch(path, json={"name": "窓"}, headers={**home.headers, "If-Match": made.headers["etag"]})
    assert stale.status_code == 412
    assert api.delete(path, headers=home.headers).status_code == 204
    assert api.get(path, headers=home.headers).json()["archived_at"] is not None
    assert api.get("/v1/qr-codes", headers=home.headers).json()["items"] == []
    archived = api.get("/v1/qr-codes", params={"status": "archived"}, headers=home.headers).json()["items"]
    assert [one["id"] for one in archived] == [code["id"]]


def test_scans_do_not_make_a_version_stale(api: TestClient, home: BrandHome, shop: Shop) -> None:
    made = create(api, home.headers, shop.account)
    api.get(made.json()["url"].removeprefix("http://127.0.0.1:8000"), follow_redirects=False)
    path = f"/v1/qr-codes/{made.json()['id']}"
    assert api.get(path, headers={**home.headers, "If-None-Match": made.headers["etag"]}).json()["scans"] == 1
    changed = api.patch(path, json={"name": "入口"}, headers={**home.headers, "If-Match": made.headers["etag"]})
    assert changed.status_code == 200


def test_a_store_makes_codes_of_its_own_accounts_for_itself(api: TestClient, shop: Shop) -> None:
    made = create(api, shop.key, shop.shared)
    assert made.json()["store_id"] == encode_id("store", shop.store.id)
    assert create(api, shop.key, shop.other_account).status_code == 404
    elsewhere = create(api, shop.key, shop.account, store_id=encode_id("store", shop.other_store.id))
    assert elsewhere.status_code == 404


def test_a_store_sees_head_offices_codes_of_its_accounts_and_changes_its_own(
    api: TestClient, home: BrandHome, shop: Shop
) -> None:
    shared = create(api, home.headers, shop.shared).json()["id"]
    foreign = create(api, home.headers, shop.other_account).json()["id"]
    theirs = create(api, home.headers, shop.shared, store_id=encode_id("store", shop.other_store.id)).json()["id"]
    seen = {one["id"] for one in api.get("/v1/qr-codes", headers=shop.key).json()["items"]}
    assert seen == {shared}
    assert [api.get(f"/v1/qr-codes/{one}", headers=shop.key).status_code for one in (foreign, theirs)] == [404, 404]
    assert api.patch(f"/v1/qr-codes/{shared}", json={"name": "x"}, headers=shop.key).status_code == 403


def test_a_code_belongs_to_a_store_of_its_account(api: TestClient, home: BrandHome, shop: Shop) -> None:
    refused = create(api, home.headers, shop.account, store_id=encode_id("store", shop.other_store.id))
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/store_id"


def test_a_picture_is_as_large_as_asked_for_with_its_quiet_zone(api: TestClient, home: BrandHome, shop: Shop) -> None:
    path = f"/v1/qr-codes/{create(api, home.headers, shop.account).json()['id']}/image"
    png = api.get(path, params={"format": "png", "size": 600}, headers=home.headers)
    assert png.headers["content-type"] == "image/png"
    width, height = struct.unpack(">II", png.content[16:24])
    assert 600 - 45 < width == height <= 600
    svg = api.get(path, params={"size": 300}, headers=home.headers)
    assert svg.headers["content-type"].startswith("image/svg+xml")
    drawing = ElementTree.fromstring(svg.text)  # noqa: S314 - our own
    assert float(drawing.attrib["width"]) == pytest.approx(300, abs=0.01)
    assert "script" not in svg.headers["content-security-policy"]


@pytest.mark.parametrize("query", [{"size": "63"}, {"size": "5000"}, {"size": "1_00"}, {"format": "gif"}, {"x": "1"}])
def test_a_picture_is_not_drawn_beyond_reason(
    api: TestClient, home: BrandHome, shop: Shop, query: dict[str, str]
) -> None:
    path = f"/v1/qr-codes/{create(api, home.headers, shop.account).json()['id']}/image"
    assert api.get(path, params=query, headers=home.headers).status_code == 422


@pytest.mark.parametrize(("paper", "millimetres"), [("a3", (297, 420)), ("a4", (210, 297)), ("a5", (148, 210))])
def test_a_poster_is_one_page_with_its_font_in_it(
    api: TestClient, home: BrandHome, shop: Shop, paper: str, millimetres: tuple[int, int]
) -> None:
    path = f"/v1/qr-codes/{create(api, home.headers, shop.account).json()['id']}/poster"
    headline = "雨の日は、あたたかい一杯を🍜"
    poster = api.get(path, params={"paper": paper, "headline": headline}, headers=home.headers)
    assert poster.headers["content-type"] == "application/pdf"
    assert poster.content.startswith(b"%PDF-")
    assert poster.content.count(b"/Type /Page\n") == 1
    width, height = (f"{one * 72 / 25.4:.2f}".encode() for one in millimetres)
    assert b"/MediaBox [0 0 " + width + b" " + height + b"]" in poster.content
    assert b"/FontFile" in poster.content

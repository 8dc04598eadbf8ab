"""Notes about customers over HTTP, as head office and as stores see them."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tenants.ids import encode_id, uuid7
from tests import make
from tests.conftest import BrandHome


class Shops:
    """Two stores with keys, and a customer of both."""

    def __init__(self, home: BrandHome) -> None:
        with home.open() as session:
            a, b = make.store(session), make.store(session)
            self.key_a = {"Authorization": f"Bearer {make.store_key(session, a)}"}
            self.key_b = {"Authorization": f"Bearer {make.store_key(session, b)}"}
            person, stranger = make.customer(session, a, b), make.customer(session, b)
            session.commit()
            self.a_id = encode_id("store", a.id)
            self.notes = f"/v1/customers/{encode_id('cus', person.id)}/notes"
            self.notes_of_stranger = f"/v1/customers/{encode_id('cus', stranger.id)}/notes"


@pytest.fixture
def shops(home: BrandHome) -> Shops:
    return Shops(home)


def texts(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["text"] for item in answer.json()["items"]]


def test_a_note_is_written_changed_and_deleted(api: TestClient, home: BrandHome, shops: Shops) -> None:
    made = api.post(shops.notes, json={"text": " 窓際がお好み。\r\n辛いものは苦手。 "}, headers=home.headers)
    assert made.status_code == 201, made.text
    assert (made.json()["text"], made.json()["author"]) == ("窓際がお好み。\n辛いものは苦手。", "本部システム")
    one = f"/v1/customer-notes/{made.json()['id']}"
    assert api.get(one, headers=home.headers).json() == made.json()
    headers = {**home.headers, "If-Match": made.headers["etag"]}
    changed = api.patch(one, json={"text": "禁煙席"}, headers=headers)
    assert (changed.status_code, changed.json()["text"]) == (200, "禁煙席")
    assert changed.json()["updated_at"] > made.json()["updated_at"]
    assert api.patch(one, json={"text": "喫煙席"}, headers=headers).status_code == 412
    assert texts(api.get(shops.notes, headers=home.headers)) == ["禁煙席"]
    assert api.delete(one, headers=home.headers).status_code == 204
    assert texts(api.get(shops.notes, headers=home.headers)) == []


@pytest.mark.parametrize("text", ["", "   ", "あ" * 2001, "a\x07b", None, 5])
def test_what_is_no_note_is_refused(api: TestClient, home: BrandHome, shops: Shops, text: Any) -> None:
    refused = api.post(shops.notes, json={"text": text}, headers=home.headers)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/text")


def test_a_store_sees_head_offices_notes_and_its_own(api: TestClient, home: BrandHome, shops: Shops) -> None:
    hq = api.post(shops.notes, json={"text": "本部"}, headers=home.headers).json()
    a = api.post(shops.notes, json={"text": "甲"}, headers=shops.key_a).json()
    api.post(shops.notes, json={"text": "乙"}, headers=shops.key_b)
    assert (hq["store_id"], a["store_id"], a["author"]) == (None, shops.a_id, "レジ")
    assert texts(api.get(shops.notes, headers=shops.key_a)) == ["甲", "本部"]
    assert texts(api.get(shops.notes, headers=shops.key_b)) == ["乙", "本部"]
    assert texts(api.get(shops.notes, headers=home.headers)) == ["乙", "甲", "本部"]
    theirs, nobodys = f"/v1/customer-notes/{a['id']}", f"/v1/customer-notes/{encode_id('note', uuid7())}"
    for method in ("get", "delete"):
        assert api.request(method, theirs, headers=shops.key_b).status_code == 404
        assert api.request(method, nobodys, headers=shops.key_b).status_code == 404
    assert api.patch(theirs, json={"text": "x"}, headers=shops.key_b).status_code == 404


def test_a_store_only_reads_head_offices_notes(api: TestClient, home: BrandHome, shops: Shops) -> None:
    one = f"/v1/customer-notes/{api.post(shops.notes, json={'text': '本部'}, headers=home.headers).json()['id']}"
    assert api.get(one, headers=shops.key_a).status_code == 200
    for refused in (api.patch(one, json={"text": "x"}, headers=shops.key_a), api.delete(one, headers=shops.key_a)):
        assert refused.status_code == 403
        assert refused.json()["type"].endswith("/problems/note-of-head-office")
        assert "head office" in refused.json()["title"]
        assert "permission" not in refused.json()


def test_of_a_customer_whom_a_store_does_not_see_it_sees_no_notes(
    api: TestClient, home: BrandHome, shops: Shops
) -> None:
    made = api.post(shops.notes_of_stranger, json={"text": "本部"}, headers=home.headers).json()
    assert api.get(shops.notes_of_stranger, headers=shops.key_a).status_code == 404
    assert api.post(shops.notes_of_stranger, json={"text": "x"}, headers=shops.key_a).status_code == 404
    assert api.get(f"/v1/customer-notes/{made['id']}", headers=shops.key_a).status_code == 404


def test_no_note_is_written_about_who_was_erased(api: TestClient, home: BrandHome, shops: Shops) -> None:
    api.delete(shops.notes.removesuffix("/notes"), headers=home.headers)
    assert api.get(shops.notes, headers=home.headers).status_code == 404
    assert api.post(shops.notes, json={"text": "x"}, headers=home.headers).status_code == 404

"""Queries and texts: what is not known, not told twice, and kept in one form."""

import unicodedata

import pytest
from fastapi.testclient import TestClient

from tests.conftest import BrandHome

APART = unicodedata.normalize("NFD", "がっこう")
TOGETHER = unicodedata.normalize("NFC", "がっこう")


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("stores?surprise=1", "/query/surprise"),
        ("stores?limit=1&limit=2", "/query/limit"),
        ("stores?limit=1&Limit=1", "/query/Limit"),
        ("stores?a~/b=1", "/query/a~0~1b"),
        ("stores?%0a=1", "/query/\\n"),
        ("stores?=1", "/query/"),
        ("stores?x", "/query/x"),
        ("me?x=1", "/query/x"),
    ],
)
def test_an_unknown_or_repeated_parameter_is_refused(api: TestClient, home: BrandHome, path: str, pointer: str) -> None:
    answer = api.get(f"/v1/{path}", headers=home.headers)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_change_refuses_unknown_parameters_too(api: TestClient, home: BrandHome) -> None:
    assert api.post("/v1/tags?dry_run=true", json={"name": "x"}, headers=home.headers).status_code == 422
    assert api.get("/v1/tags", headers=home.headers).json()["items"] == []


def test_a_parameter_that_takes_a_list_may_be_repeated(api: TestClient, home: BrandHome) -> None:
    query = "types=order.paid&types=visit.recorded"
    assert api.get(f"/v1/events?{query}", headers=home.headers).status_code == 200


def test_a_text_is_kept_in_one_form_and_found_in_any(api: TestClient, home: BrandHome) -> None:
    made = api.post("/v1/stores", json={"code": APART, "name": APART}, headers=home.headers).json()
    assert (made["code"], made["name"]) == (TOGETHER, TOGETHER)
    for spelling in (APART, TOGETHER):
        found = api.get("/v1/stores", params={"code": spelling}, headers=home.headers).json()["items"]
        assert [one["id"] for one in found] == [made["id"]]


def test_a_path_is_read_in_the_form_in_which_names_are_kept(api: TestClient, home: BrandHome) -> None:
    api.post("/v1/tags", json={"name": TOGETHER}, headers=home.headers)
    customer = api.post("/v1/customers", json={"external_id": "x"}, headers=home.headers).json()
    answer = api.put(f"/v1/customers/{customer['id']}/tags/{APART}", headers=home.headers)
    assert answer.json()["tags"] == [TOGETHER]


def test_texts_in_free_form_members_are_composed_with_their_names(api: TestClient, home: BrandHome) -> None:
    body = {"external_id": "x", "attributes": {APART: APART}}
    made = api.post("/v1/customers", json=body, headers=home.headers).json()
    assert made["attributes"] == {TOGETHER: TOGETHER}


def test_two_spellings_of_one_member_are_refused(api: TestClient, home: BrandHome) -> None:
    body = {"external_id": "x", "attributes": {APART: 1, TOGETHER: 2}}
    assert api.post("/v1/customers", json=body, headers=home.headers).status_code == 422


@pytest.mark.parametrize("name", ["", " ", "\u200b", "a\nb", "a\tb", "\x1b[31mred", "\ufeff", "\u3164", "a\u2028b"])
def test_a_name_is_one_line_that_can_be_seen(api: TestClient, home: BrandHome, name: str) -> None:
    assert api.post("/v1/tags", json={"name": name}, headers=home.headers).status_code == 422


@pytest.mark.parametrize("name", ["👨‍👩‍👧", "ｶﾌｪ", "العربية", "渋谷  店", "ラーメン🍜"])
def test_a_name_may_be_in_any_script(api: TestClient, home: BrandHome, name: str) -> None:
    answer = api.post("/v1/tags", json={"name": f" {name} "}, headers=home.headers)
    assert (answer.status_code, answer.json()["name"]) == (201, name)


def test_a_member_that_is_named_twice_is_refused(api: TestClient, home: BrandHome) -> None:
    headers = {**home.headers, "Content-Type": "application/json"}
    answer = api.post("/v1/tags", content=b'{"name": "a", "name": "b"}', headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (400, "An object names a member twice.")


@pytest.mark.parametrize(("wanted", "status"), [("*", 304), ("W/{tag}", 304), ('"x", {tag}', 304), ("x{tag}", 200)])
def test_if_none_match_knows_lists_weak_tags_and_the_star(
    api: TestClient, home: BrandHome, wanted: str, status: int
) -> None:
    tag = api.get("/v1/brand", headers=home.headers).headers["etag"]
    answer = api.get("/v1/brand", headers={**home.headers, "If-None-Match": wanted.format(tag=tag)})
    assert answer.status_code == status


@pytest.mark.parametrize("key", ['"', '""', '"a', "", "x" * 256, "ü"])
def test_an_idempotency_key_is_printable_bare_or_quoted(api: TestClient, home: BrandHome, key: str) -> None:
    headers = {**home.headers, "Idempotency-Key": key.encode("latin-1")}
    answer = api.post("/v1/tags", json={"name": "x"}, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/header/idempotency-key")


def test_a_replayed_answer_has_the_version_it_had_before(api: TestClient, home: BrandHome) -> None:
    headers = {**home.headers, "Idempotency-Key": "once"}
    first, second = (api.post("/v1/tags", json={"name": "x"}, headers=headers) for _ in range(2))
    assert second.headers["idempotent-replayed"] == "true"
    assert first.headers["etag"] == second.headers["etag"]


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("tags", "GET, POST"),
        ("tags/tag_01h455vb4pex5vsknk084sn02q", "DELETE, GET, PATCH"),
        ("campaigns/cmp_01h455vb4pex5vsknk084sn02q/launch", "POST"),
        ("stores/nearby", "GET"),
    ],
)
def test_a_path_tells_every_method_that_it_knows(api: TestClient, path: str, methods: str) -> None:
    answer = api.put(f"/v1/{path}")
    assert (answer.status_code, answer.headers["allow"]) == (405, methods)


@pytest.mark.parametrize(
    ("name", "pointer"),
    [
        ("a\r\nSet-Cookie: x=1", "/a\\r\\nSet-Cookie: x=1"),
        ("\x1b[31m", "/\\x1b[31m"),
        ("a\u202eb", "/a\\u202eb"),
        ("辛さ", "/辛さ"),
        ("a/b~", "/a~1b~0"),
        ("n" * 100, "/" + "n" * 64),
    ],
)
def test_a_pointer_names_what_was_sent_so_that_it_can_be_printed(
    api: TestClient, home: BrandHome, name: str, pointer: str
) -> None:
    answer = api.post("/v1/tags", json={"name": "x", name: 1}, headers=home.headers)
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]

"""What every operation does with a body before its handler sees it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tenants.ids import encode_id
from tests import make
from tests.conftest import BrandHome

_OFFER = {"benefit": {"kind": "amount_off", "amount_yen": 100}, "validity": {"hours_after_issue": 24}}
_HELLO = [{"type": "text", "text": "x"}]
_COLD = {"reading": "temperature_max", "op": "<", "value": 0}


def post(api: TestClient, home: BrandHome, body: bytes, **headers: str) -> Any:
    return api.post("/v1/tags", content=body, headers={**home.headers, **headers})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"name": NaN}', 400),
        (b'{"name": 1e400}', 400),
        (b'{"name"', 400),
        (b"\xff\xfe{\x00}\x00", 400),
        (b"[" * 100_000, 400),
        (b"", 422),
        (b"null", 422),
        (b"[]", 422),
        (b'{"name": "a\\u0000b"}', 422),
        (b'{"name": "\\ud800"}', 422),
        (b'{"name": 99999999999999999999}', 422),
        (b'{"name": ' + b"[" * 40 + b"]" * 40 + b"}", 422),
        (b'{"name": "x", "surprise": 1}', 422),
        (b'{"name": "' + b"x" * 3_000_000 + b'"}', 413),
    ],
)
def test_a_bad_body_gets_the_problem_that_fits(api: TestClient, home: BrandHome, body: bytes, status: int) -> None:
    answer = post(api, home, body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["request-id"]
    if status == 422:
        assert all("pointer" in error for error in answer.json()["errors"])


def test_a_body_of_two_lengths_is_refused(api: TestClient, home: BrandHome) -> None:
    answer = post(api, home, b'{"name": "x"}', **{"Content-Length": "13", "Transfer-Encoding": "chunked"})
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-request")


@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "text/plain", "application/xml"])
def test_a_body_that_is_not_said_to_be_json_is_415(api: TestClient, home: BrandHome, media_type: str) -> None:
    answer = post(api, home, b'{"name": "x"}', **{"Content-Type": media_type})
    assert (answer.status_code, answer.json()["detail"]) == (415, "Send the body as application/json.")


def test_what_is_not_json_is_said_to_be_none(api: TestClient, home: BrandHome) -> None:
    assert post(api, home, b'{"name"').json()["detail"] == "The body is not JSON."


def test_the_words_of_the_framework_are_not_repeated(api: TestClient) -> None:
    assert "detail" not in api.get("/nothing").json()
    assert "detail" not in api.delete("/healthz").json()


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "application/merge-patch+json"])
def test_json_under_its_other_names_is_taken(api: TestClient, home: BrandHome, media_type: str) -> None:
    assert post(api, home, b'{"name": "x"}', **{"Content-Type": media_type}).status_code == 201


def test_a_created_resource_has_the_tag_under_which_it_is_read_again(api: TestClient, home: BrandHome) -> None:
    condition = b'{"reading": "temperature_max", "op": "<", "value": -0.0}'
    body = (
        b'{"name": "x", "all_stores": true, "messages": [{"type": "text", "text": "x"}], "condition": %b}' % condition
    )
    headers = {**home.headers, "Content-Type": "application/json"}
    made = api.post("/v1/weather-rules", content=body, headers=headers)
    assert made.status_code == 201, made.text
    again = api.get(f"/v1/weather-rules/{made.json()['id']}", headers=home.headers)
    assert made.headers["etag"] == again.headers["etag"]


@pytest.mark.parametrize(
    ("path", "changes", "pointer"),
    [
        ("/v1/coupons", {"combinable": "true"}, "/combinable"),
        ("/v1/coupons", {"all_stores": 1}, "/all_stores"),
        ("/v1/coupons", {"validity": {"weather_day": 1}}, "/validity/weather_day"),
        ("/v1/weather-rules", {"all_stores": 1.0}, "/all_stores"),
        ("/v1/weather-rules", {"holdout_ratio": False}, "/holdout_ratio"),
        ("/v1/campaigns", {"holdout_ratio": "0.5"}, "/holdout_ratio"),
        ("/v1/campaigns", {"one_per_person": 1}, "/one_per_person"),
        ("/v1/stores", {"latitude": "35.6", "longitude": 139.7}, "/latitude"),
        ("/v1/areas", {"trade_zone": {"radius": {"latitude": True, "longitude": 1, "radius_m": 1}}}, "/trade_zone"),
    ],
)
def test_a_type_is_not_guessed(
    api: TestClient, home: BrandHome, path: str, changes: dict[str, Any], pointer: str
) -> None:
    answer = api.post(path, json=changes, headers=home.headers)
    assert answer.status_code == 422, answer.text
    assert any(error["pointer"].startswith(pointer) for error in answer.json()["errors"]), answer.text


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("stores?limit=1_0", "/query/limit"),
        ("stores?limit=1.5", "/query/limit"),
        ("stores?code=a%00b", "/query/code"),
        ("stores/nearby?lat=3_5&lng=139", "/query/lat"),
        ("customers?q=%00", "/query/q"),
        ("events?after=%2B1", "/query/after"),
        ("campaigns?status=hopeful", "/query/status"),
        ("weather-decisions?date=0", "/query/date"),
        ("weather-decisions?date=2026-01-01T00:00:00Z", "/query/date"),
        ("weather-decisions?date=0001-01-01", "/query/date"),
        ("reports/summary?from=20260101", "/query/from"),
    ],
)
def test_a_malformed_query_is_refused_with_its_name(api: TestClient, home: BrandHome, query: str, pointer: str) -> None:
    answer = api.get(f"/v1/{query}", headers=home.headers)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_date_is_not_read_out_of_an_instant(api: TestClient, home: BrandHome) -> None:
    body = {"blackout_on": ["0001-01-01T00:00:00+23:59", "9999-12-31", 0, "2026-12-31"]}
    answer = api.post("/v1/weather-rules", json=body, headers=home.headers)
    refused = [error["pointer"] for error in answer.json()["errors"] if error["pointer"].startswith("/blackout_on")]
    assert refused == ["/blackout_on/0", "/blackout_on/1", "/blackout_on/2"]


def test_nothing_has_a_name_with_nul(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        customer_id = encode_id("cus", make.customer(session).id)
        session.commit()
    assert api.put(f"/v1/customers/{customer_id}/tags/a%00b", headers=home.headers).status_code == 404


def test_a_path_with_a_slash_too_many_is_not_there_and_leads_nowhere(api: TestClient, home: BrandHome) -> None:
    answer = api.get("/v1/stores/", headers={**home.headers, "Host": "evil.example"}, follow_redirects=False)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


def test_a_body_that_is_not_read_to_its_end_ends_the_connection(api: TestClient, home: BrandHome) -> None:
    assert post(api, home, b"x" * 3_000_000).headers["connection"] == "close"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/tags", {"name": "x"}),
        ("/v1/segments", {"name": "x", "rule": {"all": []}}),
        ("/v1/coupons", {"name": "x", "all_stores": True, **_OFFER}),
        ("/v1/weather-rules", {"name": "x", "all_stores": True, "messages": _HELLO, "condition": _COLD}),
        ("/v1/campaigns", {"name": "x", "messages": _HELLO}),
        ("/v1/areas", {"name": "x"}),
        ("/v1/stores", {"name": "x", "code": "x"}),
        ("/v1/api-clients", {"name": "x"}),
    ],
)
def test_of_changes_made_at_once_to_one_version_one_is_taken(
    api: TestClient, home: BrandHome, path: str, body: dict[str, Any]
) -> None:
    made = api.post(path, json=body, headers=home.headers)
    assert made.status_code == 201, made.text
    one = f"{path}/{made.json()['id']}"
    headers = {**home.headers, "If-Match": api.get(one, headers=home.headers).headers["etag"]}

    def rename(number: int) -> int:
        return int(api.patch(one, json={"name": f"y{number}"}, headers=headers).status_code)

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(rename, range(8)))
    assert statuses == [200, *[412] * 7]


def test_a_rejected_value_is_not_repeated(api: TestClient, home: BrandHome) -> None:
    assert "090-secret" not in post(api, home, b'{"name": 1, "phone": "090-secret"}').text


def test_the_caller_s_own_request_id_is_kept_when_it_is_harmless(api: TestClient, home: BrandHome) -> None:
    answer = api.get("/v1/tags", headers={**home.headers, "Request-Id": "till-7-000123"})
    assert answer.headers["request-id"] == "till-7-000123"
    odd = api.get("/v1/tags", headers={**home.headers, "Request-Id": "<script>"})
    assert odd.headers["request-id"].startswith("req_")

"""Points over HTTP: given, spent, taken back and given back; the programme; whom a store may ask."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tenants.ids import encode_id, uuid7
from tests import make
from tests.app.loyalty.conftest import PROGRAMME, Club
from tests.conftest import BrandHome


def key_for(club: Club, store: Any) -> dict[str, str]:
    with club.home.open() as session:
        key = make.store_key(session, store, permissions=["points:read", "points:write"])
        session.commit()
    return {"Authorization": f"Bearer {key}"}


def test_the_programme_is_read_as_it_was_put(api: TestClient, club: Club) -> None:
    path, headers = "/v1/points/programme", club.home.headers
    assert api.get(path, headers=headers).status_code == 404
    put = api.put(path, json=PROGRAMME, headers=headers)
    read = api.get(path, headers=headers)
    assert (read.json(), read.headers["etag"]) == (put.json(), put.headers["etag"])
    assert api.put(path, json=PROGRAMME, headers=headers).json() == put.json()
    changed = api.put(path, json={}, headers=headers | {"If-Match": read.headers["etag"]})
    assert changed.json()["orders"] is None
    assert api.put(path, json=PROGRAMME, headers=headers | {"If-Match": read.headers["etag"]}).status_code == 412


@pytest.mark.parametrize(
    ("rules", "pointer"),
    [
        ({"orders": {"yen_per_point": 0}}, "/orders/yen_per_point"),
        ({"actions": [{"key": "x", "event": "order.paid", "points": 1}]}, "/actions/0/event"),
        ({"actions": [{"key": "x", "event": "friend.followed", "points": 1}] * 2}, ""),
        ({"ranks": {"by": "luck", "levels": []}}, "/ranks/by"),
        ({"expires_after_months": 0}, "/expires_after_months"),
    ],
)
def test_a_programme_that_cannot_be_followed_is_refused(
    api: TestClient, home: BrandHome, rules: Any, pointer: str
) -> None:
    answer = api.put("/v1/points/programme", json=rules, headers=home.headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_only_head_office_says_how_points_are_earned(api: TestClient, club: Club) -> None:
    club.set_up(orders={"yen_per_point": 100, "stores": [{"store_id": club.b_id, "yen_per_point": 50}]})
    key = key_for(club, club.a)
    assert api.put("/v1/points/programme", json={}, headers=key).status_code == 403
    assert api.get("/v1/points/programme", headers=key).json()["orders"]["stores"] == []


def test_without_a_programme_there_are_no_points(club: Club) -> None:
    assert club.post(10).json()["type"] == "/problems/points-programme-missing"
    assert (club.standing()["points"], club.standing()["rank"]) == (None, None)


def test_the_same_source_counts_once(club: Club) -> None:
    club.set_up()
    first = club.post(100, "R-1", store_id=club.a_id, reason="来店")
    again = club.post(100, "R-1", store_id=club.a_id, reason="来店")
    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
    assert (first.json()["kind"], first.json()["origin"], first.json()["store_id"]) == ("earn", "api", club.a_id)
    assert club.post(-40, "R-1").status_code == 201  # of another kind
    assert club.has() == 60


def test_a_source_told_many_times_at_once_counts_once(club: Club) -> None:
    club.set_up()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: club.post(100, "R-1"), range(12)))
    assert sorted({one.status_code for one in answers}) == [200, 201]
    assert len({one.json()["id"] for one in answers}) == 1
    assert club.has() == 100


def test_nobody_spends_more_than_she_has_even_at_once(club: Club) -> None:
    club.set_up()
    club.post(100)
    refused = club.post(-101)
    assert (refused.status_code, refused.json()["points"]) == (409, 100)
    assert refused.json()["type"] == "/problems/points-insufficient"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: club.post(-30).status_code, range(8)))
    assert sorted(answers) == [201] * 3 + [409] * 5
    assert club.has() == 10
    assert club.post(-11, kind="adjust").status_code == 409


def test_a_refund_and_a_return_undo_what_they_name_and_no_more(club: Club) -> None:
    club.set_up()
    club.post(100, "earned")
    club.post(-80, "spent")
    assert club.post(-60, "refund-1", kind="refund", undoes="earned").status_code == 201
    assert club.has() == -40
    over = club.post(-60, "refund-2", kind="refund", undoes="earned")
    assert (over.status_code, over.json()["left"]) == (409, 40)
    assert club.post(80, "return-1", kind="return", undoes="spent").status_code == 201
    assert club.post(1, "return-2", kind="return", undoes="spent").status_code == 409
    assert club.has() == 40
    unknown = club.post(-1, kind="refund", undoes="spent")
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/undoes")


@pytest.mark.parametrize(
    "wrong",
    [
        {"delta": 0}, {"delta": 1, "kind": "spend"}, {"delta": -1, "kind": "earn"}, {"delta": -1, "kind": "refund"},
        {"delta": 1, "undoes": "x"}, {"delta": 1, "kind": "expire"}, {"delta": 1, "payer": "store"},
        {"delta": 1, "occurred_at": "2199-01-01T00:00:00Z"},
    ],
)  # fmt: skip
def test_an_entry_that_contradicts_itself_is_refused(club: Club, wrong: dict[str, Any]) -> None:
    club.set_up()
    assert club.post(**wrong).status_code == 422


def test_a_store_writes_for_its_own_customers_and_sees_its_own_entries(club: Club) -> None:
    club.set_up()
    key = key_for(club, club.a)
    club.post(7, "head-office")
    given = club.post(100, "R-1", headers=key)
    assert (given.status_code, given.json()["store_id"]) == (200, club.a_id)
    assert club.post(5, "R-2", headers=key, customer_id=club.taro_id).status_code == 404
    assert club.post(5, "R-3", headers=key, store_id=club.b_id).status_code == 404
    assert [one["source_ref"] for one in club.list_entries(headers=key)] == ["R-1"]
    assert club.standing(headers=key)["points"] == 107
    with club.home.open() as session:
        both = make.customer(session, club.a, club.b)
        session.commit()
    theirs = club.post(5, "R-9", headers=key_for(club, club.b), customer_id=encode_id("cus", both.id))
    assert theirs.status_code == 200
    assert club.post(5, "R-9", headers=key, customer_id=encode_id("cus", both.id)).status_code == 409


def test_the_ledger_is_filtered(api: TestClient, club: Club) -> None:
    club.set_up()
    club.post(100, "R-1", store_id=club.a_id)
    club.post(-30, "R-2", store_id=club.b_id)
    club.post(5, "R-3", customer_id=club.taro_id)

    def refs(query: str) -> list[str]:
        items = api.get(f"/v1/points?{query}", headers=club.home.headers).json()["items"]
        return [one["source_ref"] for one in items]

    assert refs("") == ["R-3", "R-2", "R-1"]
    assert refs(f"customer_id={club.hanako_id}") == ["R-2", "R-1"]
    assert refs(f"store_id={club.b_id}") == ["R-2"]
    assert refs("kind=spend") == ["R-2"]
    assert refs(f"customer_id={encode_id('cus', uuid7())}") == []


def test_a_referral_pays_both_once(api: TestClient, club: Club) -> None:
    club.set_up(referral={"referrer_points": 300, "newcomer_points": 200})
    code = api.post(f"/v1/customers/{club.hanako_id}/referral-code", headers=club.home.headers).json()["code"]
    again = api.post(f"/v1/customers/{club.hanako_id}/referral-code", headers=club.home.headers).json()
    assert again == {"customer_id": club.hanako_id, "code": code}

    def refer(customer_id: str, by: str = code) -> Any:
        body = {"referrer_code": by, "customer_id": customer_id}
        return api.post("/v1/referrals", json=body, headers=club.home.headers)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: refer(club.taro_id).status_code, range(4)))
    assert sorted(answers) == [200, 200, 200, 201]
    assert (club.has(), club.has(club.taro_id)) == (300, 200)
    assert refer(club.hanako_id).json()["reason"] == "oneself"
    assert refer(club.taro_id, "NOBODY77").status_code == 404
    with club.home.open() as session:
        third = encode_id("cus", make.customer(session, club.a).id)
        session.commit()
    theirs = api.post(f"/v1/customers/{third}/referral-code", headers=club.home.headers).json()["code"]
    assert refer(club.taro_id, theirs).json()["reason"] == "already_referred"
    club.buy(500, customer_id=third)
    assert refer(third).json()["reason"] == "already_customer"

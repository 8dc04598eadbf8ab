"""Whom stores have in common."""

from random import Random
from typing import Any

from fastapi.testclient import TestClient

from app.customers.models import Customer, CustomerStore
from tenants.areas.models import Area
from tenants.ids import encode_id, uuid7
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.app.admin.calls import assert_problem
from tests.app.segments.calls import key_headers
from tests.conftest import BrandHome

PATH = "/v1/reports/overlap"


def ids_of(stores: list[Store]) -> list[str]:
    return [encode_id("store", store.id) for store in stores]


def tie(session: ScopedSession, person: Customer, store: Store, visits: int = 0) -> None:
    session.add(CustomerStore(customer_id=person.id, store_id=store.id, store_no=store.no, visit_count=visits))


def matrix(answer: Any) -> list[list[int]]:
    """The answer as a square, a store's own customers on the diagonal."""
    rows = []
    for number, item in enumerate(answer.json()["items"]):
        counts = [other["customers"] for other in item["others"]]
        rows.append([*counts[:number], item["customers"], *counts[number:]])
    return rows


def test_the_matrix_is_symmetric_and_equals_a_count_by_hand(api: TestClient, home: BrandHome) -> None:
    dice = Random(8)
    with home.open() as session:
        stores = [make.store(session) for _ in range(4)]
        accounts = [make.line_account(session, store) for store in stores]
        people = []
        for _ in range(25):
            followed = [place for place in range(4) if dice.random() < 0.4]
            visited = [place for place in range(4) if dice.random() < 0.3]
            person = make.follower(session, *(accounts[place] for place in followed))
            for place in {*followed, *visited}:
                tie(session, person, stores[place], visits=int(place in visited))
            people.append((set(followed), set(visited)))
        erased = make.follower(session, *accounts)
        tie(session, erased, stores[0])
        erased.erased_at = utc_now()
        session.commit()
    wanted = {
        "friends": [followed for followed, _ in people],
        "visits": [visited for _, visited in people],
        "ties": [followed | visited for followed, visited in people],
    }
    for by, places in wanted.items():
        answer = api.get(PATH, params={"store_ids": ids_of(stores), "by": by}, headers=home.headers)
        assert matrix(answer) == [[sum({a, b} <= one for one in places) for b in range(4)] for a in range(4)], by
        assert answer.json()["customers"] == sum(bool(one) for one in places)
        assert [item["shared"] for item in answer.json()["items"]] == [
            sum(a in one and len(one) > 1 for one in places) for a in range(4)
        ]


def test_an_area_stands_for_its_stores_and_those_below(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        stores = [make.store(session) for _ in range(3)]
        upper = make.area(session, stores[0])
        make.area(session, stores[1], parent_id=upper.id)
        session.commit()
    answer = api.get(PATH, params={"area_id": encode_id("area", upper.id)}, headers=home.headers)
    assert [item["store_id"] for item in answer.json()["items"]] == ids_of(stores[:2])
    assert answer.json()["items"][0]["others"][0]["ratio"] is None


def test_too_many_stores_are_refused(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        area: Area = make.area(session, *(make.store(session) for _ in range(51)))
        session.commit()
    wide = api.get(PATH, params={"area_id": encode_id("area", area.id)}, headers=home.headers)
    assert_problem(wide, 422, "invalid", "/query/area_id")
    many = api.get(PATH, params={"store_ids": [encode_id("store", uuid7())] * 51}, headers=home.headers)
    assert_problem(many, 422, "invalid", "/query/store_ids")
    assert_problem(api.get(PATH, headers=home.headers), 422, "invalid", "/query")


def test_without_a_choice_all_stores_are_compared(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        stores = [make.store(session) for _ in range(2)]
        session.commit()
    answer = api.get(PATH, headers=home.headers)
    assert [item["store_id"] for item in answer.json()["items"]] == ids_of(stores)
    params = {"store_ids": ids_of(stores[:1]), "area_id": encode_id("area", uuid7())}
    assert_problem(api.get(PATH, params=params, headers=home.headers), 422, "invalid", "/query")


def test_a_store_compares_its_own_stores_only(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        mine, other = make.store(session), make.store(session)
        person = make.follower(session, make.line_account(session, mine, other))
        tie(session, person, mine)
        tie(session, person, other)
        session.commit()
    headers = key_headers(home, mine)
    alone = api.get(PATH, params={"store_ids": ids_of([mine])}, headers=headers)
    assert matrix(alone) == [[1]]
    for unknown in (ids_of([mine, other]), [encode_id("store", uuid7())]):
        assert_problem(api.get(PATH, params={"store_ids": unknown}, headers=headers), 404, "not-found")

"""Idempotency-Key: one effect, the same answer, whatever comes twice."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, delete, select

from app.customers.models import Tag
from tenants.api_keys.models import ApiKeyStore
from tenants.ids import encode_id, uuid7
from tests import make
from tests.conftest import BrandHome


def create_tag(api: TestClient, home: BrandHome, key: str, name: str = "常連") -> Any:
    return api.post("/v1/tags", json={"name": name}, headers={**home.headers, "Idempotency-Key": key})


def count_tags(home: BrandHome) -> int:
    with home.open() as session:
        return len(session.exec(select(Tag)).all())


def test_the_same_key_and_body_give_the_first_answer_again(api: TestClient, home: BrandHome) -> None:
    first, second = create_tag(api, home, "k-1"), create_tag(api, home, '"k-1"')
    assert (second.status_code, second.content) == (first.status_code, first.content) == (201, first.content)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert count_tags(home) == 1


def test_the_same_key_with_another_body_is_refused(api: TestClient, home: BrandHome) -> None:
    create_tag(api, home, "k-1")
    refused = create_tag(api, home, "k-1", "新規")
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert count_tags(home) == 1


def test_twenty_twins_at_once_have_one_effect_and_equal_answers(api: TestClient, home: BrandHome) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: create_tag(api, home, "k-1"), range(20)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    assert count_tags(home) == 1


def test_a_refused_request_does_not_use_its_key_up(api: TestClient, home: BrandHome) -> None:
    assert create_tag(api, home, "k-1", " ").status_code == 422
    assert create_tag(api, home, "k-1").status_code == 201


def test_the_key_of_another_brand_is_another_key(api: TestClient, home: BrandHome, other_home: BrandHome) -> None:
    assert create_tag(api, home, "k-1").json() != create_tag(api, other_home, "k-1").json()


def test_a_key_that_is_empty_too_long_or_not_ascii_is_refused(api: TestClient, home: BrandHome) -> None:
    for key in ("", "x" * 256, "ké".encode("latin-1").decode("latin-1")):
        headers = {**home.headers, "Idempotency-Key": key.encode("latin-1")}
        answer = api.post("/v1/tags", json={"name": "x"}, headers=headers)
        assert answer.status_code == 422, key
    assert count_tags(home) == 0


def test_more_clients_at_once_than_connections_all_get_an_answer(api: TestClient, home: BrandHome) -> None:
    with ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(lambda number: create_tag(api, home, f"k-{number}", f"札{number}"), range(60)))
    assert {answer.status_code for answer in answers} == {201}
    assert count_tags(home) == 60


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y", ""])), max_size=8))
def test_whatever_is_sent_each_key_keeps_its_first_answer(
    api: TestClient, home: BrandHome, calls: list[tuple[str, str]]
) -> None:
    """Against a model: a key belongs to the first body that was taken with it, and what is refused takes none."""
    turn = uuid7()
    taken: dict[str, tuple[str, bytes]] = {}
    for key, name in calls:
        body = f"{name}-{key}-{turn}" if name else ""
        answer = create_tag(api, home, f"{key}-{turn}", body)
        if key in taken:
            wanted = (201, taken[key][1]) if taken[key][0] == body else (422, answer.content)
            assert (answer.status_code, answer.content) == wanted
        elif body:
            assert answer.status_code == 201
            taken[key] = (body, answer.content)
        else:
            assert answer.status_code == 422


def test_a_key_that_lost_a_store_does_not_hear_an_answer_about_it_again(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        a, b = make.store(session), make.store(session)
        key = make.store_key(session, a, b)
        session.commit()
    body = {"phone": "09012345678", "name": "花子", "store_id": encode_id("store", b.id)}
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "k-1"}
    assert api.post("/v1/customers", json=body, headers=headers).status_code == 200
    with home.open() as session:
        session.exec(delete(ApiKeyStore).where(col(ApiKeyStore.store_id) == b.id))
        session.commit()
    refused = api.post("/v1/customers", json=body, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/idempotency-key-reused")

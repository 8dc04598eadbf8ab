"""The published document says of every operation what a caller must know, and its examples hold."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from fastapi.testclient import TestClient

from app.openapi.errors import list_kinds
from app.openapi.headers import LIMITS
from app.openapi.texts import NO_NUL
from app.schemas import ONE_LINE
from tenants.permissions import PERMISSIONS
from tenants.problems import Problem
from tests.conftest import BrandHome
from tests.document import document
from tests.fuzz.poison import PLACE, Attempt, judge, places, plant, show
from tests.fuzz.world import Operation, World, build, operations

OPERATIONS = operations()


def by_name(operation: Operation) -> str:
    return operation.name


every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=by_name)


def resolve(value: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in value:
        found: Any = document()
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        value = found
    return value


def validator(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({**schema, "components": document()["components"]})


@every_operation
def test_an_operation_names_its_credentials_and_the_permission_as_their_scope(operation: Operation) -> None:
    permission = operation.described.get("x-permission")
    assert permission is None or permission in PERMISSIONS
    security = operation.described["security"]
    assert security
    for requirement in security:
        for scheme, scopes in requirement.items():
            assert scheme in document()["components"]["securitySchemes"]
            assert scopes == ([permission] if permission and scheme != "CsrfToken" else [])


def test_only_me_and_long_work_need_no_permission_of_their_own() -> None:
    free = {one.path for one in OPERATIONS if "x-permission" not in one.described}
    assert {path for path in free if not path.startswith("/v1/operations")} == {"/v1/me"}  # work asks that of its kind


@every_operation
def test_an_operation_tells_its_errors_as_problems_with_examples(operation: Operation) -> None:
    responses = operation.described["responses"]
    assert {"400", "401", "422", "429"} <= set(responses)
    assert ("403" in responses) == ("x-permission" in operation.described)
    if "{" in operation.path:
        assert "404" in responses
    if operation.method in ("post", "patch", "put"):
        assert {"409", "413", "415"} <= set(responses)
    if operation.method == "patch":
        assert "412" in responses
    for status, response in responses.items():
        if status >= "400":
            content = response["content"]["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert content["examples"]
            for example in content["examples"].values():
                value = resolve(example)["value"]
                validator(content["schema"]).validate(value)
                assert str(value["status"]) == status


@every_operation
def test_every_answer_has_its_headers_described(operation: Operation) -> None:
    for status, response in operation.described["responses"].items():
        headers = {name: resolve(header) for name, header in response["headers"].items()}
        assert all(header["description"] for header in headers.values())
        assert "Request-Id" in headers
        assert ("Retry-After" in headers) == (status == "429")
        if status.startswith("2"):
            assert set(LIMITS) <= set(headers)
            assert ("Idempotent-Replayed" in headers) == (operation.method == "post")


def test_every_problem_of_a_domain_is_told_by_some_operation() -> None:
    told = {
        name
        for one in OPERATIONS
        for response in one.described["responses"].values()
        for name in response.get("content", {}).get("application/problem+json", {}).get("examples", {})
    }
    known = {kind.slug() for kind in list_kinds(Problem)}
    assert known - told - ELSEWHERE == set()


ELSEWHERE = {
    "request-forged", "invitation-over", "invitation-not-yours", "already-staff", "guesses-spent", "id-token-refused",
    "liff-session-missing", "login-channel-ambiguous", "not-recognised", "operation-cancelled", "operation-interrupted",
    "import-file-unreadable", "till-signed-out", "till-undo-over",
}  # fmt: skip
"""Types of problems that only browsers meet (staff who sign in, sessions without tokens, customers on our pages), and
those that tell why long work failed."""


def list_examples() -> Iterator[tuple[str, dict[str, Any]]]:
    for one in OPERATIONS:
        if one.body:
            yield f"{one.name} request", one.body
        for status, response in one.described["responses"].items():
            content = response.get("content", {}).get("application/json")
            if content:
                yield f"{one.name} {status}", content


EXAMPLES = dict(list_examples())


@pytest.mark.parametrize("where", EXAMPLES)
def test_an_example_is_what_its_schema_says(where: str) -> None:
    content = EXAMPLES[where]
    assert "example" in content
    validator(content["schema"]).validate(content["example"])


@pytest.fixture
def world(api: TestClient, home: BrandHome) -> World:
    """A brand with one of everything."""
    return build(api, home)


def test_what_examples_create_can_be_created(world: World) -> None:
    assert world.refused == {}


@pytest.mark.parametrize("method", ["patch", "post", "get"])
def test_the_example_of_a_request_is_taken_by_the_real_api(world: World, method: str) -> None:
    refused = {}
    for one in OPERATIONS:
        if one.method != method or (method == "post" and "{" not in one.path):
            continue
        body = world.fill(one.body["example"]) if one.body else None
        path = world.path(one) + world.query(one)
        answer = world.api.request(method, path, headers=world.headers, json=body)
        if answer.status_code >= 300 and answer.status_code not in (404, 409):
            refused[one.name] = answer.text
    assert refused == {}


def test_a_repeated_post_gets_an_answer_that_is_told(world: World) -> None:
    wrong = {}
    for one in OPERATIONS:
        if one.method == "post":
            body = world.fill(one.body["example"]) if one.body else None
            for turn in ("first", "again"):
                headers = {**world.headers, "Idempotency-Key": f"key-{one.name}"}
                answer = world.api.request("post", world.path(one), headers=headers, json=body)
                verdict = judge(Attempt(one, turn, ""), answer)
                if verdict:
                    wrong[f"{one.name} {turn}"] = verdict
    assert wrong == {}


def test_a_text_may_be_as_long_as_its_schema_says(world: World) -> None:
    wrong, tried = {}, 0
    for one in OPERATIONS:
        for place, within in places(one.body["schema"]) if one.body else ():
            longest = within.get("maxLength", 0)
            if "enum" in within or within.get("pattern") not in (None, ONE_LINE, NO_NUL) or not 0 < longest <= 5_000:
                continue
            assert one.body
            body = fill(plant(world.fill(one.body["example"]), place, one.body["schema"]), "あ" * longest)
            answer = world.api.request(one.method, world.path(one), headers=world.headers, json=body)
            tried += 1
            if f'"{show(place)}","detail":"String should have at most' in answer.text:
                wrong[f"{one.name} {show(place)}"] = answer.text
    assert wrong == {}
    assert tried > 30


def fill(planted: Any, text: str) -> Any:
    return json.loads(json.dumps(planted).replace(json.dumps(PLACE), json.dumps(text)))


def test_links_lead_to_operations_and_to_parameters_that_these_have() -> None:
    by_id = {one.name: one for one in OPERATIONS}
    count = 0
    for one in OPERATIONS:
        for response in one.described["responses"].values():
            for link in response.get("links", {}).values():
                target = by_id[link["operationId"]]
                assert {f"path.{name}" for name in re.findall(r"\{(\w+)\}", target.path)} >= set(link["parameters"])
                count += 1
    assert count > 200


def test_what_is_created_leads_to_reading_changing_and_deleting_it() -> None:
    created = next(one for one in OPERATIONS if one.name == "create_store").described["responses"]["201"]["links"]
    assert {"read_store", "change_store", "archive_store"} <= set(created)
    assert created["read_store"]["parameters"] == {"path.store_id": "$response.body#/id"}
    listed = next(one for one in OPERATIONS if one.name == "list_stores").described["responses"]["200"]["links"]
    assert listed["read_store"]["parameters"] == {"path.store_id": "$response.body#/items/0/id"}

"""Calls that several tests of the brand's own resources make."""

from typing import Any

from fastapi.testclient import TestClient
from httpx import Response

from tenants.ids import encode_id
from tenants.line_accounts.models import LineAccount
from tenants.stores.models import Store
from tests import make
from tests.conftest import BrandHome

SECRET = "0123456789abcdef0123456789abcdef"


def create(api: TestClient, home: BrandHome, path: str, **body: Any) -> dict[str, Any]:
    """What was created by a POST as head office."""
    answer = api.post(path, json=body, headers=home.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def create_store(api: TestClient, home: BrandHome, code: str, **body: Any) -> dict[str, Any]:
    """A new store."""
    return create(api, home, "/v1/stores", **{"code": code, "name": f"{code}店", **body})


def create_account(api: TestClient, home: BrandHome, channel_id: str, **body: Any) -> dict[str, Any]:
    """A new LINE account."""
    channel = {"channel_id": channel_id, "channel_secret": SECRET, "provider_id": "provider-1"}
    return create(api, home, "/v1/line-accounts", **{"name": "新宿", **channel, **body})


def list_ids(api: TestClient, headers: dict[str, str], path: str) -> list[str]:
    """The ids on the first page of a list."""
    answer = api.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def assert_problem(answer: Response, status: int, slug: str, pointer: str | None = None) -> None:
    """The answer is this problem, and names this place."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"/problems/{slug}"
    if pointer is not None:
        assert pointer in [error["pointer"] for error in problem["errors"]], problem


def without_use(told: dict[str, Any]) -> dict[str, Any]:
    """What is told of a credential, but for when it was used, which is written down a little later."""
    return {name: value for name, value in told.items() if not name.startswith("last_used_")}


class Shops:
    """Two stores of a brand, each with a LINE account and a key of its own."""

    def __init__(self, home: BrandHome) -> None:
        with home.open() as session:
            self.a, self.b = make.store(session), make.store(session)
            self.account_a, self.account_b = make.line_account(session, self.a), make.line_account(session, self.b)
            self.key_a = {"Authorization": f"Bearer {make.store_key(session, self.a)}"}
            self.key_b = {"Authorization": f"Bearer {make.store_key(session, self.b)}"}
            session.commit()


def store_id(store: Store) -> str:
    """A store's id outside."""
    return encode_id("store", store.id)


def account_id(account: LineAccount) -> str:
    """An account's id outside."""
    return encode_id("acc", account.id)

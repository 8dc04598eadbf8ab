"""The life of a brand over the operator's API."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from app.audit.models import AuditEntry
from tests import make
from tests.app.operators.conftest import Call, id_of, path_of
from tests.conftest import BrandHome

pytestmark = pytest.mark.every_brand


def test_a_new_brand_comes_in_by_its_first_client(operate: Call, api: TestClient) -> None:
    answer = operate("POST", "/brands", json={"name": "のれん食堂", "client_name": "本部"})
    made = answer.json()
    assert (answer.status_code, made["status"], made["admin"]) == (201, "active", None)
    auth = (made["client"]["client_id"], made["client"]["client_secret"])
    token = api.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=auth).json()["access_token"]
    me = api.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).json()
    assert me["brand"] == {"id": made["id"], "name": "のれん食堂"}


def test_a_new_brands_first_admin_is_invited(operate: Call) -> None:
    admin = {"name": "佐藤", "email": "sato@example.jp"}
    made = operate("POST", "/brands", json={"name": "のれん食堂", "admin": admin}).json()
    assert "/console/invitations/nrn_invitation_" in made["admin"]["invitation_url"]


def test_creating_is_done_once_for_one_idempotency_key(operate: Call) -> None:
    headers = {"Idempotency-Key": "new-brand-1"}
    body = {"name": "一度だけ食堂"}
    first = operate("POST", "/brands", headers=headers, json=body)
    second = operate("POST", "/brands", headers=headers, json=body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "client" not in second.json()
    named = [one for one in list_all(operate) if one["name"] == "一度だけ食堂"]
    assert [one["id"] for one in named] == [first.json()["id"]]
    other = operate("POST", "/brands", headers=headers, json={"name": "別の食堂"})
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


def test_suspending_is_done_once_for_one_idempotency_key(operate: Call, home: BrandHome) -> None:
    headers = {"Idempotency-Key": "suspend-1"}
    answers = [
        operate("POST", f"{path_of(home)}/suspend", headers=headers, json={"reason": "未払い"}) for _ in range(2)
    ]
    assert [one.status_code for one in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert "Idempotent-Replayed" in answers[1].headers


def test_brands_are_listed_newest_first_page_by_page(operate: Call, home: BrandHome, other_home: BrandHome) -> None:
    listed = [one["id"] for one in list_all(operate, limit=3)]
    assert listed == sorted(listed, reverse=True)
    assert {id_of(home), id_of(other_home)} <= set(listed)
    assert len(listed) == len(set(listed))


def test_a_brand_is_told_with_its_counts_and_nothing_of_its_customers(operate: Call, home: BrandHome) -> None:
    with home.open() as session:
        make.follower(session, make.line_account(session, make.store(session), make.store(session)), name="山田花子")
        session.commit()
    shown = operate("GET", path_of(home)).json()
    assert (shown["stores"], shown["line_accounts"], shown["status"]) == (2, 1, "active")
    assert set(shown) == {
        "id", "name", "status", "suspended_at", "suspended_reason", "timezone", "stores", "line_accounts", "created_at"
    }  # fmt: skip


def test_a_suspended_brand_says_since_when_and_why_until_it_is_resumed(operate: Call, home: BrandHome) -> None:
    suspended = operate("POST", f"{path_of(home)}/suspend", json={"reason": "未払い"}).json()
    assert (suspended["status"], suspended["suspended_reason"]) == ("suspended", "未払い")
    resumed = operate("POST", f"{path_of(home)}/resume").json()
    assert (resumed["status"], resumed["suspended_at"], resumed["suspended_reason"]) == ("active", None, None)


def test_what_the_state_forbids_is_409(operate: Call, home: BrandHome) -> None:
    assert operate("POST", f"{path_of(home)}/resume").status_code == 409
    assert operate("POST", f"{path_of(home)}/delete", json={"confirm": "のれん食堂"}).status_code == 409
    operate("POST", f"{path_of(home)}/suspend", json={"reason": "x"})
    assert operate("POST", f"{path_of(home)}/suspend", json={"reason": "x"}).status_code == 409


@pytest.mark.parametrize("path", ["", "/suspend", "/resume", "/delete", "/support-grants"])
def test_a_brand_that_is_not_there_is_404(operate: Call, path: str) -> None:
    bodies: dict[str, Any] = {
        "/suspend": {"reason": "x"},
        "/delete": {"confirm": "x"},
        "/support-grants": {"reason": "x", "minutes": 1, "permissions": ["brand:read"]},
    }
    for brand_id in ("brand_01h455vb4pex5vsknk084sn02q", "brand_x"):
        method = "POST" if path else "GET"
        answer = operate(method, f"/brands/{brand_id}{path}", json=bodies.get(path))
        assert answer.status_code == 404


def test_what_the_operator_does_is_in_the_brands_log(operate: Call, home: BrandHome) -> None:
    operate("POST", f"{path_of(home)}/suspend", json={"reason": "未払い"})
    operate("POST", f"{path_of(home)}/resume")
    with home.open() as session:
        entries = session.exec(select(AuditEntry).order_by("id")).all()
    assert [one.action for one in entries if one.kind == "change"] == ["suspend_brand", "resume_brand"]
    assert {(one.caller_kind, one.caller_name) for one in entries} == {("operator", "当直")}
    told = next(row for row in entries[0].changes or [] if row["table"] == "brand")
    assert told["after"]["suspended_reason"] == "未払い"


def list_all(operate: Call, limit: int = 200) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = operate("GET", f"/brands?limit={limit}{cursor}").json()
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"

"""Support sees into a brand by a grant only: for a while, for a reason, to read; and the brand sees all of it."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select, update

from app.audit.models import AuditEntry
from tenants.api_keys.models import CredentialHash
from tenants.operators.models import SupportGrant
from tenants.permissions import PERMISSIONS
from tenants.session import ScopedSession
from tenants.tables import utc_now
from tests import make
from tests.app.operators.conftest import Call, path_of
from tests.conftest import BrandHome

READS = ["brand:read", "customers:read"]


def grant(operate: Call, home: BrandHome, **changes: Any) -> dict[str, Any]:
    body = {"reason": "問い合わせ 4711", "minutes": 30, "permissions": READS, **changes}
    answer = operate("POST", f"{path_of(home)}/support-grants", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def bearer(made: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {made['token']}"}


def test_a_grant_reads_in_its_brand_what_it_names_and_nothing_else(
    api: TestClient, operate: Call, home: BrandHome, other_home: BrandHome
) -> None:
    with home.open() as session:
        mine = make.customer(session)
        session.commit()
    with other_home.open() as session:
        make.customer(session)
        session.commit()
    made = grant(operate, home)
    me = api.get("/v1/me", headers=bearer(made)).json()
    assert (me["kind"], me["permissions"], me["stores"]) == ("support", READS, "all")
    customers = api.get("/v1/customers", headers=bearer(made)).json()["items"]
    assert len(customers) == 1
    assert api.get("/v1/coupons", headers=bearer(made)).status_code == 403
    body = {"name": "別名"}
    assert api.patch("/v1/brand", json=body, headers=bearer(made)).status_code == 403
    assert api.delete(f"/v1/customers/{customers[0]['id']}", headers=bearer(made)).status_code == 403
    assert mine.id


@pytest.mark.parametrize("name", [*sorted(name for name in PERMISSIONS if not name.endswith(":read")), "keys:read"])
def test_only_reads_can_be_granted_and_never_credentials(operate: Call, home: BrandHome, name: str) -> None:
    body = {"reason": "x", "minutes": 5, "permissions": ["brand:read", name]}
    answer = operate("POST", f"{path_of(home)}/support-grants", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/permissions/1")


@pytest.mark.parametrize(
    "changes",
    [{"minutes": 481}, {"minutes": 0}, {"minutes": "30"}, {"permissions": []}, {"reason": " "}, {"reason": None}],
)
def test_a_grant_needs_a_reason_and_ends_within_a_working_day(
    operate: Call, home: BrandHome, changes: dict[str, Any]
) -> None:
    body = {"reason": "x", "minutes": 30, "permissions": READS, **changes}
    assert operate("POST", f"{path_of(home)}/support-grants", json=body).status_code == 422


def test_a_grant_ends_by_itself(api: TestClient, operate: Call, home: BrandHome) -> None:
    made = grant(operate, home)
    with home.open() as session:
        passed = utc_now() - timedelta(seconds=1)
        session.exec(update(SupportGrant).values(expires_at=passed))
        session.exec(
            update(CredentialHash).where(col(CredentialHash.kind) == "support_grant").values(expires_at=passed)
        )
        session.commit()
    assert api.get("/v1/me", headers=bearer(made)).status_code == 401


def test_the_brand_sees_a_grant_and_ends_it_at_once(api: TestClient, operate: Call, home: BrandHome) -> None:
    made = grant(operate, home)
    (shown,) = api.get("/v1/support-grants", headers=home.headers).json()["items"]
    assert (shown["id"], shown["reason"], shown["operator"]) == (made["id"], "問い合わせ 4711", "当直")
    assert "token" not in shown
    assert api.delete(f"/v1/support-grants/{made['id']}", headers=home.headers).status_code == 204
    assert api.get("/v1/me", headers=bearer(made)).status_code == 401
    assert api.get(f"/v1/support-grants/{made['id']}", headers=home.headers).json()["revoked_at"] is not None


def test_another_brand_neither_sees_nor_ends_it(
    api: TestClient, operate: Call, home: BrandHome, other_home: BrandHome
) -> None:
    made = grant(operate, home)
    assert api.get("/v1/support-grants", headers=other_home.headers).json()["items"] == []
    assert api.delete(f"/v1/support-grants/{made['id']}", headers=other_home.headers).status_code == 404
    assert operate("DELETE", f"{path_of(other_home)}/support-grants/{made['id']}").status_code == 404
    assert api.get("/v1/me", headers=bearer(made)).status_code == 200


def test_the_operator_ends_her_own_grant(api: TestClient, operate: Call, home: BrandHome) -> None:
    made = grant(operate, home)
    assert operate("DELETE", f"{path_of(home)}/support-grants/{made['id']}").status_code == 204
    assert api.get("/v1/me", headers=bearer(made)).status_code == 401
    (shown,) = operate("GET", f"{path_of(home)}/support-grants").json()["items"]
    assert shown["revoked_at"] is not None


def test_a_grant_is_no_operators_key(api: TestClient, operate: Call, home: BrandHome) -> None:
    made = grant(operate, home)
    assert api.get("/operator/v1/brands", headers=bearer(made)).status_code == 401


def test_the_brands_log_tells_of_the_grant_and_of_whom_was_read_with_it(
    api: TestClient, operate: Call, home: BrandHome
) -> None:
    with home.open() as session:
        customer = make.customer(session)
        session.commit()
    made = grant(operate, home)
    api.get("/v1/customers", headers=bearer(made))
    flush(api)
    with home.open() as session:
        granted, read = entries(session)
        grant_id = session.exec(select(SupportGrant.id)).one()
    assert (granted.action, granted.caller_kind, granted.object_id) == ("create_support_grant", "operator", grant_id)
    assert (read.action, read.caller_kind, read.caller_id) == ("list_customers", "support", grant_id)
    assert read.customer_ids == [customer.id]


def flush(api: TestClient) -> None:
    """Have the process write now what it gathered."""
    api.app.state.audit.flush(everything=True)  # type: ignore[attr-defined]


def entries(session: ScopedSession) -> list[AuditEntry]:
    kinds = ("change", "read")
    return list(session.exec(select(AuditEntry).where(col(AuditEntry.kind).in_(kinds)).order_by(col(AuditEntry.id))))

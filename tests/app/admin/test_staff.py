"""Staff over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import col, select

from app.keys import is_well_formed
from tenants.api_keys.models import CredentialHash
from tenants.ids import decode_id, encode_id, uuid7
from tenants.permissions import ROLES
from tenants.staff.models import Staff, StaffSession
from tests import make
from tests.app.admin.calls import Shops, assert_problem, create, list_ids, store_id
from tests.conftest import BrandHome

EMAIL = "hanako@example.jp"


def invite(api: TestClient, home: BrandHome, **body: Any) -> dict[str, Any]:
    wanted = {"name": "山田 花子", "email": EMAIL, "role": "marketer", "store_ids": "all", **body}
    return create(api, home, "/v1/staff", **wanted)


def count_invitations(home: BrandHome, staff_id: str) -> int:
    with home.open() as session:
        kept = select(CredentialHash.id).where(
            col(CredentialHash.credential_id) == decode_id("staff", staff_id),
            col(CredentialHash.kind) == "staff_invitation",
        )
        return len(session.exec(kept).all())


def active(home: BrandHome, role: str = "hq_admin") -> str:
    """The id of somebody who has signed in."""
    with home.open() as session:
        staff = make.staff(session, role)
        session.commit()
    return encode_id("staff", staff.id)


def test_an_invitation_is_shown_once_and_kept_as_a_hash(api: TestClient, home: BrandHome) -> None:
    made = invite(api, home, email="Hanako@Example.JP")
    assert (made["email"], made["role"], made["store_ids"], made["status"]) == (EMAIL, "marketer", "all", "invited")
    assert made["last_signed_in_at"] is None
    url, _, secret = made["invitation_url"].rpartition("/")
    assert url == "http://127.0.0.1:8000/console/invitations"
    assert is_well_formed(secret)
    read = api.get(f"/v1/staff/{made['id']}", headers=home.headers).json()
    assert read == {name: value for name, value in made.items() if not name.startswith("invitation_")}
    listed = api.get("/v1/staff", headers=home.headers)
    assert listed.json()["items"] == [read]
    assert secret not in listed.text
    with home.open() as session:
        for table in ("staff", "credential_hash"):
            assert secret not in str(session.execute(text(f"SELECT * FROM {table}")).all())


def test_an_invitation_lasts_a_week(api: TestClient, home: BrandHome) -> None:
    made = invite(api, home)
    with home.open() as session:
        staff_id = decode_id("staff", made["id"])
        kept = session.exec(select(CredentialHash).where(col(CredentialHash.credential_id) == staff_id)).one()
    assert kept.expires_at is not None
    assert abs(kept.expires_at - kept.created_at - timedelta(days=7)) < timedelta(seconds=10)


def test_a_repeated_invitation_makes_one_and_does_not_repeat_it(api: TestClient, home: BrandHome) -> None:
    body = {"name": "花子", "email": EMAIL, "role": "analyst", "store_ids": "all"}
    headers = {**home.headers, "Idempotency-Key": "staff-1"}
    first, second = (api.post("/v1/staff", json=body, headers=headers) for _ in range(2))
    assert first.status_code == 201
    assert "invitation_url" not in second.text
    assert len(list_ids(api, home.headers, "/v1/staff")) == 1


def test_an_address_is_one_person_however_it_is_written(api: TestClient, home: BrandHome) -> None:
    invite(api, home)
    body = {"name": "花子", "email": "HANAKO@example.jp", "role": "analyst", "store_ids": "all"}
    assert_problem(api.post("/v1/staff", json=body, headers=home.headers), 409, "staff-email-taken")


def test_brands_may_have_the_same_person(api: TestClient, home: BrandHome, other_home: BrandHome) -> None:
    assert invite(api, home)["id"] != invite(api, other_home)["id"]
    assert len(list_ids(api, home.headers, "/v1/staff")) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"email": "hanako"}, "/email"),
        ({"email": "a@b"}, "/email"),
        ({"email": "a b@example.jp"}, "/email"),
        ({"email": "a@b@example.jp"}, "/email"),
        ({"role": "owner"}, "/role"),
        ({"name": ""}, "/name"),
        ({"store_ids": "some"}, "/store_ids"),
        ({"store_ids": []}, "/store_ids"),
        ({"store_ids": None}, "/store_ids"),
        ({"role": "clerk", "store_ids": "all"}, "/store_ids"),
        ({"role": "store_manager", "store_ids": "all"}, "/store_ids"),
        ({"status": "active"}, "/status"),
        ({"permissions": ["staff:write"]}, "/permissions"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(api: TestClient, home: BrandHome, body: dict[str, Any], pointer: str) -> None:
    wanted = {"name": "花子", "email": EMAIL, "role": "marketer", "store_ids": "all", **body}
    answer = api.post("/v1/staff", json=wanted, headers=home.headers)
    assert answer.status_code == 422
    assert any(error["pointer"].startswith(pointer) for error in answer.json()["errors"]), answer.text


def test_an_admin_is_over_all_stores(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    body = {"name": "花子", "email": EMAIL, "role": "hq_admin", "store_ids": [store_id(shops.a)]}
    assert_problem(api.post("/v1/staff", json=body, headers=home.headers), 422, "invalid", "/store_ids")


def test_stores_are_the_brands_own(api: TestClient, home: BrandHome, other_home: BrandHome) -> None:
    mine, foreign = Shops(home), Shops(other_home)
    body = {"name": "花子", "email": EMAIL, "role": "clerk"}
    made = invite(api, home, **body, store_ids=[store_id(mine.b), store_id(mine.a)])
    assert made["store_ids"] == [store_id(mine.a), store_id(mine.b)]
    for wrong in (store_id(foreign.a), encode_id("store", uuid7())):
        answer = api.post("/v1/staff", json={**body, "store_ids": [wrong]}, headers=home.headers)
        assert_problem(answer, 404, "not-found")


def test_nobody_gives_a_role_that_holds_more_than_she_has(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        token = make.access_token(session, ["staff:read", "staff:write", *ROLES["analyst"]])
        session.commit()
    headers = {"Authorization": f"Bearer {token}"}
    body = {"name": "花子", "email": EMAIL, "role": "marketer", "store_ids": "all"}
    assert_problem(api.post("/v1/staff", json=body, headers=headers), 403, "permission-missing")
    made = api.post("/v1/staff", json={**body, "role": "analyst"}, headers=headers)
    assert made.status_code == 201
    path = f"/v1/staff/{made.json()['id']}"
    assert_problem(api.patch(path, json={"role": "hq_admin"}, headers=headers), 403, "permission-missing")
    admin = invite(api, home, email="admin@example.jp", role="hq_admin")
    assert_problem(api.post(f"/v1/staff/{admin['id']}/invite", headers=headers), 403, "permission-missing")


def test_reading_and_writing_need_their_permissions(api: TestClient, home: BrandHome) -> None:
    made = invite(api, home)
    with home.open() as session:
        reader = {"Authorization": f"Bearer {make.access_token(session, ['staff:read'])}"}
        stranger = {"Authorization": f"Bearer {make.access_token(session, ['customers:read'])}"}
        session.commit()
    path = f"/v1/staff/{made['id']}"
    assert api.get(path, headers=reader).status_code == 200
    assert api.get(path, headers=stranger).status_code == 403
    for answer in (
        api.patch(path, json={"name": "太郎"}, headers=reader),
        api.delete(path, headers=reader),
        api.post(f"{path}/invite", headers=reader),
        api.post(f"{path}/sign-out", headers=reader),
    ):
        assert_problem(answer, 403, "permission-missing")


def test_a_foreign_member_of_staff_is_not_there(api: TestClient, home: BrandHome, other_home: BrandHome) -> None:
    path = f"/v1/staff/{invite(api, other_home)['id']}"
    for answer in (
        api.get(path, headers=home.headers),
        api.patch(path, json={"name": "太郎"}, headers=home.headers),
        api.delete(path, headers=home.headers),
        api.post(f"{path}/invite", headers=home.headers),
        api.post(f"{path}/sign-out", headers=home.headers),
    ):
        assert_problem(answer, 404, "not-found")


def test_the_list_filters_by_status_and_role(api: TestClient, home: BrandHome) -> None:
    gone, kept = active(home, "analyst"), active(home, "marketer")
    invited = invite(api, home)["id"]
    assert api.delete(f"/v1/staff/{gone}", headers=home.headers).status_code == 204
    assert list_ids(api, home.headers, "/v1/staff") == [invited, kept]
    assert list_ids(api, home.headers, "/v1/staff?status=disabled") == [gone]
    assert list_ids(api, home.headers, "/v1/staff?status=active") == [kept]
    assert list_ids(api, home.headers, "/v1/staff?status=invited&role=marketer") == [invited]
    assert list_ids(api, home.headers, "/v1/staff?role=clerk") == []
    assert_problem(api.get("/v1/staff?status=asleep", headers=home.headers), 422, "invalid", "/query/status")


def test_a_change_touches_only_what_it_names(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    made = invite(api, home)
    path = f"/v1/staff/{made['id']}"
    renamed = api.patch(path, json={"name": "田中 花子"}, headers=home.headers).json()
    assert (renamed["name"], renamed["email"], renamed["store_ids"]) == ("田中 花子", EMAIL, "all")
    clerk = api.patch(path, json={"role": "clerk", "store_ids": [store_id(shops.b)]}, headers=home.headers).json()
    assert (clerk["role"], clerk["store_ids"]) == ("clerk", [store_id(shops.b)])
    stale = api.patch(path, json={"name": "x"}, headers={**home.headers, "If-Match": '"0"'})
    assert_problem(stale, 412, "stale-version")
    both = api.patch(path, json={"role": "marketer"}, headers=home.headers).json()
    assert (both["role"], both["store_ids"]) == ("marketer", [store_id(shops.b)])


def test_a_new_address_ends_an_open_invitation(api: TestClient, home: BrandHome) -> None:
    made = invite(api, home)
    path = f"/v1/staff/{made['id']}"
    assert api.patch(path, json={"name": "花"}, headers=home.headers).status_code == 200
    assert count_invitations(home, made["id"]) == 1
    invite(api, home, email="jiro@example.jp")
    taken = api.patch(path, json={"email": "jiro@example.jp"}, headers=home.headers)
    assert_problem(taken, 409, "staff-email-taken")
    assert api.patch(path, json={"email": "taro@example.jp"}, headers=home.headers).status_code == 200
    assert count_invitations(home, made["id"]) == 0


def test_a_new_invitation_ends_the_one_before(api: TestClient, home: BrandHome) -> None:
    made = invite(api, home)
    again = api.post(f"/v1/staff/{made['id']}/invite", headers=home.headers)
    assert again.status_code == 200
    assert again.json()["invitation_url"] != made["invitation_url"]
    assert count_invitations(home, made["id"]) == 1


def test_who_has_accepted_needs_no_invitation(api: TestClient, home: BrandHome) -> None:
    answer = api.post(f"/v1/staff/{active(home)}/invite", headers=home.headers)
    assert_problem(answer, 409, "already-accepted")


def test_who_was_disabled_can_be_invited_again_unless_another_has_her_address(api: TestClient, home: BrandHome) -> None:
    made = invite(api, home)
    path = f"/v1/staff/{made['id']}"
    assert api.delete(path, headers=home.headers).status_code == 204
    assert api.get(path, headers=home.headers).json()["status"] == "disabled"
    assert count_invitations(home, made["id"]) == 0
    successor = invite(api, home)
    assert_problem(api.post(f"{path}/invite", headers=home.headers), 409, "staff-email-taken")
    assert api.delete(f"/v1/staff/{successor['id']}", headers=home.headers).status_code == 204
    assert api.post(f"{path}/invite", headers=home.headers).json()["status"] == "invited"


def test_disabling_twice_is_disabling_once(api: TestClient, home: BrandHome) -> None:
    path = f"/v1/staff/{invite(api, home)['id']}"
    assert [api.delete(path, headers=home.headers).status_code for _ in range(2)] == [204, 204]


def test_the_last_admin_stays(api: TestClient, home: BrandHome) -> None:
    only, invited = active(home), invite(api, home, role="hq_admin")["id"]
    path = f"/v1/staff/{only}"
    assert_problem(api.delete(path, headers=home.headers), 409, "last-admin")
    assert_problem(api.patch(path, json={"role": "analyst"}, headers=home.headers), 409, "last-admin")
    assert api.patch(path, json={"name": "本部"}, headers=home.headers).status_code == 200
    assert api.delete(f"/v1/staff/{invited}", headers=home.headers).status_code == 204
    active(home)
    assert api.delete(path, headers=home.headers).status_code == 204


def test_a_sole_invited_admin_stays(api: TestClient, home: BrandHome) -> None:
    path = f"/v1/staff/{invite(api, home, role='hq_admin')['id']}"
    assert_problem(api.delete(path, headers=home.headers), 409, "last-admin")


def test_two_admins_who_remove_each_other_leave_one(api: TestClient, home: BrandHome) -> None:
    def remove(staff_id: str) -> int:
        status: int = api.delete(f"/v1/staff/{staff_id}", headers=home.headers).status_code
        return status

    left = active(home)
    for _ in range(10):
        both = [left, active(home)]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(remove, both))
        assert sorted(answers) == [204, 409]
        left = both[answers.index(409)]


def test_signing_out_everywhere_ends_every_session(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        staff = make.staff(session)
        secrets = [make.staff_session(session, staff)[1] for _ in range(3)]
        session.commit()
    cookies = [{"Cookie": f"noren={secret}"} for secret in secrets]
    assert {api.get("/v1/me", headers=cookie).status_code for cookie in cookies} == {200}
    answer = api.post(f"/v1/staff/{encode_id('staff', staff.id)}/sign-out", headers=home.headers)
    assert (answer.status_code, answer.json()["status"]) == (200, "active")
    assert {api.get("/v1/me", headers=cookie).status_code for cookie in cookies} == {401}
    with home.open() as session:
        ended = session.exec(select(StaffSession.ended_at).where(col(StaffSession.staff_id) == staff.id)).all()
    assert None not in ended


def test_disabling_frees_who_she_is_to_the_identity_provider(api: TestClient, home: BrandHome) -> None:
    staff_id = active(home, "analyst")
    assert api.delete(f"/v1/staff/{staff_id}", headers=home.headers).status_code == 204
    with home.open() as session:
        staff = session.exec(select(Staff).where(col(Staff.id) == decode_id("staff", staff_id))).one()
    assert (staff.issuer, staff.subject) == (None, None)


def test_an_archived_store_has_no_staff(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    made = invite(api, home, role="clerk", store_ids=[store_id(shops.a), store_id(shops.b)])
    assert api.delete(f"/v1/stores/{store_id(shops.a)}", headers=home.headers).status_code == 204
    assert api.get(f"/v1/staff/{made['id']}", headers=home.headers).json()["store_ids"] == [store_id(shops.b)]

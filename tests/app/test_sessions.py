"""/v1 by the cookie of a signed-in member of staff."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import text
from sqlmodel import col, select

from app.keys import digest_of, new_secret
from app.sessions import csrf_token, find_signed_in
from tenants.ids import encode_id
from tenants.permissions import GRANTABLE_TO_STORES, ROLES, STORE_ROLES
from tenants.sealing import Keyring
from tenants.staff import sessions
from tenants.staff.models import Staff, StaffSession
from tenants.tables import utc_now
from tests import make
from tests.app.admin.calls import Shops, assert_problem, store_id
from tests.conftest import BrandHome


class Browser:
    """A member of staff signed in with a browser."""

    def __init__(self, home: BrandHome, keyring: Keyring, role: str = "hq_admin", *stores: object) -> None:
        self.home = home
        with home.open() as session:
            self.staff = make.staff(session, role, *stores)  # type: ignore[arg-type]
            row, self.secret = make.staff_session(session, self.staff)
            self.session_id = row.id
            session.commit()
        self.token = csrf_token(keyring, self.session_id)

    @property
    def cookie(self) -> dict[str, str]:
        return {"Cookie": f"noren={self.secret}"}

    @property
    def headers(self) -> dict[str, str]:
        return {**self.cookie, "X-CSRF-Token": self.token}

    def change(self, **changes: datetime) -> None:
        with self.home.open() as session:
            row = session.exec(select(StaffSession).where(col(StaffSession.id) == self.session_id)).one()
            row.sqlmodel_update(changes)
            session.commit()

    def read(self) -> StaffSession:
        with self.home.open() as session:
            return session.exec(select(StaffSession).where(col(StaffSession.id) == self.session_id)).one()


@pytest.fixture
def admin(home: BrandHome, keyring: Keyring) -> Browser:
    return Browser(home, keyring)


def test_the_cookie_says_who_and_her_role_what_she_may(api: TestClient, admin: Browser) -> None:
    me = api.get("/v1/me", headers=admin.cookie).json()
    assert (me["kind"], me["name"], me["stores"]) == ("staff", admin.staff.name, "all")
    assert me["permissions"] == sorted(ROLES["hq_admin"])


@pytest.mark.parametrize("role", sorted(ROLES))
def test_every_role_has_its_own_permissions(api: TestClient, home: BrandHome, keyring: Keyring, role: str) -> None:
    shops = Shops(home)
    if role not in STORE_ROLES:
        me = api.get("/v1/me", headers=Browser(home, keyring, role).cookie).json()
        assert (me["permissions"], me["stores"]) == (sorted(ROLES[role]), "all")
    me = api.get("/v1/me", headers=Browser(home, keyring, role, shops.a).cookie).json()
    assert me["permissions"] == sorted(ROLES[role] & GRANTABLE_TO_STORES)
    assert me["stores"] == [store_id(shops.a)]


def test_over_some_stores_nobody_changes_what_is_the_brand_s(
    api: TestClient, home: BrandHome, keyring: Keyring
) -> None:
    shops = Shops(home)
    with home.open() as session:
        area_id = encode_id("area", make.area(session, shops.b).id)
        session.commit()
    for browser, status in (
        (Browser(home, keyring, "marketer", shops.a), 403),
        (Browser(home, keyring, "marketer"), 200),
    ):
        answer = api.patch(f"/v1/areas/{area_id}", json={"name": "関東"}, headers=browser.headers)
        assert answer.status_code == status
        assert ("areas:write" in api.get("/v1/me", headers=browser.cookie).json()["permissions"]) is (status == 200)


def test_a_store_manager_sees_the_customers_of_her_stores_only(
    api: TestClient, home: BrandHome, keyring: Keyring
) -> None:
    shops = Shops(home)
    with home.open() as session:
        hers = make.customer(session)
        make.friend(session, shops.account_a, hers)
        other = make.customer(session)
        make.friend(session, shops.account_b, other)
        session.commit()
    manager = Browser(home, keyring, "store_manager", shops.a)
    listed = api.get("/v1/customers", headers=manager.cookie).json()["items"]
    by_key = api.get("/v1/customers", headers=shops.key_a).json()["items"]
    assert listed == by_key
    assert encode_id("cus", other.id) not in [item["id"] for item in listed]
    stranger = api.get(f"/v1/customers/{encode_id('cus', other.id)}", headers=manager.cookie)
    assert_problem(stranger, 404, "not-found")


def test_a_clerk_may_not_list_customers(api: TestClient, home: BrandHome, keyring: Keyring) -> None:
    clerk = Browser(home, keyring, "clerk", Shops(home).a)
    assert_problem(api.get("/v1/customers", headers=clerk.cookie), 403, "permission-missing")


def rename(api: TestClient, headers: dict[str, str]) -> Response:
    answer: Response = api.patch("/v1/brand", json={"name": "新しい名前"}, headers=headers)
    return answer


def test_a_change_needs_the_sessions_own_token(
    api: TestClient, home: BrandHome, admin: Browser, keyring: Keyring
) -> None:
    other = Browser(home, keyring)
    assert_problem(rename(api, admin.cookie), 403, "request-forged")
    for token in ("", "x", "!", other.token, admin.token[:-1], admin.token + "A" * 8):
        assert_problem(rename(api, {**admin.cookie, "X-CSRF-Token": token}), 403, "request-forged")
    odd = api.patch("/v1/brand", json={"name": "x"}, headers={**admin.cookie, "X-CSRF-Token": "あ".encode()})
    assert_problem(odd, 403, "request-forged")
    assert rename(api, admin.headers).status_code == 200
    assert rename(api, other.headers).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8001"},
        {"Origin": "https://127.0.0.1:8000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_a_change_from_another_site_is_refused_even_with_the_token(
    api: TestClient, admin: Browser, sent: dict[str, str]
) -> None:
    assert_problem(rename(api, {**admin.headers, **sent}), 403, "request-forged")


def test_a_change_from_our_own_page_passes(api: TestClient, admin: Browser) -> None:
    own = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
    assert rename(api, {**admin.headers, **own}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_no_method_that_changes_passes_without_the_token(api: TestClient, admin: Browser, method: str) -> None:
    path = f"/v1/staff/{encode_id('staff', admin.staff.id)}"
    path += "/sign-out" if method == "POST" else ""
    answer = api.request(method, path, headers=admin.cookie)
    assert answer.status_code in ((405,) if method == "PUT" else (403,)), answer.text
    assert api.get("/v1/me", headers=admin.cookie).status_code == 200


def test_the_bearer_token_decides_where_both_are_given(
    api: TestClient, home: BrandHome, other_home: BrandHome, admin: Browser
) -> None:
    me = api.get("/v1/me", headers={**other_home.headers, **admin.cookie}).json()
    assert me["kind"] == "api_client"
    assert rename(api, {**home.headers, **admin.cookie}).status_code == 200
    for wrong in ("Bearer nrn_token_x", "Basic eDp5", "Bearer", ""):
        answer = api.get("/v1/me", headers={"Authorization": wrong, **admin.cookie})
        assert_problem(answer, 401, "unauthorized")


def test_a_session_secret_is_no_bearer_token_and_a_key_no_cookie(
    api: TestClient, home: BrandHome, admin: Browser
) -> None:
    assert api.get("/v1/me", headers={"Authorization": f"Bearer {admin.secret}"}).status_code == 401
    key = Shops(home).key_a["Authorization"].removeprefix("Bearer ")
    for secret in (key, home.token, new_secret("session"), "x", admin.secret[:-1]):
        assert api.get("/v1/me", headers={"Cookie": f"noren={secret}"}).status_code == 401


def test_only_hashes_of_session_secrets_are_kept(home: BrandHome, admin: Browser) -> None:
    with home.open() as session:
        for table in ("staff_session", "credential_hash", "staff"):
            assert admin.secret not in str(session.execute(text(f"SELECT * FROM {table}")).all())


def test_a_disabled_member_of_staff_is_out_at_once(api: TestClient, home: BrandHome, admin: Browser) -> None:
    with home.open() as session:
        make.staff(session)
        session.commit()
    path = f"/v1/staff/{encode_id('staff', admin.staff.id)}"
    assert api.delete(path, headers=home.headers).status_code == 204
    assert_problem(api.get("/v1/me", headers=admin.cookie), 401, "unauthorized")


def test_disabling_counts_even_where_a_session_was_left(api: TestClient, home: BrandHome, admin: Browser) -> None:
    with home.open() as session:
        staff = session.exec(select(Staff).where(col(Staff.id) == admin.staff.id)).one()
        staff.disabled_at = utc_now()
        session.commit()
    assert_problem(api.get("/v1/me", headers=admin.cookie), 401, "unauthorized")


def test_a_new_role_counts_from_the_next_request_on(
    api: TestClient, home: BrandHome, admin: Browser, keyring: Keyring
) -> None:
    marketer = Browser(home, keyring, "marketer")
    assert api.get("/v1/staff", headers=marketer.cookie).status_code == 403
    path = f"/v1/staff/{encode_id('staff', marketer.staff.id)}"
    assert api.patch(path, json={"role": "hq_admin"}, headers=admin.headers).status_code == 200
    assert api.get("/v1/staff", headers=marketer.cookie).status_code == 200


def fresh_secret(answer: Response) -> str | None:
    """The secret that an answer hands the browser."""
    found: str | None = answer.cookies.get("noren")
    return found


def test_the_secret_is_replaced_after_a_while_and_the_old_one_good_for_a_moment(
    api: TestClient, admin: Browser
) -> None:
    assert fresh_secret(api.get("/v1/me", headers=admin.cookie)) is None
    admin.change(rotated_at=utc_now() - sessions.ROTATE_AFTER)
    answer = api.get("/v1/me", headers=admin.cookie)
    fresh = fresh_secret(answer)
    assert fresh not in (None, admin.secret)
    line = answer.headers["set-cookie"]
    assert line == f"noren={fresh}; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax"
    under_way = api.get("/v1/me", headers=admin.cookie)
    assert (under_way.status_code, fresh_secret(under_way)) == (200, None)
    assert api.get("/v1/me", headers={"Cookie": f"noren={fresh}"}).status_code == 200
    assert rename(api, {"Cookie": f"noren={fresh}", "X-CSRF-Token": admin.token}).status_code == 200


def test_a_refused_request_hands_over_the_fresh_secret_too(api: TestClient, admin: Browser) -> None:
    admin.change(rotated_at=utc_now() - sessions.ROTATE_AFTER)
    answer = api.get(f"/v1/stores/{encode_id('store', admin.session_id)}", headers=admin.cookie)
    assert answer.status_code == 404
    assert fresh_secret(answer) is not None


def test_a_copied_secret_ends_the_session_for_both(api: TestClient, admin: Browser) -> None:
    admin.change(rotated_at=utc_now() - sessions.ROTATE_AFTER)
    fresh = fresh_secret(api.get("/v1/me", headers=admin.cookie))
    assert api.get("/v1/me", headers={"Cookie": f"noren={fresh}"}).status_code == 200
    long_ago = utc_now() - sessions.GRACE - timedelta(seconds=1)
    admin.change(rotated_at=long_ago, last_seen_at=long_ago + timedelta(milliseconds=1))
    assert api.get("/v1/me", headers=admin.cookie).status_code == 401
    assert api.get("/v1/me", headers={"Cookie": f"noren={fresh}"}).status_code == 401
    assert admin.read().ended_at is not None
    with admin.home.open() as session:
        told = session.execute(text("SELECT action, kind, caller_id FROM audit_entry WHERE kind = 'refused'")).all()
    assert [tuple(row) for row in told] == [("end_copied_session", "refused", admin.staff.id)]


def test_a_secret_that_got_lost_on_its_way_signs_nobody_out(api: TestClient, admin: Browser) -> None:
    admin.change(rotated_at=utc_now() - sessions.ROTATE_AFTER)
    lost = fresh_secret(api.get("/v1/me", headers=admin.cookie))
    long_ago = utc_now() - sessions.GRACE - timedelta(seconds=1)
    admin.change(rotated_at=long_ago, last_seen_at=long_ago)
    again = api.get("/v1/me", headers=admin.cookie)
    assert again.status_code == 200
    assert fresh_secret(again) not in (None, lost, admin.secret)
    assert api.get("/v1/me", headers={"Cookie": f"noren={lost}"}).status_code == 401
    assert api.get("/v1/me", headers={"Cookie": f"noren={fresh_secret(again)}"}).status_code == 401


def test_of_many_requests_at_once_one_replaces_the_secret(home: BrandHome, admin: Browser, keyring: Keyring) -> None:
    admin.change(rotated_at=utc_now() - sessions.ROTATE_AFTER)
    now = utc_now()

    def ask(_: int) -> tuple[bool, str | None]:
        found, fresh = find_signed_in(home.engine, keyring, admin.secret, now)
        return found is not None, fresh

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(16)))
    assert all(opened for opened, _ in answers)
    replaced = [fresh for _, fresh in answers if fresh is not None]
    assert len(replaced) == 1
    with home.open() as session:
        row = session.exec(select(StaffSession).where(col(StaffSession.id) == admin.session_id)).one()
        known = session.execute(
            text("SELECT id FROM credential_hash WHERE digest = :digest"), {"digest": digest_of(replaced[0])}
        ).scalar_one()
    assert row.secret_id == known


@pytest.mark.parametrize(
    "age",
    [
        {"last_seen_at": sessions.IDLE},
        {"expires_at": timedelta(0)},
        {"ended_at": timedelta(0)},
    ],
    ids=str,
)
def test_a_session_that_is_over_opens_nothing(api: TestClient, admin: Browser, age: dict[str, timedelta]) -> None:
    admin.change(**{name: utc_now() - before for name, before in age.items()})
    assert_problem(api.get("/v1/me", headers=admin.cookie), 401, "unauthorized")
    admin.change(last_seen_at=utc_now())
    assert_problem(api.get("/v1/me", headers=admin.cookie), 401, "unauthorized")

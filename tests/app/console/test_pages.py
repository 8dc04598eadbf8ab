"""The staff's pages: invitations, signing out, changing brand; and the headers that keep them ours."""

import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from tenants.ids import encode_id, uuid7
from tests import make
from tests.app.console.browser import Browser, People, Person, read_staff
from tests.conftest import BrandHome

OpenBrowser = Callable[[], Browser]


@pytest.fixture
def hanako(people: People, home: BrandHome) -> Person:
    """Somebody who is staff."""
    person = people.make()
    people.employ(home, person)
    return person


def test_an_invitation_is_accepted_by_signing_in_with_its_address(
    browser: Browser, people: People, home: BrandHome
) -> None:
    person = people.make()
    invitation = people.invite(home, person.email.upper())
    page = browser.get(invitation)
    assert page.status_code == 200
    assert "のれん食堂" in page.text
    assert "本部 マーケティング" in page.text
    assert browser.accept(invitation, person).headers["location"] == "/console"
    assert browser.is_signed_in


def test_an_invitation_works_once(open_browser: OpenBrowser, people: People, home: BrandHome) -> None:
    person = people.make()
    invitation = people.invite(home, person.email)
    assert open_browser().accept(invitation, person).status_code == 303
    for answer in (open_browser().get(invitation), open_browser().post(invitation)):
        assert answer.status_code == 404
        assert "この招待は使えません" in answer.text


def test_an_invitation_under_way_twice_is_accepted_once(
    open_browser: OpenBrowser, people: People, home: BrandHome
) -> None:
    person = people.make()
    invitation = people.invite(home, person.email)
    first, second = open_browser(), open_browser()
    backs = [one.prove(one.post(invitation).headers["location"], person) for one in (first, second)]
    assert first.get(backs[0]).status_code == 303
    late = second.get(backs[1])
    assert (late.status_code, second.secret) == (404, None)


def test_an_invitation_ends_after_a_week(browser: Browser, people: People, home: BrandHome) -> None:
    person = people.make()
    assert browser.get(people.invite(home, person.email, days_ago=7)).status_code == 404
    other = people.make()
    assert browser.get(people.invite(home, other.email, days_ago=6)).status_code == 200


def test_an_invitation_is_for_its_address_alone(browser: Browser, people: People, home: BrandHome) -> None:
    invited, other = people.make(), people.make()
    invitation = people.invite(home, invited.email)
    answer = browser.accept(invitation, other)
    assert answer.status_code == 403
    assert "別の方への招待です" in answer.text
    assert browser.secret is None
    assert browser.accept(invitation, invited).status_code == 303


def test_an_unverified_address_accepts_no_invitation(browser: Browser, people: People, home: BrandHome) -> None:
    person = people.make(email_verified=False)
    answer = browser.accept(people.invite(home, person.email), person)
    assert "メールアドレスが未確認です" in answer.text
    assert browser.secret is None


def test_one_person_is_staff_of_a_brand_once(browser: Browser, people: People, home: BrandHome) -> None:
    person = people.make()
    people.employ(home, person, email="old@example.jp")
    answer = browser.accept(people.invite(home, person.email), person)
    assert answer.status_code == 409
    assert "すでにこのブランドのスタッフです" in answer.text


@pytest.mark.parametrize("secret", ["x", "nrn_invitation_" + "0" * 49, "%00", "あ", "a/b"])
def test_a_made_up_invitation_is_over(browser: Browser, secret: str) -> None:
    assert browser.get(f"/console/invitations/{secret}").status_code == 404


def test_another_credential_is_no_invitation(browser: Browser, home: BrandHome) -> None:
    assert browser.get(f"/console/invitations/{home.token}").status_code == 404


def test_an_invitation_is_not_accepted_from_another_site(browser: Browser, people: People, home: BrandHome) -> None:
    invitation = people.invite(home, people.make().email)
    for sent in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert browser.client.post(invitation, headers=sent, follow_redirects=False).status_code == 403


def test_signing_out_ends_the_session_and_takes_the_cookie_back(browser: Browser, hanako: Person) -> None:
    browser.sign_in(hanako)
    secret, token = browser.secret, browser.csrf_token()
    answer = browser.post("/console/logout", csrf_token=token)
    assert answer.headers["location"] == "/console/signed-out"
    assert browser.secret is None
    assert browser.get("/console", headers={"Cookie": f"noren={secret}"}).status_code == 303
    page = browser.get("/console/signed-out")
    assert "サインアウトしました" in page.text
    (address,) = re.findall(r'href="([^"]+/end-session[^"]*)"', page.text)
    assert browser.people.sandbox.client.get(address.replace("&amp;", "&")).status_code == 303


def test_signing_out_everywhere_ends_every_session_in_every_brand(
    open_browser: OpenBrowser, people: People, home: BrandHome, other_home: BrandHome
) -> None:
    person, colleague = people.make(), people.make()
    people.employ(home, person)
    people.employ(other_home, person)
    people.employ(home, colleague)
    phone, desk, elsewhere, theirs = (open_browser() for _ in range(4))
    for one in (phone, desk, elsewhere):
        one.sign_in(person)
    theirs.sign_in(colleague)
    elsewhere.post("/console/switch", brand_id=_other_brand(elsewhere), csrf_token=elsewhere.csrf_token())
    answer = phone.post("/console/sign-out-everywhere", csrf_token=phone.csrf_token())
    assert answer.headers["location"] == "/console/signed-out"
    assert not any(one.is_signed_in for one in (phone, desk, elsewhere))
    assert theirs.is_signed_in


def _other_brand(browser: Browser) -> str:
    (found,) = re.findall(r'name="brand_id" value="([^"]+)"', browser.get("/console").text)
    return str(found)


@pytest.mark.parametrize("path", ["/console/logout", "/console/sign-out-everywhere", "/console/switch"])
def test_no_form_works_without_the_sessions_own_token(
    open_browser: OpenBrowser, hanako: Person, home: BrandHome, path: str
) -> None:
    browser, other = open_browser(), open_browser()
    browser.sign_in(hanako)
    other.sign_in(hanako)
    brand_id = encode_id("brand", home.scope.brand_id)
    for form in ({}, {"csrf_token": ""}, {"csrf_token": "x"}, {"csrf_token": other.csrf_token()}):
        answer = browser.post(path, brand_id=brand_id, **form)
        assert answer.status_code == 403
        assert "画面を開き直してください" in answer.text
    own = {"csrf_token": browser.csrf_token(), "brand_id": brand_id}
    for sent in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert browser.client.post(path, data=own, headers=sent, follow_redirects=False).status_code == 403
    assert browser.is_signed_in


def test_the_same_person_changes_brand_with_a_new_session(
    browser: Browser, people: People, home: BrandHome, other_home: BrandHome
) -> None:
    person = people.make()
    people.employ(home, person, "marketer")
    people.employ(other_home, person, "analyst")
    browser.sign_in(person)
    before, brand = browser.secret, browser.client.get("/v1/me").json()["brand"]["id"]
    other = _other_brand(browser)
    answer = browser.post("/console/switch", brand_id=other, csrf_token=browser.csrf_token())
    assert answer.headers["location"] == "/console"
    assert browser.client.get("/v1/me").json()["brand"]["id"] == other != brand
    assert browser.secret != before
    assert browser.get("/console", headers={"Cookie": f"noren={before}"}).status_code == 303


def test_nobody_changes_to_a_brand_that_is_not_hers(browser: Browser, hanako: Person, other_home: BrandHome) -> None:
    browser.sign_in(hanako)
    token = browser.csrf_token()
    for brand_id in (encode_id("brand", other_home.scope.brand_id), encode_id("brand", uuid7())):
        assert browser.post("/console/switch", brand_id=brand_id, csrf_token=token).status_code == 404
    assert browser.post("/console/switch", brand_id="x", csrf_token=token).status_code == 422
    assert browser.is_signed_in


def test_who_is_disabled_in_one_brand_signs_in_at_the_other(
    browser: Browser, people: People, home: BrandHome, other_home: BrandHome, api: TestClient
) -> None:
    person = people.make()
    people.employ(home, people.make())
    here, there = people.employ(home, person), people.employ(other_home, person)
    browser.sign_in(person)
    assert api.delete(f"/v1/staff/{encode_id('staff', here.id)}", headers=home.headers).status_code == 204
    browser.client.cookies.clear()
    browser.sign_in(person)
    me = browser.client.get("/v1/me").json()
    assert me["brand"]["id"] == encode_id("brand", other_home.scope.brand_id)
    assert read_staff(other_home, there).last_signed_in_at is not None


def test_a_managers_page_names_her_stores(browser: Browser, people: People, home: BrandHome) -> None:
    person = people.make()
    with home.open() as session:
        mine, other = make.store(session, name="渋谷店"), make.store(session, name="新宿店")
        make.staff(session, "store_manager", mine, email=person.email, issuer=people.issuer, subject=person.subject)
        session.commit()
    browser.sign_in(person)
    page = browser.get("/console").text
    assert mine.name in page
    assert other.name not in page


def test_what_people_are_called_is_shown_as_text(browser: Browser, people: People, home: BrandHome) -> None:
    person = people.make()
    people.employ(home, person, name="<script>alert('x')</script>")
    browser.sign_in(person)
    page = browser.get("/console").text
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("path", ["/console", "/console/login", "/console/signed-out", "/console/nowhere", "/console/"])
def test_every_page_keeps_scripts_frames_and_caches_out(browser: Browser, hanako: Person, path: str) -> None:
    browser.sign_in(hanako)
    answer = browser.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "form-action 'self'" in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script|\son\w+=|style=|src=|<link[^>]+https?://", answer.text)


def test_the_invitations_form_may_lead_to_the_provider(browser: Browser, people: People, home: BrandHome) -> None:
    page = browser.get(people.invite(home, people.make().email))
    assert f"form-action 'self' {people.sandbox.url};" in page.headers["content-security-policy"]


def test_the_style_sheet_is_ours(browser: Browser, hanako: Person) -> None:
    browser.sign_in(hanako)
    (path,) = re.findall(r'rel="stylesheet" href="([^"]+)"', browser.get("/console").text)
    answer = browser.get(path)
    assert answer.headers["content-type"].startswith("text/css")
    assert "url(" not in answer.text
    assert "@import" not in answer.text


def test_a_large_form_is_refused(browser: Browser) -> None:
    assert browser.post("/console/logout", csrf_token="x" * 20_000).status_code == 413


def test_what_staff_do_at_the_door_is_in_the_audit_log(browser: Browser, people: People, home: BrandHome) -> None:
    person = people.make()
    browser.accept(people.invite(home, person.email), person)
    browser.post("/console/logout", csrf_token=browser.csrf_token())
    browser.sign_in(person)
    browser.post("/console/sign-out-everywhere", csrf_token=browser.csrf_token())
    with home.open() as session:
        rows = session.execute(text("SELECT action, caller_kind, changes::text FROM audit_entry ORDER BY id")).all()
    assert [row.action for row in rows] == ["accept_invitation", "sign_out", "sign_in", "sign_out_everywhere"]
    assert {row.caller_kind for row in rows} == {"staff"}
    assert not any(person.email in (row.changes or "") for row in rows)

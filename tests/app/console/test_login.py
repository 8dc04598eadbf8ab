"""Signing in by way of the sandbox's identity provider, over a real socket."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from tests.app.console.browser import CLIENT_ID, HTTPS, PUBLIC, Browser, People, Person, query_of, read_staff
from tests.app.console.conftest import signing_in
from tests.conftest import BrandHome
from tests.running import RunningSandbox

OpenBrowser = Callable[[], Browser]


@pytest.fixture
def hanako(people: People, home: BrandHome) -> Person:
    """Somebody who is staff."""
    person = people.make()
    people.employ(home, person)
    return person


def test_signing_in_leads_to_the_first_page(browser: Browser, hanako: Person) -> None:
    answer = browser.sign_in(hanako)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    page = browser.get("/console")
    assert page.status_code == 200
    assert "山田 花子 さん" in page.text
    assert hanako.email in page.text
    assert "本部 管理者" in page.text
    assert browser.client.get("/v1/me").json()["kind"] == "staff"


def test_the_request_carries_state_nonce_and_pkce(browser: Browser) -> None:
    asked, again = query_of(browser.start()), query_of(browser.start())
    assert asked["response_type"] == "code"
    assert asked["client_id"] == CLIENT_ID
    assert asked["redirect_uri"] == f"{PUBLIC}/console/callback"
    assert asked["code_challenge_method"] == "S256"
    assert asked["scope"].split() == ["openid", "profile", "email"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[name]) >= 43
        assert asked[name] != again[name]


def test_whoever_is_not_signed_in_is_sent_to_sign_in_and_comes_back(browser: Browser, hanako: Person) -> None:
    answer = browser.get("/console")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/login?next=%2Fconsole")
    assert browser.sign_in(hanako, "/console/login?next=/console?tab%3D2").headers["location"] == "/console?tab=2"
    assert browser.get("/console/login?next=/console/x").headers["location"] == "/console/x"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/console@evil.example",
        "/console.evil.example",
        "/console//evil.example",
        "/console/../v1/me",
        "/console\r\nSet-Cookie: noren=x",
        "/console%0d%0aX: y",
        "/console?next=//evil.example#x",
        "javascript:alert(1)",
        " /console",
        "/v1/me",
        "/consoles",
        "/console/\u3042",
        "/console?" + "a" * 600,
        "",
    ],
)
def test_nobody_is_led_elsewhere(open_browser: OpenBrowser, hanako: Person, elsewhere: str) -> None:
    path = f"/console/login?{urlencode({'next': elsewhere})}"
    browser = open_browser()
    assert browser.sign_in(hanako, path).headers["location"] == "/console"
    assert browser.get(path).headers["location"] == "/console"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(browser: Browser, hanako: Person) -> None:
    lines = browser.sign_in(hanako).headers.get_list("set-cookie")
    (session,) = (line for line in lines if line.startswith("noren="))
    assert session == f"noren={browser.secret}; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax"
    assert [line for line in lines if line.startswith("noren-login=")] == [
        "noren-login=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
    ]


def test_behind_tls_the_cookies_belong_to_this_host_alone(
    secure_console: TestClient, people: People, hanako: Person
) -> None:
    browser = Browser.beside(secure_console, people)
    started = browser.get("/console/login")
    assert query_of(started.headers["location"])["redirect_uri"] == f"{HTTPS}/console/callback"
    answer = browser.get(browser.prove(started.headers["location"], hanako))
    lines = started.headers.get_list("set-cookie") + answer.headers.get_list("set-cookie")
    assert [line.split("=")[0] for line in lines] == ["__Host-noren-login", "__Host-noren-login", "__Host-noren"]
    assert all("; Path=/; " in line and line.endswith("; HttpOnly; SameSite=Lax; Secure") for line in lines)
    assert not any("Domain" in line for line in lines)
    assert browser.is_signed_in


def test_a_cookie_without_the_prefix_opens_nothing_behind_tls(
    secure_console: TestClient, browser: Browser, people: People, hanako: Person
) -> None:
    browser.sign_in(hanako)
    planted = {"Cookie": f"noren={browser.secret}"}
    assert Browser.beside(secure_console, people).get("/console", headers=planted).status_code == 303


@pytest.mark.parametrize("change", [{"state": "x" * 43}, {"state": ""}, {"code": ""}, {"iss": "https://evil.example"}])
def test_an_answer_that_was_changed_signs_nobody_in(browser: Browser, hanako: Person, change: dict[str, str]) -> None:
    back = browser.prove(browser.start(), hanako)
    answer = browser.get(f"/console/callback?{urlencode({**query_of(back), **change})}")
    assert answer.status_code in (400, 403)
    assert not browser.is_signed_in


@pytest.mark.parametrize("left_out", ["state", "code", "iss"])
def test_an_answer_that_lacks_something_signs_nobody_in(browser: Browser, hanako: Person, left_out: str) -> None:
    told = query_of(browser.prove(browser.start(), hanako))
    del told[left_out]
    assert browser.get(f"/console/callback?{urlencode(told)}").status_code in (400, 403)
    assert not browser.is_signed_in


def test_an_answer_to_anothers_sign_in_signs_nobody_in(open_browser: OpenBrowser, hanako: Person) -> None:
    attacker, victim = open_browser(), open_browser()
    answer = attacker.prove(attacker.start(), hanako)
    assert victim.get(answer).status_code == 400
    victim.start()
    assert victim.get(answer).status_code == 400
    assert not victim.is_signed_in


def test_the_code_of_another_sign_in_fails_by_its_verifier_and_nonce(open_browser: OpenBrowser, hanako: Person) -> None:
    attacker, victim = open_browser(), open_browser()
    stolen = query_of(victim.prove(victim.start(), hanako))["code"]
    own = query_of(attacker.prove(attacker.start(), hanako))
    assert attacker.get(f"/console/callback?{urlencode({**own, 'code': stolen})}").status_code == 403
    assert not attacker.is_signed_in


def test_an_answer_works_once(browser: Browser, hanako: Person) -> None:
    back = browser.prove(browser.start(), hanako)
    kept = browser.client.cookies.get("noren-login")
    assert browser.get(back).status_code == 303
    browser.client.cookies.delete("noren")
    assert browser.get(back).status_code == 400
    replayed = browser.get(back, headers={"Cookie": f"noren-login={kept}"})
    assert replayed.status_code == 403
    assert "noren=nrn_" not in str(replayed.headers)


HOUR = 3600


@pytest.mark.parametrize(
    "id_token",
    [
        {"signed": "none"},
        {"signed": "hs256_public_key"},
        {"signed": "hs256_client_secret"},
        {"signed": "foreign_key"},
        {"signed": "broken"},
        {"claims": {"iss": "https://evil.example"}},
        {"claims": {"iss": None}},
        {"claims": {"aud": "somebody-else"}},
        {"claims": {"aud": ["somebody-else"]}},
        {"claims": {"aud": None}},
        {"claims": {"aud": 7}},
        {"claims": {"aud": [CLIENT_ID, "somebody-else"], "azp": "somebody-else"}},
        {"claims": {"nonce": "another"}},
        {"claims": {"nonce": None}},
        {"claims": {"exp": 1_700_000_000}},
        {"claims": {"exp": None}},
        {"claims": {"exp": "soon"}},
        {"claims": {"iat": 4_000_000_000}},
        {"claims": {"iat": None}},
        {"claims": {"nbf": 4_000_000_000}},
        {"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}},
        {"claims": {"sub": None}},
        {"claims": {"sub": ""}},
        {"claims": {"sub": 7}},
        {"claims": {"sub": "x" * 256}},
        {"claims": {"sub": "a\u0000b"}},
        {"claims": {"email_verified": False}},
        {"claims": {"email_verified": None}},
        {"claims": {"email_verified": "true"}},
        {"claims": {"email": ""}},
        {"claims": {"email": 7}},
    ],
    ids=str,
)
def test_an_id_token_that_is_wrong_in_any_way_signs_nobody_in(
    browser: Browser, people: People, hanako: Person, id_token: dict[str, Any]
) -> None:
    people.twist(**id_token)
    answer = browser.sign_in(hanako)
    assert answer.status_code == 403, answer.text
    assert browser.secret is None


def test_an_id_token_for_us_among_others_is_good(browser: Browser, people: People, hanako: Person) -> None:
    people.twist(claims={"aud": [CLIENT_ID, "somebody-else"], "azp": CLIENT_ID})
    assert browser.sign_in(hanako).status_code == 303


@pytest.mark.parametrize(("seconds", "status"), [(-30, 303), (30, 303), (-HOUR, 403), (HOUR, 403)])
def test_clocks_may_differ_by_a_minute(
    browser: Browser, people: People, hanako: Person, seconds: int, status: int
) -> None:
    people.sandbox.call("PUT", "/clock", {"advance_seconds": seconds})
    try:
        assert browser.sign_in(hanako).status_code == status
    finally:
        people.sandbox.call("PUT", "/clock", {"now": None})


def test_a_person_is_asked_for_beside_the_id_token_where_that_lacks_the_address(
    browser: Browser, people: People, hanako: Person
) -> None:
    people.twist(claims={"email": None, "email_verified": None})
    assert browser.sign_in(hanako).status_code == 303


def test_new_keys_of_the_provider_are_fetched_at_once(
    open_browser: OpenBrowser, people: People, hanako: Person
) -> None:
    assert open_browser().sign_in(hanako).status_code == 303
    people.sandbox.call("POST", "/oidc/rotate-keys")
    assert open_browser().sign_in(hanako).status_code == 303


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 503, "body": "<html>sorry</html>"},
        {"status": 200, "body": "<html>sorry</html>"},
        {"status": 200, "body": []},
        {"status": 200, "body": {}},
        {"status": 200, "body": {"access_token": "x", "token_type": "Bearer"}},
        {"status": 200, "body": {"access_token": "x", "id_token": "a.b.c", "token_type": "Bearer"}},
        {"status": 200, "body": {"access_token": "x", "id_token": 7, "token_type": "Bearer"}},
        {"status": 302, "body": ""},
        {"status": 200, "body": "x" * 600_000},
        {"drop": True},
    ],
    ids=lambda fault: str(fault)[:60],
)
def test_a_provider_that_misbehaves_signs_nobody_in_and_breaks_nothing(
    browser: Browser, people: People, hanako: Person, fault: dict[str, Any]
) -> None:
    back = browser.prove(browser.start(), hanako)
    people.fail(**fault)
    answer = browser.get(back)
    assert answer.status_code in (403, 503), answer.text
    assert browser.secret is None
    assert "<h1>" in answer.text


@pytest.mark.parametrize(
    "document",
    [
        {"status": 404},
        {"status": 200, "body": "no JSON"},
        {"status": 200, "body": []},
        {"status": 200, "body": {"issuer": "https://evil.example"}},
        {"status": 200, "body": {"issuer": "{issuer}"}},
        {
            "status": 200,
            "body": {
                "issuer": "{issuer}",
                "authorization_endpoint": "javascript:alert(1)",
                "token_endpoint": "file:///etc/passwd",
                "jwks_uri": "ftp://x",
            },
        },
        {"drop": True},
    ],
    ids=lambda fault: str(fault)[:70],
)
def test_without_a_sound_discovery_document_nobody_is_sent_anywhere(
    settings: Settings, registered: RunningSandbox, people: People, document: dict[str, Any]
) -> None:
    body = document.get("body")
    if isinstance(body, dict):
        document = {**document, "body": {name: text.format(issuer=people.issuer) for name, text in body.items()}}
    people.fail("openid-configuration", **document)
    with TestClient(create_app(signing_in(settings, registered)), base_url=PUBLIC) as client:
        answer = client.get("/console/login", follow_redirects=False)
        assert answer.status_code == 503
        assert "認証プロバイダーが応答しません" in answer.text
        registered.call("PUT", "/faults", {"faults": []})
        assert client.get("/console/login", follow_redirects=False).status_code == 303


def test_a_slow_provider_leaves_the_api_its_connections(
    settings: Settings, registered: RunningSandbox, people: People, home: BrandHome
) -> None:
    people.fail("openid-configuration", delay_ms=3_000)
    small = signing_in(settings, registered, pool_size=2)
    with TestClient(create_app(small), base_url=PUBLIC) as client, ThreadPoolExecutor(6) as pool:
        waiting = [pool.submit(client.get, "/console/login", follow_redirects=False) for _ in range(6)]
        assert client.get("/v1/me", headers=home.headers).status_code == 200
        assert not any(one.done() for one in waiting)
        assert {one.result().status_code for one in waiting} == {303}


def test_whoever_declines_is_told_so(browser: Browser, people: People) -> None:
    asked = query_of(browser.start())
    back = people.sandbox.client.post("/oidc/authorize", data={**asked, "deny": "yes"}).headers["location"]
    answer = browser.get(back)
    assert answer.status_code == 403
    assert "サインインを取りやめました" in answer.text


def test_whoever_is_nobodys_staff_is_told_so(browser: Browser, people: People) -> None:
    answer = browser.sign_in(people.make())
    assert answer.status_code == 403
    assert "スタッフとして登録されていません" in answer.text
    assert browser.secret is None


def test_the_address_alone_makes_nobody_staff(browser: Browser, people: People, home: BrandHome) -> None:
    person = people.make()
    people.employ(home, person, subject="somebody else at the same provider")
    assert browser.sign_in(person).status_code == 403


def test_the_same_subject_of_another_provider_is_somebody_else(
    browser: Browser, people: People, home: BrandHome
) -> None:
    person = people.make()
    people.employ(home, person, issuer="https://id.other.example")
    assert browser.sign_in(person).status_code == 403


def test_an_unverified_address_is_told_so(browser: Browser, people: People, home: BrandHome) -> None:
    person = people.make(email_verified=False)
    people.employ(home, person)
    assert "メールアドレスが未確認です" in browser.sign_in(person).text


def test_a_planted_session_is_not_continued(open_browser: OpenBrowser, people: People, home: BrandHome) -> None:
    mallory, hanako = people.make(), people.make()
    people.employ(home, mallory, "analyst")
    people.employ(home, hanako)
    attacker, victim = open_browser(), open_browser()
    attacker.sign_in(mallory)
    planted = attacker.secret
    assert planted is not None
    victim.client.cookies.set("noren", planted, domain="127.0.0.1", path="/")
    back = victim.prove(attacker_free_start(victim), hanako)
    assert victim.get(back).status_code == 303
    assert victim.client.cookies.get("noren", domain="127.0.0.1") not in (None, planted)
    assert not attacker.is_signed_in


def attacker_free_start(browser: Browser) -> str:
    """Start signing in though a session is there already, as somebody does whose cookie was planted later."""
    planted = browser.client.cookies.get("noren", domain="127.0.0.1")
    browser.client.cookies.delete("noren")
    address = browser.start()
    assert planted is not None
    browser.client.cookies.set("noren", planted, domain="127.0.0.1", path="/")
    return address


def test_signing_in_is_remembered(browser: Browser, people: People, home: BrandHome) -> None:
    person = people.make()
    staff = people.employ(home, person)
    assert staff.last_signed_in_at is None
    browser.sign_in(person)
    assert read_staff(home, staff).last_signed_in_at is not None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"oidc_issuer": None}, "NOREN_OIDC_ISSUER"),
        ({"oidc_client_secret": None}, "NOREN_OIDC_ISSUER"),
        ({"public_url": "http://noren.example"}, "https"),
    ],
    ids=str,
)
def test_without_the_settings_nobody_signs_in(
    settings: Settings, registered: RunningSandbox, changes: dict[str, Any], words: str
) -> None:
    with TestClient(create_app(signing_in(settings, registered, **changes)), base_url=PUBLIC) as client:
        for path in ("/console/login", "/console/callback?code=x&state=y"):
            answer = client.get(path, follow_redirects=False)
            assert answer.status_code in (400, 503)
        assert words in client.get("/console/login").text


@pytest.mark.parametrize("cookie", ["", "x", "e30", "bnVsbA", "W10", "eyJzdGF0ZSI6MX0", "é"])
def test_a_garbled_login_cookie_is_a_sign_in_to_begin_anew(browser: Browser, cookie: str) -> None:
    headers = {"Cookie": f"noren-login={cookie}".encode()}
    assert browser.get("/console/callback?code=x&state=y", headers=headers).status_code == 400


def test_the_client_secret_never_leaves_for_the_browser(browser: Browser, hanako: Person) -> None:
    seen: list[httpx.Response] = [browser.get("/console/login"), browser.sign_in(hanako), browser.get("/console")]
    for answer in seen:
        assert "the+console" not in str(answer.headers) + answer.text
        assert "the console" not in str(answer.headers) + answer.text

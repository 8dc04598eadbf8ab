"""Signing in with LINE: the request, the pages, the friend who is added, and what comes back."""

from html.parser import HTMLParser

import httpx
import pytest

from tests.app.sandbox.login.stage import CALLBACK, CHANNEL, FOREIGN_CHANNEL, Attempt, LoginStage, answered, put
from tests.app.sandbox.process import Shop


class Inputs(HTMLParser):
    """The hidden and ticked inputs of a page's form."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "input" and (found.get("type") == "hidden" or "checked" in found):
            self.fields[str(found["name"])] = str(found["value"])


def test_a_person_of_the_query_signs_in_without_a_page(attempt: Attempt) -> None:
    told = answered(attempt.ask(person="hanako"))
    assert set(told) == {"from", "code", "state"}
    assert told["state"] == attempt.state


def test_a_person_may_be_named_by_her_user_id(login: LoginStage, attempt: Attempt) -> None:
    token = attempt.tokens(login.user_ids["taro"])["access_token"]
    assert login.get("/v2/profile", token).json()["displayName"] == "太郎"


def test_who_nobody_knows_signs_nobody_in(attempt: Attempt) -> None:
    assert attempt.ask(person="nobody").status_code == 400


def test_the_page_asks_who_one_is_and_then_what_one_allows(login: LoginStage, attempt: Attempt) -> None:
    page = attempt.ask()
    assert "だれになりますか" in page.text
    gone = login.client.post("/_sandbox/login/person", data={**Inputs(page.text).fields, "person": "hanako"})
    consent = login.client.get(gone.headers["location"])
    assert "花子 さんとしてログインしますか" in consent.text
    assert "プロフィール情報" in consent.text
    form = {**Inputs(consent.text).fields, "decision": "allow"}
    told = answered(login.client.post("/oauth2/v2.1/authorize", data=form))
    assert attempt.exchange(told["code"]).status_code == 200


def test_a_new_person_is_made_by_her_name(login: LoginStage, attempt: Attempt) -> None:
    next_url = Inputs(attempt.ask().text).fields["next"]
    gone = login.client.post("/_sandbox/login/person", data={"next": next_url, "person": "", "name": "次郎"})
    assert "次郎 さんとして" in login.client.get(gone.headers["location"]).text


@pytest.mark.parametrize("next_url", ["https://evil.example/", "//evil.example/", "/\\evil.example/", ""])
def test_nobody_is_led_away_after_saying_who_she_is(login: LoginStage, next_url: str) -> None:
    answer = login.client.post("/_sandbox/login/person", data={"next": next_url, "person": "hanako"})
    assert answer.status_code == 400


def test_a_browser_remembers_who_one_was(attempt: Attempt) -> None:
    attempt.sign_in("taro")
    assert "太郎 さんとしてログインしますか" in attempt.ask().text
    assert "だれになりますか" in attempt.ask(prompt="login").text


def test_no_prompt_signs_in_whoever_is_remembered_and_has_allowed_it(attempt: Attempt) -> None:
    attempt.sign_in("taro")
    assert "code" in answered(attempt.ask(prompt="none"))


def test_no_prompt_finds_nobody_signed_in(attempt: Attempt) -> None:
    assert answered(attempt.ask(prompt="none"))["error"] == "LOGIN_REQUIRED"


def test_no_prompt_cannot_ask_for_more_than_was_allowed(attempt: Attempt) -> None:
    attempt.sign_in("taro", scope="openid")
    assert answered(attempt.ask(prompt="none"))["error"] == "INTERACTION_REQUIRED"


def test_who_cancels_is_sent_back(attempt: Attempt) -> None:
    told = answered(attempt.decide("deny"))
    assert (told["error"], told["state"]) == ("ACCESS_DENIED", attempt.state)
    assert answered(attempt.ask(person="taro", deny="true"))["error"] == "ACCESS_DENIED"


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        ("UNSUPPORTED_RESPONSE_TYPE", {"response_type": "token"}),
        ("INVALID_REQUEST", {"state": None}),
        ("INVALID_REQUEST", {"prompt": "maybe"}),
        ("INVALID_REQUEST", {"bot_prompt": "loud"}),
        ("INVALID_REQUEST", {"max_age": "long"}),
        ("INVALID_REQUEST", {"response_mode": "query.jwt"}),
        ("INVALID_REQUEST", {"code_challenge_method": "plain"}),
        ("INVALID_REQUEST", {"code_challenge": "short"}),
        ("INVALID_REQUEST", {"code_challenge": None}),
        ("INVALID_SCOPE", {"scope": None}),
        ("INVALID_SCOPE", {"scope": "openid friends"}),
        ("INVALID_SCOPE", {"scope": "email"}),
        ("INVALID_SCOPE", {"scope": "openid email"}),
    ],
)
def test_the_application_is_told_what_is_wrong(attempt: Attempt, error: str, changes: dict[str, str | None]) -> None:
    told = answered(attempt.ask(person="hanako", **changes))
    assert told["error"] == error
    assert told["error_description"]


@pytest.mark.parametrize(
    "changes", [{"client_id": "2000009999"}, {"redirect_uri": "https://evil.example/"}, {"redirect_uri": None}]
)
def test_nobody_is_sent_to_an_address_that_is_not_registered(attempt: Attempt, changes: dict[str, str | None]) -> None:
    answer = attempt.ask(person="hanako", **changes)
    assert (answer.status_code, answer.headers.get("location")) == (400, None)
    assert "このページは開けません" in answer.text


def test_a_channel_under_development_is_for_its_testers(login: LoginStage, attempt: Attempt) -> None:
    put(login.client, status="developing", testers=["hanako"])
    assert attempt.ask(person="taro").status_code == 400
    assert "code" in answered(attempt.ask(person="hanako"))


@pytest.mark.parametrize("bot_prompt", ["normal", "aggressive"])
def test_a_friend_is_added_on_the_way_and_the_webhook_hears_of_it(
    login: LoginStage, shop: Shop, attempt: Attempt, bot_prompt: str
) -> None:
    told = answered(attempt.ask(person="taro", bot_prompt=bot_prompt))
    assert told["friendship_status_changed"] == "true"
    (event,) = shop.wait_for_events(1)
    assert (event["type"], event["source"]["userId"]) == ("follow", login.user_ids["taro"])
    assert event["follow"] == {"isUnblocked": False}


def test_adding_a_blocked_account_unblocks_it(login: LoginStage, shop: Shop, attempt: Attempt) -> None:
    login.client.post("/_sandbox/people/hanako/block", json={"channel": "1650000001"}).raise_for_status()
    answered(attempt.ask(person="hanako", bot_prompt="normal"))
    assert shop.wait_for_events(2)[1]["follow"] == {"isUnblocked": True}


def test_who_leaves_the_box_unticked_stays_no_friend(login: LoginStage, attempt: Attempt) -> None:
    told = answered(attempt.ask(person="taro", bot_prompt="normal", add_friend="false"))
    assert told["friendship_status_changed"] == "false"
    assert not login.is_friend("taro")


def test_a_friend_is_offered_nothing(attempt: Attempt) -> None:
    assert "friendship_status_changed" not in answered(attempt.ask(person="hanako", bot_prompt="normal"))


def test_without_a_linked_account_nothing_is_offered(attempt: Attempt) -> None:
    attempt.channel_id = FOREIGN_CHANNEL
    assert "friendship_status_changed" not in answered(attempt.ask(person="taro", bot_prompt="normal"))


def test_the_box_stands_on_the_consent_page(login: LoginStage, attempt: Attempt) -> None:
    attempt.sign_in("taro")
    page = attempt.ask(bot_prompt="normal").text
    assert Inputs(page).fields["add_friend"] == "yes"
    form = {**Inputs(page).fields, "decision": "allow"}
    told = answered(login.client.post("/oauth2/v2.1/authorize", data=form))
    assert told["friendship_status_changed"] == "true"
    assert login.is_friend("taro")


@pytest.mark.parametrize(("decision", "changed"), [("add", "true"), ("later", "false")])
def test_an_aggressive_prompt_asks_on_a_page_of_its_own(
    login: LoginStage, attempt: Attempt, decision: str, changed: str
) -> None:
    page = attempt.decide("allow", bot_prompt="aggressive")
    assert "渋谷店 を友だち追加しますか" in page.text
    told = answered(attempt.decide(decision, bot_prompt="aggressive"))
    assert told["friendship_status_changed"] == changed
    assert login.is_friend("taro") is (decision == "add")


def test_an_answer_can_come_as_a_form(attempt: Attempt) -> None:
    answer = attempt.ask(person="hanako", response_mode="form_post")
    assert f'action="{CALLBACK}"' in answer.text.replace("&amp;", "&")
    fields = Inputs(answer.text).fields
    assert fields["state"] == attempt.state
    assert attempt.exchange(fields["code"]).status_code == 200
    assert "form-action 'self' https://shop.example;" in answer.headers["content-security-policy"]


def test_pages_run_no_script_but_ours_and_escape_names(login: LoginStage, attempt: Attempt) -> None:
    person = {"id": "eve", "name": "<script>alert(1)</script>"}
    login.client.post("/_sandbox/people", json=person).raise_for_status()
    answer = attempt.ask()
    assert "<script>alert" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for path in ("/_sandbox/login/style.css", "/_sandbox/login/submit.js", "/_sandbox/liff/sdk.js"):
        assert login.client.get(path).status_code == 200


def test_ids_are_pairwise_by_provider(login: LoginStage, attempt: Attempt) -> None:
    mine = attempt.tokens("hanako")["access_token"]
    other = Attempt(login, FOREIGN_CHANNEL)
    shown = login.client.get("/_sandbox/login-channels").json()["items"]
    (other.secret,) = [each["channel_secret"] for each in shown if each["channel_id"] == FOREIGN_CHANNEL]
    foreign = other.tokens("hanako")["access_token"]
    ids = {login.get("/v2/profile", token).json()["userId"] for token in (mine, foreign)}
    assert len(ids) == 2
    assert login.user_ids["hanako"] in ids


def test_a_channel_keeps_what_a_later_call_does_not_name(sandbox: httpx.Client, login: LoginStage) -> None:
    put(sandbox, name="別の名")
    (shown,) = [
        each for each in sandbox.get("/_sandbox/login-channels").json()["items"] if each["channel_id"] == CHANNEL
    ]
    assert (shown["name"], shown["callback_urls"]) == ("別の名", [CALLBACK])
    assert len(shown["liff_apps"]) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"provider_id": "2999999999"},
        {"callback_urls": [f"https://shop.example/{number}" for number in range(401)]},
        {"callback_urls": "https://shop.example/"},
        {"status": "secret"},
        {"linked_channel_id": "1659999999"},
        {"channel_id": "1650000001"},
        {"channel_id": "2000000099"},
        {"colour": "green"},
        {"liff_apps": [{"view": {}}]},
    ],
)
def test_a_channel_that_cannot_be_is_refused(sandbox: httpx.Client, login: LoginStage, changes: object) -> None:
    assert isinstance(changes, dict)
    body = {"login_channels": [{"channel_id": CHANNEL, **changes}]}
    answer = sandbox.put("/_sandbox/login-channels", json=body)
    assert answer.status_code == 409, answer.text


def test_who_has_left_line_cannot_sign_in(login: LoginStage, attempt: Attempt) -> None:
    attempt.sign_in("taro")
    login.client.post("/_sandbox/people/taro/delete").raise_for_status()
    assert attempt.ask(person="taro").status_code == 400
    assert "太郎" not in attempt.ask().text

"""LIFF: apps over the API, opening them, and what their pages may call."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
import pytest

from tests.app.sandbox.login.stage import (
    ACCOUNT,
    ACCOUNT_TOKEN,
    CHANNEL,
    ENDPOINT,
    FOREIGN_CHANNEL,
    LIFF_ID,
    OTHER_CHANNEL,
    OTHER_SECRET,
    LoginStage,
    claims_of,
    put,
)
from tests.app.sandbox.process import Shop

APP = {"view": {"type": "full", "url": "https://shop.example/app"}}


def api(login: LoginStage, method: str, path: str = "", body: Any = None, token: str | None = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {token or login.channel_token()}"}
    return login.client.request(method, f"/liff/v1/apps{path}", json=body, headers=headers)


def change_app(login: LoginStage, **app: Any) -> None:
    app = {"liffId": LIFF_ID, "view": {"type": "tall", "url": ENDPOINT}, "scope": ["openid", "profile"], **app}
    put(login.client, liff_apps=[app])


def opened(answer: httpx.Response) -> tuple[str, dict[str, str]]:
    """The page's address, and what stands in its fragment."""
    assert answer.status_code == 303, answer.text
    address, _, fragment = answer.headers["location"].partition("#")
    return address, {name: values[0] for name, values in parse_qs(fragment, strict_parsing=True).items()}


def open_app(login: LoginStage, rest: str = "", **query: str) -> tuple[str, dict[str, str]]:
    return opened(login.client.get(f"/liff/{LIFF_ID}{rest}", params={"person": "hanako", **query}))


def call(login: LoginStage, token: str, name: str, **values: Any) -> httpx.Response:
    body = orjson.dumps({"access_token": token, "call": name, **values})
    return login.client.post("/_sandbox/liff/call", content=body, headers={"content-type": "text/plain"})


def verified(login: LoginStage, token: str) -> httpx.Response:
    return login.client.get("/oauth2/v2.1/verify", params={"access_token": token})


def test_apps_are_made_listed_changed_and_deleted(login: LoginStage) -> None:
    liff_id = api(login, "POST", body={**APP, "description": "会員証", "botPrompt": "normal"}).json()["liffId"]
    assert liff_id.startswith(f"{CHANNEL}-")
    (app,) = [each for each in api(login, "GET").json()["apps"] if each["liffId"] == liff_id]
    assert app == {
        "liffId": liff_id,
        **APP,
        "description": "会員証",
        "features": {"ble": False, "qrCode": False},
        "permanentLinkPattern": "concat",
        "scope": ["profile", "chat_message.write"],
        "botPrompt": "normal",
    }
    change = {"view": {"type": "compact"}, "features": {"qrCode": True}, "scope": ["openid"]}
    assert api(login, "PUT", f"/{liff_id}", change).status_code == 200
    (app,) = [each for each in api(login, "GET").json()["apps"] if each["liffId"] == liff_id]
    assert app["view"] == {"type": "compact", "url": "https://shop.example/app"}
    assert (app["features"]["qrCode"], app["scope"], app["botPrompt"]) == (True, ["openid"], "normal")
    assert api(login, "DELETE", f"/{liff_id}").status_code == 200
    assert api(login, "DELETE", f"/{liff_id}").status_code == 404


def test_a_channel_without_apps_finds_none(login: LoginStage) -> None:
    assert api(login, "GET", token=login.channel_token(OTHER_CHANNEL, OTHER_SECRET)).status_code == 404


def test_another_channels_app_is_not_found(login: LoginStage) -> None:
    foreign = login.channel_token(OTHER_CHANNEL, OTHER_SECRET)
    for method in ("PUT", "DELETE"):
        assert api(login, method, f"/{LIFF_ID}", {}, foreign).status_code == 404


def test_apps_need_a_login_channels_own_token(login: LoginStage) -> None:
    _, fragment = open_app(login)
    for token in (ACCOUNT_TOKEN, "nonsense", fragment["access_token"]):
        assert api(login, "GET", token=token).status_code == 401


def test_a_channel_has_thirty_apps_at_most(login: LoginStage) -> None:
    token = login.channel_token()
    statuses = [api(login, "POST", body=APP, token=token).status_code for _ in range(30)]
    assert statuses == [200] * 29 + [400]


@pytest.mark.parametrize(
    ("wrong", "body"),
    [
        ("view", {}),
        ("view", {"view": "full"}),
        ("view.type", {"view": {"type": "huge", "url": "https://shop.example/"}}),
        ("view.url", {"view": {"type": "full"}}),
        ("view.url", {"view": {"type": "full", "url": "http://shop.example/"}}),
        ("view.url", {"view": {"type": "full", "url": "https://shop.example/#top"}}),
        ("view.moduleMode", {"view": {**APP["view"], "moduleMode": "yes"}}),
        ("description", {**APP, "description": "My LINE app"}),
        ("features", {**APP, "features": {"qrCode": 1}}),
        ("permanentLinkPattern", {**APP, "permanentLinkPattern": "replace"}),
        ("scope", {**APP, "scope": ["friends"]}),
        ("scope", {**APP, "scope": [[]]}),
        ("botPrompt", {**APP, "botPrompt": "loud"}),
    ],
)
def test_an_app_that_cannot_be_is_refused(login: LoginStage, wrong: str, body: dict[str, Any]) -> None:
    answer = api(login, "POST", body=body)
    assert answer.status_code == 400
    assert [detail["property"] for detail in answer.json()["details"]] == [wrong]


def test_an_app_opens_at_its_endpoint_with_tokens_in_the_fragment(login: LoginStage) -> None:
    address, fragment = open_app(login)
    assert address == ENDPOINT
    claims = claims_of(fragment["id_token"])
    assert (claims["sub"], claims["aud"], claims["name"]) == (login.user_ids["hanako"], CHANNEL, "花子")
    context = orjson.loads(fragment["context"])
    assert (context["type"], context["liffId"], context["endpointUrl"]) == ("utou", LIFF_ID, ENDPOINT)
    assert login.get("/v2/profile", fragment["access_token"]).json()["userId"] == login.user_ids["hanako"]


def test_path_and_query_travel_in_liff_state(login: LoginStage) -> None:
    address, _ = open_app(login, "/coupons/7", source="poster")
    assert parse_qs(urlsplit(address).query) == {"liff.state": ["/coupons/7?source=poster"]}


def test_no_openid_no_id_token(login: LoginStage) -> None:
    change_app(login, scope=["profile"])
    assert "id_token" not in open_app(login)[1]


def test_a_liff_token_lives_for_twelve_hours(login: LoginStage) -> None:
    token = open_app(login)[1]["access_token"]
    assert 43190 <= verified(login, token).json()["expires_in"] <= 43200
    login.advance(43201)
    assert verified(login, token).json()["error_description"] == "The access token expired"


def test_closing_the_app_ends_its_token(login: LoginStage) -> None:
    token = open_app(login)[1]["access_token"]
    assert call(login, token, "close").status_code == 200
    assert verified(login, token).json()["error_description"] == "The access token revoked"


def test_the_page_asks_for_consent_once(login: LoginStage) -> None:
    login.client.post("/_sandbox/login/person", data={"next": "/", "person": "taro"})
    page = login.client.get(f"/liff/{LIFF_ID}/a?b=1")
    assert "太郎 さんとしてログインしますか" in page.text
    address, _ = opened(login.client.post(f"/liff/{LIFF_ID}/a?b=1", data={"decision": "allow"}))
    assert parse_qs(urlsplit(address).query) == {"liff.state": ["/a?b=1"]}
    assert opened(login.client.get(f"/liff/{LIFF_ID}"))[0] == ENDPOINT


def test_who_does_not_allow_it_does_not_get_in(login: LoginStage) -> None:
    login.client.post("/_sandbox/login/person", data={"next": "/", "person": "taro"})
    assert login.client.post(f"/liff/{LIFF_ID}", data={"decision": "deny"}).status_code == 400


def test_a_stranger_is_asked_who_she_is(login: LoginStage) -> None:
    assert "だれになりますか" in login.client.get(f"/liff/{LIFF_ID}").text


def test_a_friend_is_added_with_the_consent(login: LoginStage, shop: Shop) -> None:
    change_app(login, botPrompt="normal")
    login.client.post("/_sandbox/login/person", data={"next": "/", "person": "taro"})
    assert "渋谷店" in login.client.get(f"/liff/{LIFF_ID}").text
    login.client.post(f"/liff/{LIFF_ID}", data={"decision": "allow", "add_friend": "yes"})
    assert shop.wait_for_events(1)[0]["type"] == "follow"


def test_an_unknown_app_is_a_page_that_says_so(login: LoginStage) -> None:
    for liff_id in (f"{CHANNEL}-Nowhere1", "nonsense", f"{FOREIGN_CHANNEL}-AbcdEfgh"):
        assert login.client.get(f"/liff/{liff_id}").status_code == 400


def test_an_external_browser_comes_back_to_where_it_was(login: LoginStage) -> None:
    address, fragment = open_app(login, **{"liff.redirectUri": f"{ENDPOINT}/page?a=1"})
    assert address == f"{ENDPOINT}/page?a=1"
    assert orjson.loads(fragment["context"])["type"] == "external"
    evil = {"person": "hanako", "liff.redirectUri": "https://evil.example/"}
    assert login.client.get(f"/liff/{LIFF_ID}", params=evil).status_code == 400


def test_a_page_is_told_the_profile_and_the_friendship(login: LoginStage) -> None:
    token = open_app(login)[1]["access_token"]
    answer = call(login, token, "profile")
    profile = answer.json()
    assert (profile["userId"], profile["displayName"]) == (login.user_ids["hanako"], "花子")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert call(login, token, "friendship").json() == {"friendFlag": True}


def test_a_page_writes_into_the_chat(login: LoginStage, shop: Shop) -> None:
    change_app(login, scope=["chat_message.write"])
    token = open_app(login)[1]["access_token"]
    image = {
        "type": "image",
        "originalContentUrl": "https://x.example/a.png",
        "previewImageUrl": "https://x.example/b.png",
    }
    messages = [
        {"type": "text", "text": "予約したい"},
        {"type": "sticker", "packageId": "446", "stickerId": "1988"},
        image,
    ]
    assert call(login, token, "send", messages=messages).status_code == 200
    text, sticker, picture = shop.wait_for_events(3)
    assert (text["message"]["text"], text["source"]["userId"]) == ("予約したい", login.user_ids["hanako"])
    assert sticker["message"]["stickerId"] == "1988"
    assert picture["message"]["contentProvider"]["originalContentUrl"] == "https://x.example/a.png"


def test_a_flex_message_of_a_page_is_not_heard(login: LoginStage, shop: Shop) -> None:
    change_app(login, scope=["chat_message.write"])
    token = open_app(login)[1]["access_token"]
    body = {"type": "box", "layout": "vertical", "contents": [{"type": "text", "text": "会員証"}]}
    flex = {"type": "flex", "altText": "会員証", "contents": {"type": "bubble", "body": body}}
    assert call(login, token, "send", messages=[flex, {"type": "text", "text": "あと"}]).status_code == 200
    assert shop.wait_for_events(1)[0]["message"]["text"] == "あと"


@pytest.mark.parametrize("messages", [None, [], [{"type": "text"}], [{"type": "text", "text": "a"}] * 6, "text"])
def test_a_page_cannot_send_nonsense(login: LoginStage, messages: object) -> None:
    change_app(login, scope=["chat_message.write"])
    token = open_app(login)[1]["access_token"]
    assert call(login, token, "send", messages=messages).status_code == 400


def test_who_blocks_the_account_cannot_write(login: LoginStage) -> None:
    change_app(login, scope=["chat_message.write"])
    login.client.post("/_sandbox/people/hanako/block", json={"channel": ACCOUNT}).raise_for_status()
    token = open_app(login)[1]["access_token"]
    assert call(login, token, "send", messages=[{"type": "text", "text": "a"}]).status_code == 400


def test_a_page_may_do_what_its_scope_says(login: LoginStage) -> None:
    token = open_app(login)[1]["access_token"]
    assert call(login, token, "send", messages=[{"type": "text", "text": "a"}]).status_code == 403
    assert call(login, token, "dance").status_code == 403
    assert call(login, "nonsense", "profile").status_code == 401
    for body in (b"", b"[]", b"{}", b'{"access_token": 7}', b"\xff"):
        assert login.client.post("/_sandbox/liff/call", content=body).status_code == 401


def test_a_test_opens_an_app_without_a_page(login: LoginStage) -> None:
    answer = login.client.get(f"/_sandbox/liff/{LIFF_ID}/open", params={"person": "taro", "chat": ACCOUNT}).json()
    assert set(answer) == {"url", "access_token", "id_token", "context"}
    assert claims_of(answer["id_token"])["sub"] == login.user_ids["taro"]
    wrong: list[dict[str, str]] = [{}, {"person": "nobody"}, {"person": "taro", "chat": "1659999999"}]
    for query in wrong:
        login.client.cookies.clear()
        assert login.client.get(f"/_sandbox/liff/{LIFF_ID}/open", params=query).status_code == 400

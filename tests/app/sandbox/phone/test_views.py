"""What the phone asks the sandbox for, without a browser."""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.sandbox import storage
from app.sandbox.ledger import AcceptedCall, Kind, Ledger
from app.sandbox.phone import state as phone_state
from app.sandbox.phone.state import Phones, Said
from app.sandbox.state import Sandbox
from app.sandbox.world import Changes
from tests.app.sandbox.phone import offers
from tests.app.sandbox.stage import CHANNEL, OTHER_CHANNEL, PROVIDER, TOKEN, Stage, text

LOGIN_CHANNEL, LIFF_ID = "1660000001", "1660000001-card0001"


def look(stage: Stage, person: str = "hanako", channel: str | None = CHANNEL, **query: str) -> dict[str, Any]:
    asked = {**query, **({"channel": channel} if channel else {})}
    found: dict[str, Any] = stage.client.get(f"/_sandbox/people/{person}/chats", params=asked).json()
    return found


def words(seen: dict[str, Any]) -> list[str]:
    return [item["message"].get("text", "") for item in seen["chat"]["messages"]]


def do(stage: Stage, act: str, **body: Any) -> httpx.Response:
    return stage.client.post(f"/_sandbox/people/hanako/chats/{act}", json={"channel": CHANNEL, **body})


def add_liff_app(stage: Stage, **changes: Any) -> None:
    app = {"liffId": LIFF_ID, "view": {"type": "full", "url": "https://shop.test/liff"}, **changes}
    channel = {"channel_id": LOGIN_CHANNEL, "provider_id": PROVIDER, "name": "会員証", "liff_apps": [app]}
    stage.client.put("/_sandbox/login-channels", json={"login_channels": [channel]}).raise_for_status()
    stage.change_channel(login_channel_id=LOGIN_CHANNEL)


def test_both_sides_of_a_chat_stand_in_the_order_in_which_they_were_written(stage: Stage) -> None:
    stage.push("一")
    stage.act("hanako", "message", text="二")
    stage.push("三")
    assert [(item["message"]["text"], item["hers"]) for item in look(stage)["chat"]["messages"]] == [
        ("一", False),
        ("二", True),
        ("三", False),
    ]


def test_chats_are_listed_by_their_newest_message_with_what_is_unread(stage: Stage) -> None:
    stage.act("hanako", "follow", OTHER_CHANNEL)
    stage.push("まだ読んでいない")
    chats = look(stage, channel=None)["chats"]
    assert [(chat["channel"], chat["unread"]) for chat in chats] == [(CHANNEL, 1), (OTHER_CHANNEL, 0)]
    assert chats[0]["last"]["text"] == "まだ読んでいない"


def test_reading_a_chat_makes_it_read_and_counts_once_for_what_is_new(stage: Stage) -> None:
    stage.push("一")
    assert do(stage, "read", opening=True).status_code == 204
    assert look(stage)["chats"][0]["unread"] == 0
    do(stage, "read", opening=False)
    stage.push("二")
    assert look(stage)["chats"][0]["unread"] == 1
    do(stage, "read", opening=False)
    assert look(stage)["chats"][0]["unread"] == 0


def test_the_cursor_says_that_nothing_has_changed(stage: Stage) -> None:
    stage.push("一")
    cursor = look(stage)["cursor"]
    assert look(stage, since=cursor) == {"cursor": cursor, "changed": False}
    stage.push("二")
    assert words(look(stage, since=cursor)) == ["一", "二"]


def test_what_a_postback_says_stands_in_the_chat_and_is_no_message_for_the_shop(stage: Stage) -> None:
    do(stage, "tap", action={"type": "postback", "data": "seat=1", "displayText": "窓ぎわで"})
    (event,) = stage.shop.wait_for_events(1)
    assert event["postback"] == {"data": "seat=1"}
    assert words(look(stage)) == ["窓ぎわで"]


def test_a_message_that_was_taken_back_leaves_only_that_it_was(stage: Stage) -> None:
    message_id = stage.act("hanako", "message", text="まちがい").json()["message_id"]
    stage.act("hanako", "unsend", message_id=message_id)
    (item,) = look(stage)["chat"]["messages"]
    assert (item["unsent"], item["message"]) == (True, {"type": "text"})


def test_what_the_account_has_read_is_marked(stage: Stage) -> None:
    stage.act("hanako", "message", text="いますか")
    (event,) = stage.shop.wait_for_events(1)
    body = {"markAsReadToken": event["message"]["markAsReadToken"]}
    headers = {"authorization": f"Bearer {TOKEN}"}
    assert stage.client.post("/v2/bot/chat/markAsRead", json=body, headers=headers).status_code == 200
    assert [item["read"] for item in look(stage)["chat"]["messages"]] == [True]


def test_blocked_accounts_stay_in_the_list_and_unknown_ones_do_not_come(stage: Stage) -> None:
    stage.act("hanako", "block")
    assert [(chat["channel"], chat["tie"]) for chat in look(stage)["chats"]] == [(CHANNEL, "blocked")]
    assert look(stage, "taro", None)["chats"] == []


def test_only_the_newest_messages_come_unless_more_are_wanted(stage: Stage) -> None:
    for number in range(5):
        stage.push(str(number))
    seen = look(stage, messages="3")
    assert (words(seen), seen["chat"]["has_more"]) == (["2", "3", "4"], True)
    assert words(look(stage, messages="5")) == ["0", "1", "2", "3", "4"]


def test_a_coupon_comes_with_what_she_did_with_it(stage: Stage) -> None:
    headers = {"authorization": f"Bearer {TOKEN}"}
    coupon_id = stage.client.post("/v2/bot/coupon", json=offers.coupon(), headers=headers).json()["couponId"]
    stage.send("push", {"to": stage.hanako, "messages": [{"type": "coupon", "couponId": coupon_id}]})
    (item,) = look(stage)["chat"]["messages"]
    assert (item["coupon"]["status"], item["coupon"]["ticket"]) == ("RUNNING", None)
    ticket = stage.act("hanako", "coupons", coupon_id=coupon_id).json()
    stage.client.post(f"/_sandbox/people/hanako/coupons/{ticket['id']}/use").raise_for_status()
    (item,) = look(stage)["chat"]["messages"]
    assert item["coupon"]["ticket"]["used_up"] is True


def test_what_a_liff_app_writes_stands_in_the_chat_also_if_the_webhook_is_not_told(stage: Stage) -> None:
    add_liff_app(stage)
    opened = stage.client.get(f"/_sandbox/liff/{LIFF_ID}/open", params={"person": "hanako", "chat": CHANNEL}).json()
    call = {"access_token": opened["access_token"], "call": "send", "messages": [offers.flex(), text("送りました")]}
    stage.client.post("/_sandbox/liff/call", json=call).raise_for_status()
    assert [item["message"]["type"] for item in look(stage)["chat"]["messages"]] == ["flex", "text"]
    (event,) = stage.shop.wait_for_events(1)
    assert event["message"]["type"] == "text"


@pytest.mark.parametrize(
    ("link", "kind"),
    [
        ("https://shop.test/r/abc", "page"),
        ("@SHOP0001", "friend"),
        ("https://line.me/R/ti/p/%40shop0001", "friend"),
        ("line://ti/p/@shop0001", "friend"),
        ("https://line.me/R/oaMessage/%40shop0001/?%E4%BA%88%E7%B4%84", "words"),
        ("line://nv/location", "location"),
        ("https://line.me/R/nv/cameraRoll/single", "cameraRoll"),
        ("tel:0312345678", "call"),
        ("@nobody", "unknown"),
        ("javascript:alert(1)", "unknown"),
        ("data:text/html,<script>1</script>", "unknown"),
        ("何でもない", "unknown"),
    ],
)
def test_a_link_leads_where_it_would_in_line(stage: Stage, link: str, kind: str) -> None:
    stage.change_channel(basic_id="@shop0001")
    found = stage.client.get("/_sandbox/people/hanako/link", params={"url": link}).json()
    assert found["kind"] == kind
    assert found.get("text", "予約") == "予約"


def test_opening_a_link_makes_the_browser_her_and_leads_liff_apps_to_the_sandbox(stage: Stage) -> None:
    add_liff_app(stage)
    asked = {"url": f"https://liff.line.me/{LIFF_ID}/card?a=1", "chat": CHANNEL}
    answer = stage.client.get("/phone/hanako/open", params=asked)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/liff/{LIFF_ID}/card?a=1&chat={CHANNEL}")
    assert "sandbox_person=hanako" in answer.headers["set-cookie"]
    plain = stage.client.get("/phone/hanako/open", params={"url": "https://shop.test/r/abc"})
    assert plain.headers["location"] == "https://shop.test/r/abc"
    assert stage.client.get("/phone/hanako/open", params={"url": "javascript:alert(1)"}).status_code == 400


def test_a_link_of_line_itself_opens_on_the_phone_of_whom_the_browser_is(stage: Stage) -> None:
    link = "#link=https%3A%2F%2Fline.me%2FR%2FoaMessage%2F%40shop0001%3Fhi"
    path = "/R/oaMessage/%40shop0001?hi"
    stage.client.cookies.clear()
    assert stage.client.get(path).headers["location"] == f"/phone{link}"
    stage.client.get("/phone/taro")
    assert stage.client.get(path).headers["location"] == f"/phone/taro{link}"
    framed = stage.client.get(path, headers={"sec-fetch-dest": "iframe"})
    assert (framed.status_code, "handoff.js" in framed.text) == (200, True)
    stage.client.cookies.clear()


def test_people_are_found_by_name_and_those_opened_last_come_first(stage: Stage) -> None:
    for person in ("taro", "hanako"):
        assert stage.client.get(f"/phone/{person}").status_code == 200
    found = stage.client.get("/_sandbox/phones", params={"q": "太"}).json()
    assert [person["id"] for person in found["items"]] == ["taro"]
    assert [person["id"] for person in found["recent"]] == ["hanako", "taro"]
    assert [each["id"] for each in stage.client.get("/_sandbox/phones?q=" + stage.taro).json()["items"]] == ["taro"]


def test_the_phone_of_someone_who_has_left_line_opens_no_more(stage: Stage) -> None:
    stage.client.get("/phone/taro")
    stage.client.post("/_sandbox/people/taro/delete", json={}).raise_for_status()
    assert stage.client.get("/phone/taro").status_code == 404
    assert stage.client.get("/_sandbox/people/taro/chats").status_code == 409
    shown = stage.client.get("/_sandbox/phones").json()
    assert [each["id"] for each in (*shown["recent"], *shown["items"])] == ["hanako"]


def test_accounts_are_found_by_name_and_basic_id(stage: Stage) -> None:
    stage.change_channel(display_name="渋谷店", basic_id="@shibuya1")
    for query in ("渋谷", "SHIBUYA"):
        items = stage.client.get("/_sandbox/people/hanako/accounts", params={"q": query}).json()["items"]
        assert [(each["channel"], each["tie"]) for each in items] == [(CHANNEL, "friend")]


def test_the_page_runs_no_script_but_ours_and_nobody_may_frame_it(stage: Stage) -> None:
    policy = stage.client.get("/phone/hanako").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "connect-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert stage.client.get("/_sandbox/phone/routes.py").status_code == 404
    assert stage.client.get("/phone/nobody").status_code == 404


def test_what_was_uploaded_as_a_picture_is_never_shown_as_a_page(stage: Stage) -> None:
    upload = stage.client.post(
        f"/_sandbox/people/hanako/image?channel={CHANNEL}",
        content=b"<script>alert(1)</script>",
        headers={"content-type": "text/html"},
    )
    message_id = upload.json()["message_id"]
    shown = stage.client.get(f"/_sandbox/people/hanako/chats/content/{message_id}")
    assert shown.headers["content-type"] == "application/octet-stream"
    assert "sandbox" in shown.headers["content-security-policy"]
    assert stage.client.get(f"/_sandbox/people/taro/chats/content/{message_id}").status_code == 404


def test_a_reset_forgets_what_was_written(stage: Stage) -> None:
    stage.act("hanako", "message", text="はい")
    stage.client.post("/_sandbox/reset", json={}).raise_for_status()
    assert look(stage)["chat"]["messages"] == []


def test_what_she_wrote_outlives_a_restart(tmp_path: Path) -> None:
    file, sandbox = tmp_path / "sandbox.json", Sandbox()
    store = storage.load(sandbox, file)
    changes = sandbox.world.changes
    for number in (1, 2):
        sandbox.phones.say(Said(number, 0, 0, 0.0, {"type": "text", "text": "はい"}), changes)
    storage.save(sandbox, store)
    sandbox.phones.unsend(0, 0, "2", changes)
    sandbox.phones.open(3, changes)
    storage.save(sandbox, store)
    again = Sandbox()
    storage.load(again, file)
    assert [(said.no, said.unsent) for said in again.phones.list_said(0, 0)] == [(1, False), (2, True)]
    assert again.phones.recent == [3]


def test_the_oldest_words_of_all_people_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phone_state, "MOST_SAID", 3)
    phones = Phones()
    for number in range(5):
        phones.say(Said(number, 0, number % 2, 0.0, {"type": "text", "text": str(number)}), Changes())
    assert [said.no for said in phones.list_said(0, 0)] == [2, 4]
    assert [said.no for said in phones.list_said(0, 1)] == [3]


def test_a_second_look_reads_only_what_is_new_in_the_ledger() -> None:
    phones, ledger, now = Phones(), Ledger(), time.time()

    def send(*people: int) -> None:
        ledger.append(AcceptedCall(now, now, Kind.PUSH, 4, bytes(16), None, 1, b"[]", people))

    send(7)
    assert phones.list_received(ledger, 7) == {4: [0]}
    send(8)
    send(7, 7)
    assert phones.list_received(ledger, 7) == {4: [0, 2]}
    assert phones.list_received(Ledger(), 7) == {}

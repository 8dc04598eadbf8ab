"""The phone as she sees and uses it: in a browser, with the shop's server at the other end."""

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.app.sandbox import menus
from tests.app.sandbox.phone import offers
from tests.app.sandbox.phone.audit import list_barriers
from tests.app.sandbox.phone.browser import Page
from tests.app.sandbox.phone.test_views import LIFF_ID, add_liff_app
from tests.app.sandbox.process import wait_for
from tests.app.sandbox.stage import CHANNEL, OTHER_CHANNEL, TOKEN, Stage, text

pytestmark = pytest.mark.slow

Show = Callable[..., Page]


@pytest.fixture
def show(stage: Stage, browser: Page) -> Show:
    """Show Hanako's phone, at the chat with the first account if nothing else is wanted."""
    browser.images = dict(offers.IMAGES)
    stage.change_channel(display_name="渋谷店", basic_id="@shibuya1")

    def open_phone(wait: str = "document.querySelector('.scroll')", *, chat: str | None = CHANNEL, **view: Any) -> Page:
        language = "?lang=en" if view.pop("english", False) else ""
        # A page that differs only in what stands after the # would not be loaded anew.
        browser.call("Page.navigate", url="about:blank")
        person = view.pop("person", "hanako")
        fragment = f"#chat={chat}" if chat else ""
        browser.open(f"{str(stage.client.base_url).rstrip('/')}/phone/{person}{language}{fragment}", **view)
        browser.wait_for(wait)
        return browser

    return open_phone


def push(stage: Stage, *messages: dict[str, Any]) -> None:
    answer = stage.send("push", {"to": stage.hanako, "messages": list(messages)})
    assert answer.status_code == 200, answer.text


def heard(stage: Stage, kind: str) -> dict[str, Any]:
    """The last event of a kind that the shop was told of, once it has come."""

    def found() -> list[dict[str, Any]]:
        return [call.event for call in stage.shop.calls if call.event["type"] == kind]

    return wait_for(found)[-1]


def rect(page: Page, selector: str) -> dict[str, float]:
    found: dict[str, float] = page.run(
        f"document.querySelector({json.dumps(selector)}).getBoundingClientRect().toJSON()"
    )
    return found


def keep(page: Page, name: str) -> None:
    """A picture of the page for people to look at, if `NOREN_SCREENSHOTS` names a folder for it."""
    folder = os.environ.get("NOREN_SCREENSHOTS")
    if folder:
        page.wait_for("[...document.images].every((image) => image.complete)")
        page.picture(Path(folder) / f"{name}.png")


def drawn_menu(page: Page) -> bytes:
    """The picture of a rich menu, drawn by the browser, as the PNG that it has to be."""
    url = "data:image/svg+xml;base64," + base64.b64encode(offers.menu_picture().encode()).decode()
    data = page.run(
        f"(async () => {{ const image = new Image(); image.src = {json.dumps(url)}; await image.decode();"
        f" const paper = document.createElement('canvas'); paper.width = 1200; paper.height = 810;"
        " paper.getContext('2d').drawImage(image, 0, 0); return paper.toDataURL('image/png'); })()"
    )
    return base64.b64decode(data.partition(",")[2])


def put_menu(
    stage: Stage, *actions: dict[str, Any], image: bytes | None = None, alias: str | None = None, **changes: Any
) -> str:
    """A rich menu with an image, and an alias for it if one is given."""
    menu = offers.menu(*actions, **changes)
    menu_id: str = menus.call(stage, "POST", "/v2/bot/richmenu", json=menu).json()["richMenuId"]
    assert menus.upload(stage, menu_id, image or menus.png(1200, 810)).status_code == 200
    if alias:
        body = {"richMenuAliasId": alias, "richMenuId": menu_id}
        assert menus.call(stage, "POST", "/v2/bot/richmenu/alias", json=body).status_code == 200
    return menu_id


def test_text_picture_and_flex_are_shown_and_nothing_is_asked_elsewhere(stage: Stage, show: Show) -> None:
    push(stage, offers.text(), offers.image(), offers.flex())
    page = show("document.querySelectorAll('.bubble').length === 3")
    assert page.run("document.querySelector('.words').textContent").startswith("雨の日クーポンをお届けします")
    assert page.run("document.querySelectorAll('.words .emoji').length") == 1
    assert page.run("document.querySelector('.sender').textContent") == "はな(店長)"
    page.wait_for("[...document.images].every((image) => image.complete && image.naturalWidth)")
    keep(page, "text-picture-flex")
    assert page.outside == []
    assert page.mistakes == []


def test_flex_boxes_have_the_measures_that_line_gives_them(stage: Stage, show: Show) -> None:
    push(stage, offers.flex())
    page = show("document.querySelector('.flex-bubble')")
    bubble, hero = rect(page, ".flex-bubble"), rect(page, ".flex-hero")
    assert bubble["width"] == 300
    assert hero["height"] == pytest.approx(300 * 13 / 20, abs=1)
    name, value = page.run(
        "[...[...document.querySelectorAll('.flex-baseline')].at(-1).children]"
        ".map((cell) => cell.getBoundingClientRect().toJSON())"
    )
    assert value["width"] == pytest.approx(name["width"] * 5, rel=0.02)
    assert value["left"] - name["right"] == pytest.approx(4, abs=0.1)
    price = "[...document.querySelectorAll('.flex-words span')].find((span) => span.textContent.includes('480'))"
    assert page.run(f"getComputedStyle({price}).textDecorationLine") == "line-through"
    assert rect(page, ".flex-button")["height"] == 40


def test_carousels_scroll_sideways_and_the_page_does_not(stage: Stage, show: Show) -> None:
    push(stage, offers.flex_carousel(), offers.carousel(), offers.image_carousel())
    page = show("document.querySelectorAll('.wide .slides').length === 3")
    slides = "[...document.querySelectorAll('.wide .slides')]"
    assert page.run(f"{slides}.every((each) => each.scrollWidth > each.clientWidth)")
    assert page.run("document.documentElement.scrollWidth") == 390
    assert page.run("document.querySelector('.scroll').scrollWidth <= document.querySelector('.scroll').clientWidth")


def test_long_names_and_words_stay_within_the_phone(stage: Stage, show: Show) -> None:
    stage.change_channel(display_name="とても長い名前のお店" * 5)
    long = text("W" * 80 + " https://shop.test/" + "x" * 90)
    push(stage, long, offers.with_quick_replies(text("あ" * 100)))
    stage.act("hanako", "message", text="い" * 100)
    push(stage, offers.with_quick_replies({**long, "sender": {"name": "とても長い名前の担当の者です"}}))
    page = show("document.querySelectorAll('.quick-item').length === 4")
    parts = "['.chat-head', '.scroll', '.log', '.composer']"
    head, scroll, log, lower = page.run(f"{parts}.map((each) => document.querySelector(each).scrollWidth)")
    assert (head, scroll, lower) == (390, 390, 390)
    assert log <= 390
    assert rect(page, ".hers .words")["right"] <= 390
    page.press("Escape")
    page.wait_for("document.querySelector('.chat-row') && !document.querySelector('.chat')")
    assert page.run("document.querySelector('.chats-scroll').scrollWidth") == 390


def test_markup_in_names_and_messages_is_only_text(stage: Stage, show: Show) -> None:
    evil = '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>'
    stage.change_channel(display_name=evil)
    stage.client.post("/_sandbox/world", json={"people": [{"id": "hanako", "name": evil}]}).raise_for_status()
    flex = {
        "type": "bubble",
        "body": {"type": "box", "layout": "vertical", "contents": [{"type": "text", "text": evil}]},
    }
    push(stage, text(evil), {"type": "flex", "altText": evil, "contents": flex})
    stage.act("hanako", "message", text=evil)
    page = show("document.querySelectorAll('.bubble').length === 3")
    assert page.run("[...document.querySelectorAll('.words')].map((each) => each.textContent)") == [evil, evil]
    assert page.run("document.querySelectorAll('img[src=x]').length + document.querySelectorAll('script').length") == 1
    assert page.run("window.harmed") is None
    assert page.mistakes == []


def test_new_messages_come_by_themselves_and_are_read_out(stage: Stage, show: Show) -> None:
    page = show()
    stage.push("ただいま雨です")
    page.wait_for("document.querySelector('.theirs .words')?.textContent === 'ただいま雨です'")
    assert page.run("document.getElementById('spoken').textContent") == "渋谷店: ただいま雨です"
    wait_for(lambda: stage.client.get("/_sandbox/people/hanako/chats").json()["chats"][0]["unread"] == 0)


def test_a_tap_on_a_flex_button_reaches_the_shop_and_says_its_words(stage: Stage, show: Show) -> None:
    push(stage, offers.flex())
    page = show("document.querySelector('.flex-button')")
    page.press_button("席を予約する")
    assert heard(stage, "postback")["postback"] == {"data": "seat=window"}
    page.wait_for("document.querySelector('.hers .words')?.textContent === '席を予約します'")


def test_a_time_is_chosen_with_a_picker(stage: Stage, show: Show) -> None:
    push(stage, offers.buttons())
    page = show("document.querySelector('.template')")
    page.press_button("日時を選ぶ")
    page.wait_for("document.activeElement.type === 'datetime-local'")
    page.press_button("決定")
    assert heard(stage, "postback")["postback"] == {"data": "reserve", "params": {"datetime": "2026-12-25T18:00"}}


def test_quick_replies_stay_only_below_the_last_message(stage: Stage, show: Show) -> None:
    push(stage, offers.with_quick_replies(text("来ますか")))
    page = show("document.querySelector('.quick-item')")
    page.press_button("行きます")
    assert heard(stage, "message")["message"]["text"] == "行きます"
    page.wait_for("!document.querySelector('.quick-item')")


def test_areas_of_an_imagemap_lie_on_its_picture(stage: Stage, show: Show) -> None:
    push(stage, offers.imagemap())
    page = show("document.querySelectorAll('.imagemap .spot').length === 2")
    frame, spot = rect(page, ".imagemap"), rect(page, ".imagemap .spot:nth-of-type(2)")
    assert (spot["left"] - frame["left"]) / frame["width"] == pytest.approx(540 / 1040, abs=0.01)
    page.press_button("持ち帰り")
    assert heard(stage, "message")["message"]["text"] == "持ち帰り"


def test_a_rich_menu_is_tapped_folded_and_changes_its_tab(stage: Stage, show: Show) -> None:
    card = {"type": "postback", "label": "会員証", "data": "card", "displayText": "会員証を見る"}
    tab = {"type": "richmenuswitch", "label": "次へ", "richMenuAliasId": "second", "data": "tab=2"}
    put_menu(stage, alias="second", chatBarText="二枚目")
    menus.put_default(stage, put_menu(stage, card, tab, image=drawn_menu(show())))
    push(stage, text("メニューから選んでください。"))
    page = show("document.querySelector('.rich-menu img')?.naturalWidth")
    keep(page, "menu")
    page.press_button("会員証")
    assert heard(stage, "postback")["postback"]["data"] == "card"
    page.wait_for("document.querySelector('.hers .words')?.textContent === '会員証を見る'")
    page.press_button("次へ")
    page.press_button("二枚目をとじる")
    page.wait_for("!document.querySelector('.rich-menu')")
    assert heard(stage, "postback")["postback"]["params"] == {"newRichMenuAliasId": "second", "status": "SUCCESS"}


def test_a_coupon_is_taken_shown_and_used_up(stage: Stage, show: Show) -> None:
    headers = {"authorization": f"Bearer {TOKEN}"}
    coupon_id = stage.client.post("/v2/bot/coupon", json=offers.coupon(), headers=headers).json()["couponId"]
    push(stage, {"type": "coupon", "couponId": coupon_id})
    page = show("document.querySelector('.coupon')")
    keep(page, "coupon")
    page.press_button("クーポンを受け取る")
    page.click("document.querySelector('.coupon-page .go')")
    page.wait_for("document.querySelector('.coupon-code')?.textContent.includes('AME-100')")
    keep(page, "coupon-in-hand")
    page.press_button("使用済みにする")
    page.wait_for("document.querySelector('.coupon-page .go')?.disabled")
    (ticket,) = stage.client.get("/_sandbox/people/hanako/coupons").json()["items"]
    assert len(ticket["used_at"]) == 1


def test_a_friend_is_added_by_id_and_blocked_and_unblocked(stage: Stage, show: Show) -> None:
    page = show("document.querySelector('.chats')", chat=None, person="taro")
    page.press_button("友だち追加")
    page.wait_for("document.activeElement.matches('.sheet input')")
    page.type("@shibuya1")
    page.press("Enter")
    page.press_button("追加")
    assert heard(stage, "follow")["follow"] == {"isUnblocked": False}
    page.press_button("メニュー")
    page.press_button("ブロックする")
    heard(stage, "unfollow")
    page.press_button("ブロックを解除")
    wait_for(lambda: heard(stage, "follow")["follow"] == {"isUnblocked": True})
    page.wait_for("document.querySelector('.write')")


def test_the_link_of_a_qr_code_leads_by_way_of_its_page_to_the_friend(stage: Stage, show: Show) -> None:
    """A shop's own link ends, after LINE Login, at the address that adds its account."""
    base = str(stage.client.base_url).rstrip("/")
    page = show("document.querySelector('.chats')", chat=None, person="taro")
    page.press_button("友だち追加")
    page.wait_for("document.activeElement.matches('.sheet input')")
    page.type(f"{base}/R/ti/p/%40shibuya1")
    page.press_button("ひらく")
    page.press_button("追加")
    assert heard(stage, "follow")["source"]["userId"] == stage.taro


def test_a_chat_is_opened_written_in_and_left_with_keys_alone(stage: Stage, show: Show) -> None:
    stage.push("こんにちは")
    page = show("document.querySelector('.chat-row')", chat=None)

    def tab_to(name: str) -> None:
        for _ in range(12):
            page.press("Tab")
            focused = page.run(
                "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim()"
            )
            if name in focused:
                assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
                return
        raise AssertionError(f"no key leads to {name}")

    tab_to("渋谷店")
    page.press("Enter")
    page.wait_for("document.activeElement.matches('.chat-title')")
    tab_to("メッセージを入力")
    page.type("席はありますか")
    page.press("Enter")
    assert heard(stage, "message")["message"]["text"] == "席はありますか"
    page.press("Escape")
    page.wait_for("document.activeElement.matches('.chat-row')")


def test_a_picture_that_does_not_come_leaves_a_quiet_field(stage: Stage, show: Show) -> None:
    gone = "https://gone.test/picture.jpg"
    hero = {"type": "image", "url": gone, "size": "full", "aspectRatio": "20:13"}
    flex = {"type": "flex", "altText": "写真", "contents": {"type": "bubble", "hero": hero}}
    push(stage, {"type": "image", "originalContentUrl": gone, "previewImageUrl": gone}, flex)
    page = show("document.querySelectorAll('.picture-missing').length === 2")
    assert set(page.outside) == {gone}
    assert rect(page, ".flex-hero")["height"] == pytest.approx(195, abs=1)
    assert page.run("document.querySelector('.photo .missing').getAttribute('aria-label')") == "写真 (読み込めません)"


def test_a_liff_app_opens_in_the_chat_as_her(stage: Stage, show: Show) -> None:
    base = str(stage.client.base_url).rstrip("/")
    add_liff_app(stage, view={"type": "full", "url": f"{base}/_sandbox/phone/phone.css"}, scope=["openid", "profile"])
    stage.push(f"https://liff.line.me/{LIFF_ID}/card")
    page = show("document.querySelector('.words a')")
    page.click("document.querySelector('.words a')")
    inside = "document.querySelector('.page-frame')?.contentDocument"
    page.wait_for(f"{inside}?.querySelector('h1')?.textContent.includes('花子')")
    page.run(f"{inside}.querySelector('[value=allow]').click()")
    page.wait_for("document.querySelector('.page-frame').contentWindow.location.search.includes('liff.state')")
    page.run(f"{inside}.defaultView.parent.postMessage({{type: 'liff.closeWindow'}}, '*')")
    page.press_button("とじる")
    page.wait_for("!document.querySelector('.page-frame')")


def test_the_phone_speaks_english_if_it_is_told_to(stage: Stage, show: Show) -> None:
    page = show("document.querySelector('.chats')", chat=None, english=True)
    assert page.run("document.documentElement.lang") == "en"
    page.press_button("Add friend")
    assert page.run("document.querySelector('.sheet h2').textContent") == "Add friend"


def test_nothing_keeps_people_from_using_the_chat(stage: Stage, show: Show) -> None:
    headers = {"authorization": f"Bearer {TOKEN}"}
    coupon_id = stage.client.post("/v2/bot/coupon", json=offers.coupon(), headers=headers).json()["couponId"]
    menus.put_default(stage, put_menu(stage))
    push(stage, offers.text(), offers.sticker(), offers.image(), offers.location(), offers.buttons())
    push(stage, offers.confirm(), offers.carousel(), offers.image_carousel(), offers.imagemap())
    stage.act("hanako", "message", text="はい https://shop.test/")
    stage.act("hanako", "location", latitude=35.69, longitude=139.7)
    push(stage, offers.flex(), offers.flex_carousel(), {"type": "coupon", "couponId": coupon_id})
    push(stage, offers.with_quick_replies(text("どうぞ")))
    page = show("document.querySelectorAll('.bubble').length >= 14")
    assert list_barriers(page) == []
    page.press_button("キーボードを出す")
    assert list_barriers(page) == []
    page.press_button("クーポンを受け取る")
    assert list_barriers(page) == []


def test_nothing_keeps_people_from_using_the_lists(stage: Stage, show: Show) -> None:
    stage.act("hanako", "follow", OTHER_CHANNEL)
    stage.act("hanako", "block", OTHER_CHANNEL)
    stage.push("こんにちは")
    page = show("document.querySelectorAll('.chat-row').length === 2", chat=None)
    assert list_barriers(page) == []
    page.press_button("友だち追加")
    page.wait_for("document.querySelector('.account')")
    assert list_barriers(page) == []
    show("document.querySelector('.blocked-bar')", chat=OTHER_CHANNEL)
    assert list_barriers(page) == []
    show("document.querySelectorAll('.person').length >= 2", chat=None, width=1280, height=900)
    assert list_barriers(page) == []
    assert rect(page, ".screen")["width"] == 390
    keep(page, "desk")


def test_the_check_finds_what_would_keep_people_from_using_the_page(stage: Stage, show: Show) -> None:
    stage.push("こんにちは")
    page = show("document.querySelector('.bubble')")
    assert list_barriers(page) == []
    for spoil, complaint in (
        ("document.querySelector('.words').style.color = '#bbbbbb'", "contrast"),
        ("document.querySelector('.send').removeAttribute('aria-label')", "no name"),
        ("find('写真').tabIndex = 2", "out of order"),
        ("document.querySelector('.log').append(document.createElement('div'))", "list of other things"),
    ):
        page.run(spoil)
        assert any(complaint in each for each in list_barriers(page)), complaint

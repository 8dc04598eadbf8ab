"""Which addresses become ours, and how they go out."""

from typing import Any

import orjson
import pytest

from app.links.rewriting import MARK, PLACE, is_marked, open_at, rewrite, stamp, write_address
from app.links.service import LENGTH, track
from tenants.ids import uuid7
from tenants.tables import utc_now

SHOP = "https://shop.example.jp/menu"


def shortened(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    return rewrite(messages, lambda url: f"<{url}>")


def text_of(text: str) -> str:
    return str(shortened({"type": "text", "text": text})[0]["text"])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (f"メニューは{SHOP}をご覧ください。", f"メニューは<{SHOP}>をご覧ください。"),
        (f"({SHOP}).", f"(<{SHOP}>)."),
        (f"{SHOP}?a=1&b=%E3%81%82#top と {SHOP}", f"<{SHOP}?a=1&b=%E3%81%82#top> と <{SHOP}>"),
        ("http://shop.example.jp/ と shop.example.jp", "http://shop.example.jp/ と shop.example.jp"),
        ("https://liff.line.me/123-abc と https://lin.ee/x", "https://liff.line.me/123-abc と https://lin.ee/x"),
        (SHOP + "?m={{ customer.member_number }}", SHOP + "?m={{ customer.member_number }}"),
        ("https://user@shop.example.jp/ https://localhost/", "https://user@shop.example.jp/ https://localhost/"),
    ],
)
def test_addresses_in_texts_are_found_without_what_stands_around_them(written: str, expected: str) -> None:
    assert text_of(written) == expected


def test_what_is_tapped_is_rewritten_wherever_it_stands_and_pictures_are_not() -> None:
    action = {"type": "uri", "label": "見る", "uri": SHOP, "altUri": {"desktop": SHOP}}
    bubble = {"type": "bubble", "hero": {"type": "image", "url": SHOP, "action": action}}
    flex = {"type": "flex", "altText": SHOP, "contents": bubble}
    imagemap = {"type": "imagemap", "baseUrl": SHOP, "actions": [{"type": "uri", "linkUri": SHOP}]}
    message = {"type": "uri", "uri": "tel:0312345678"}
    opened = shortened(flex, imagemap, message)
    hero = opened[0]["contents"]["hero"]
    assert hero["action"]["uri"] == f"<{SHOP}>"
    assert (hero["url"], hero["action"]["altUri"], opened[0]["altText"]) == (SHOP, {"desktop": SHOP}, SHOP)
    assert (opened[1]["baseUrl"], opened[1]["actions"][0]["linkUri"]) == (SHOP, f"<{SHOP}>")
    assert opened[2] == message


def test_a_text_that_would_become_too_long_is_left_as_it_is() -> None:
    text = "あ" * 4950 + SHOP
    assert text_of(text) == text


def test_one_address_has_one_link_in_each_variant() -> None:
    messages = [{"type": "text", "text": f"{SHOP} {SHOP} {SHOP}?x=1"}]
    tracked = track(uuid7(), [(None, messages), (0, messages)], utc_now())
    assert [(link.variant, link.url) for link in tracked.links] == [
        (None, SHOP), (None, f"{SHOP}?x=1"), (0, SHOP), (0, f"{SHOP}?x=1"),
    ]  # fmt: skip
    codes = {link.code for link in tracked.links}
    assert len(codes) == 4
    assert all(len(code) == LENGTH for code in codes)


def test_what_line_reads_of_an_address_stands_on_ours_too() -> None:
    address = write_address("abcdefghjk", f"{SHOP}?a=1&openExternalBrowser=1")
    assert address == f"{PLACE}/r/abcdefghjk{MARK}?openExternalBrowser=1"


def test_an_address_goes_out_with_our_host_and_its_reader() -> None:
    frozen = [{"type": "text", "text": write_address("abcdefghjk", SHOP)}]
    opened = orjson.dumps(open_at(frozen, "https://noren.example.jp/"))
    assert is_marked([opened])
    sent = orjson.loads(stamp(opened, b"b" * 26))
    assert sent[0]["text"] == "https://noren.example.jp/r/abcdefghjk" + "b" * 26

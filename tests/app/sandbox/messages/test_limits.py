"""Every limit that LINE documents: what stands at it passes, what is one over is refused by name."""

from typing import Any

import pytest

from tests.app.sandbox.messages.examples import (
    ACTIONS,
    COLUMN,
    MESSAGES,
    PICTURE,
    SAY,
    STILL_BUBBLE,
    bubble,
    complaints,
    flex,
    quick_replies,
    spoil,
    template,
)

FAMILY = "👨‍👩‍👧‍👦"  # One character to people, eleven UTF-16 units.
BARE_BUTTONS = template(type="buttons", text="x", actions=[SAY])
BARE_CAROUSEL = template(type="carousel", columns=[{"text": "x", "actions": [SAY]}])
PICTURED = {"thumbnailImageUrl": PICTURE, "text": "x", "actions": [SAY]}
FLEX_BUTTON = bubble({"type": "button", "action": SAY})
FLEX_TEXT = bubble({"type": "text", "text": "x"})


def url(length: int, head: str = "https://img.example.jp/") -> str:
    return head.ljust(length, "a")


def length(most: int) -> str:
    return f"Length must be between 0 and {most}"


def size(least: int, most: int) -> str:
    return f"Size must be between {least} and {most}"


LENGTHS: list[tuple[dict[str, Any], str, int, str]] = [
    (MESSAGES["textV2"], "text", 5000, "あ"),
    ({"type": "text", "text": "x"}, "text", 5000, "あ"),
    (MESSAGES["location"], "title", 100, "あ"),
    (MESSAGES["location"], "address", 100, "あ"),
    (MESSAGES["video"], "trackingId", 100, "a"),
    (MESSAGES["coupon"], "deliveryTag", 30, "a"),
    (MESSAGES["imagemap"], "altText", 1500, "あ"),
    (MESSAGES["imagemap"], "actions[0].label", 100, "あ"),
    (MESSAGES["imagemap"], "actions[1].text", 400, "あ"),
    (MESSAGES["imagemap"], "actions[2].clipboardText", 1000, "あ"),
    (MESSAGES["imagemap"], "video.externalLink.label", 30, "あ"),
    (MESSAGES["confirm"], "altText", 1500, "あ"),
    (MESSAGES["flex"], "altText", 1500, "あ"),
    (MESSAGES["text"], "sender.name", 20, "あ"),
    (quick_replies(ACTIONS["clipboard"]), "quickReply.items[0].action.clipboardText", 1000, "あ"),
    (quick_replies(ACTIONS["postback"]), "quickReply.items[0].action.data", 300, "あ"),
    (quick_replies(ACTIONS["datetimepicker"]), "quickReply.items[0].action.data", 300, "あ"),
    # From here on LINE counts characters as people see them.
    (quick_replies(ACTIONS["postback"]), "quickReply.items[0].action.displayText", 300, FAMILY),
    (quick_replies(ACTIONS["postback"]), "quickReply.items[0].action.fillInText", 300, FAMILY),
    (quick_replies(ACTIONS["message"]), "quickReply.items[0].action.text", 300, FAMILY),
    *(
        (quick_replies(action), "quickReply.items[0].action.label", 20, FAMILY)
        for kind, action in ACTIONS.items()
        if kind != "richmenuswitch"
    ),
    (MESSAGES["buttons"], "template.title", 40, FAMILY),
    (MESSAGES["buttons"], "template.text", 60, FAMILY),
    (template(type="buttons", title="x", text="x", actions=[SAY]), "template.text", 60, FAMILY),
    (template(type="buttons", **PICTURED), "template.text", 60, FAMILY),
    (BARE_BUTTONS, "template.text", 160, FAMILY),
    (BARE_BUTTONS, "template.actions[0].label", 20, FAMILY),
    (MESSAGES["confirm"], "template.text", 240, FAMILY),
    (MESSAGES["carousel"], "template.columns[9].title", 40, FAMILY),
    (MESSAGES["carousel"], "template.columns[0].text", 60, FAMILY),
    (BARE_CAROUSEL, "template.columns[0].text", 120, FAMILY),
    (MESSAGES["image_carousel"], "template.columns[0].action.label", 12, FAMILY),
    (FLEX_BUTTON, "contents.body.contents[0].action.label", 40, FAMILY),
]


@pytest.mark.parametrize(("message", "path", "most", "character"), LENGTHS)
def test_a_text_may_be_as_long_as_documented_and_no_longer(
    message: dict[str, Any], path: str, most: int, character: str
) -> None:
    assert complaints(spoil(message, path, character * most)) == {}
    assert complaints(spoil(message, path, character * (most + 1))) == {f"messages[0].{path}": length(most)}


URLS: list[tuple[dict[str, Any], str, int]] = [
    (MESSAGES["image"], "originalContentUrl", 2000),
    (MESSAGES["image"], "previewImageUrl", 2000),
    (MESSAGES["video"], "originalContentUrl", 2000),
    (MESSAGES["video"], "previewImageUrl", 2000),
    (MESSAGES["audio"], "originalContentUrl", 2000),
    (MESSAGES["imagemap"], "baseUrl", 2000),
    (MESSAGES["imagemap"], "video.originalContentUrl", 2000),
    (MESSAGES["imagemap"], "video.previewImageUrl", 2000),
    (MESSAGES["text"], "sender.iconUrl", 2000),
    (MESSAGES["quick_replies"], "quickReply.items[0].imageUrl", 2000),
    (MESSAGES["buttons"], "template.thumbnailImageUrl", 2000),
    (MESSAGES["carousel"], "template.columns[0].thumbnailImageUrl", 2000),
    (MESSAGES["image_carousel"], "template.columns[0].imageUrl", 2000),
    (MESSAGES["flex"], "contents.hero.url", 2000),
    (MESSAGES["flex"], "contents.hero.previewUrl", 2000),
    (MESSAGES["flex"], "contents.hero.altContent.url", 2000),
    (MESSAGES["flex"], "contents.body.contents[3].contents[0].url", 2000),
]
LINKS: list[tuple[dict[str, Any], str, int]] = [
    (MESSAGES["imagemap"], "actions[0].linkUri", 1000),
    (MESSAGES["imagemap"], "video.externalLink.linkUri", 1000),
    (quick_replies(ACTIONS["uri"]), "quickReply.items[0].action.uri", 1000),
    (quick_replies(ACTIONS["uri"]), "quickReply.items[0].action.altUri.desktop", 1000),
    (MESSAGES["carousel"], "template.columns[0].defaultAction.uri", 1000),
]


@pytest.mark.parametrize(("message", "path", "most"), URLS + LINKS)
def test_an_address_may_be_as_long_as_documented_and_no_longer(message: dict[str, Any], path: str, most: int) -> None:
    assert complaints(spoil(message, path, url(most))) == {}
    assert complaints(spoil(message, path, url(most + 1))) == {f"messages[0].{path}": length(most)}


@pytest.mark.parametrize(("message", "path", "most"), URLS)
def test_what_the_phone_loads_comes_by_https(message: dict[str, Any], path: str, most: int) -> None:
    assert complaints(spoil(message, path, "http://img.example.jp/a.png")) == {
        f"messages[0].{path}": "invalid uri scheme"
    }


@pytest.mark.parametrize(
    "address", ["https://", "https:///a", "//a.test/", "a.test", "https://a.test/雨", "https://a b"]
)
def test_an_address_that_is_none_or_not_percent_encoded_is_invalid(address: str) -> None:
    assert complaints(spoil(MESSAGES["image"], "previewImageUrl", address)) == {
        "messages[0].previewImageUrl": "invalid uri"
    }


@pytest.mark.parametrize("address", ["http://a.test", "HTTPS://a.test/x#y", "line://nv/chat", "tel:09012345678"])
def test_a_link_has_one_of_four_schemes(address: str) -> None:
    message = quick_replies(ACTIONS["uri"])
    assert complaints(spoil(message, "quickReply.items[0].action.uri", address)) == {}


@pytest.mark.parametrize("address", ["ftp://a.test/", "javascript:alert(1)", "mailto:a@a.test", "intent://a"])
def test_a_link_has_no_other_scheme(address: str) -> None:
    message = spoil(quick_replies(ACTIONS["uri"]), "quickReply.items[0].action.uri", address)
    assert complaints(message) == {"messages[0].quickReply.items[0].action.uri": "invalid uri scheme"}


EMOJI = {"productId": "5ac1bfd5040ab15980c9b435", "emojiId": "001"}
SIZES: list[tuple[dict[str, Any], str, list[Any], int, int]] = [
    (
        {"type": "text", "text": "$" * 30},
        "emojis",
        [{"index": index, **EMOJI} for index in range(21)],
        0,
        20,
    ),
    (MESSAGES["imagemap"], "actions", [MESSAGES["imagemap"]["actions"][0]] * 51, 0, 50),
    (BARE_BUTTONS, "template.actions", [SAY] * 5, 1, 4),
    (MESSAGES["confirm"], "template.actions", [SAY] * 3, 2, 2),
    (BARE_CAROUSEL, "template.columns[0].actions", [SAY] * 4, 1, 3),
    (MESSAGES["carousel"], "template.columns", [COLUMN] * 11, 1, 10),
    (MESSAGES["image_carousel"], "template.columns", MESSAGES["image_carousel"]["template"]["columns"][:1] * 11, 1, 10),
    (MESSAGES["flex_carousel"], "contents.contents", [STILL_BUBBLE] * 13, 1, 12),
    (MESSAGES["quick_replies"], "quickReply.items", [{"type": "action", "action": SAY}] * 14, 1, 13),
]


@pytest.mark.parametrize(("message", "path", "items", "least", "most"), SIZES)
def test_a_list_may_have_as_many_as_documented_and_no_more(
    message: dict[str, Any], path: str, items: list[Any], least: int, most: int
) -> None:
    assert len(items) == most + 1
    refused = {f"messages[0].{path}": size(least, most)}
    assert complaints(spoil(message, path, items[:most])) == {}
    assert complaints(spoil(message, path, items[:least])) == {}
    assert complaints(spoil(message, path, items)) == refused
    if least:
        assert complaints(spoil(message, path, items[: least - 1])) == refused


NUMBERS: list[tuple[dict[str, Any], str, float, float, str]] = [
    (MESSAGES["audio"], "duration", 1, 0, "Must be greater than or equal to 1"),
    (MESSAGES["location"], "latitude", 90, 90.1, "Must be between -90 and 90"),
    (MESSAGES["location"], "longitude", -180, -181, "Must be between -180 and 180"),
    (MESSAGES["imagemap"], "baseSize.width", 1040, 1041, "Must be one of the following values: [1040]"),
    (MESSAGES["imagemap"], "baseSize.height", 1, 0, "Must be greater than or equal to 1"),
    (MESSAGES["imagemap"], "actions[0].area.x", 0, -1, "Must be greater than or equal to 0"),
    (MESSAGES["imagemap"], "actions[0].area.width", 1, 0, "Must be greater than or equal to 1"),
    (MESSAGES["flex"], "contents.body.flex", 0, -1, "Must be greater than or equal to 0"),
    (FLEX_TEXT, "contents.body.contents[0].maxLines", 0, -1, "Must be greater than or equal to 0"),
]


@pytest.mark.parametrize(("message", "path", "allowed", "refused", "words"), NUMBERS)
def test_a_number_keeps_within_its_bounds(
    message: dict[str, Any], path: str, allowed: float, refused: float, words: str
) -> None:
    assert complaints(spoil(message, path, allowed)) == {}
    assert complaints(spoil(message, path, refused)) == {f"messages[0].{path}": words}


def test_one_to_five_messages_are_sent_at_once() -> None:
    words = {"type": "text", "text": "x"}
    assert complaints(*[words] * 5) == {}
    assert complaints(*[words] * 6) == {"messages": "Size must be between 1 and 5"}
    assert complaints() == {"messages": "Size must be between 1 and 5"}


def test_a_bubble_has_at_most_30_kilobytes() -> None:
    padding = 30_000 - len('{"type":"bubble","body":{"type":"box","layout":"vertical","contents":[]}}')
    text = padding - len('{"type":"text","text":""}')
    assert complaints(bubble({"type": "text", "text": "a" * text})) == {}
    too_large = {"messages[0].contents": "The JSON must be less than or equal to 30000 bytes"}
    assert complaints(bubble({"type": "text", "text": "a" * (text + 1)})) == too_large
    # Three bytes in UTF-8, one character: bytes count.
    assert complaints(bubble({"type": "text", "text": "あ" * (text // 3 + 1)})) == too_large


def test_a_carousel_has_at_most_50_kilobytes_and_each_of_its_bubbles_30() -> None:
    def carousel(*lengths: int) -> dict[str, Any]:
        return flex(
            {
                "type": "carousel",
                "contents": [bubble({"type": "text", "text": "a" * each})["contents"] for each in lengths],
            }
        )

    assert complaints(carousel(24_000, 25_000)) == {}
    assert complaints(carousel(25_000, 25_000)) == {
        "messages[0].contents": "The JSON must be less than or equal to 50000 bytes"
    }
    assert complaints(carousel(30_000, 10)) == {
        "messages[0].contents.contents[0]": "The JSON must be less than or equal to 30000 bytes"
    }


def test_a_message_has_at_most_ten_animated_images() -> None:
    image = {"type": "image", "url": PICTURE, "animated": True}
    assert complaints(bubble(*[image] * 10, {**image, "animated": False})) == {}
    assert complaints(bubble(*[image] * 11)) == {
        "messages[0].contents": "The number of animated images must be less than or equal to 10"
    }


def test_a_text_v2_has_at_most_a_hundred_keys_of_twenty_letters() -> None:
    def message(keys: list[str]) -> dict[str, Any]:
        smile = {"type": "emoji", **EMOJI}
        return {"type": "textV2", "text": "x", "substitution": dict.fromkeys(keys, smile)}

    assert complaints(message([f"{number:020}" for number in range(100)])) == {}
    assert complaints(message([f"{number}" for number in range(101)])) == {
        "messages[0].substitution": "Size must be between 0 and 100"
    }
    assert complaints(message(["k" * 21])) == {f"messages[0].substitution[{'k' * 20}]": "Invalid key"}


@pytest.mark.parametrize("kind", ["mention", "emoji"])
def test_a_text_v2_has_at_most_twenty_mentions_and_emoji(kind: str) -> None:
    part = {"emoji": {"type": "emoji", **EMOJI}, "mention": {"type": "mention", "mentionee": {"type": "all"}}}[kind]
    message = {"type": "textV2", "text": "{k}" * 20, "substitution": {"k": part}}
    assert complaints(message) == {}
    assert complaints({**message, "text": "{k}" * 21}) == {
        "messages[0].text": f"The number of {kind}s must be less than or equal to 20"
    }

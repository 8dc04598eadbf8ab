"""What LINE says of messages besides their limits: what is missing, what does not go together, what goes where."""

from typing import Any

import pytest

from app.sandbox.messages import Endpoint
from app.sandbox.messages.fields import count_clusters, count_units
from tests.app.sandbox.messages.examples import COLUMN, MESSAGES, SAY, complaints, spoil, template

EMPTY, MISSING, FORBIDDEN = "May not be empty", "must be specified", "Must not be specified"
ABSENT = [
    ("text", "text", EMPTY),
    ("text", "emojis[0].index", MISSING),
    ("text", "emojis[0].productId", EMPTY),
    ("text", "emojis[0].emojiId", EMPTY),
    ("textV2", "text", EMPTY),
    ("textV2", "substitution.who.mentionee", MISSING),
    ("textV2", "substitution.who.mentionee.userId", EMPTY),
    ("textV2", "substitution.who.mentionee.type", MISSING),
    ("textV2", "substitution.who.type", MISSING),
    ("textV2", "substitution.smile.productId", EMPTY),
    ("textV2", "substitution.smile.emojiId", EMPTY),
    ("sticker", "packageId", EMPTY),
    ("sticker", "stickerId", EMPTY),
    ("image", "originalContentUrl", EMPTY),
    ("image", "previewImageUrl", EMPTY),
    ("video", "originalContentUrl", EMPTY),
    ("video", "previewImageUrl", EMPTY),
    ("audio", "originalContentUrl", EMPTY),
    ("audio", "duration", MISSING),
    ("location", "title", EMPTY),
    ("location", "address", EMPTY),
    ("location", "latitude", MISSING),
    ("location", "longitude", MISSING),
    ("coupon", "couponId", EMPTY),
    ("imagemap", "baseUrl", EMPTY),
    ("imagemap", "altText", EMPTY),
    ("imagemap", "baseSize", MISSING),
    ("imagemap", "baseSize.width", MISSING),
    ("imagemap", "baseSize.height", MISSING),
    ("imagemap", "actions", MISSING),
    ("imagemap", "actions[0].area", MISSING),
    ("imagemap", "actions[0].area.x", MISSING),
    ("imagemap", "actions[0].linkUri", EMPTY),
    ("imagemap", "actions[1].text", EMPTY),
    ("imagemap", "actions[2].clipboardText", EMPTY),
    ("imagemap", "video.originalContentUrl", EMPTY),
    ("imagemap", "video.area", MISSING),
    ("imagemap", "video.externalLink.label", EMPTY),
    ("buttons", "altText", EMPTY),
    ("buttons", "template", MISSING),
    ("buttons", "template.type", MISSING),
    ("buttons", "template.text", EMPTY),
    ("buttons", "template.actions", MISSING),
    ("confirm", "template.text", EMPTY),
    ("carousel", "template.columns", MISSING),
    ("carousel", "template.columns[0].text", EMPTY),
    ("image_carousel", "template.columns[0].imageUrl", EMPTY),
    ("image_carousel", "template.columns[0].action", MISSING),
    ("flex", "altText", EMPTY),
    ("flex", "contents", MISSING),
    ("flex_carousel", "contents.contents", MISSING),
]


@pytest.mark.parametrize("absent", [..., None])
@pytest.mark.parametrize(("name", "path", "message"), ABSENT)
def test_what_a_message_needs_is_missed_by_name(name: str, path: str, message: str, absent: Any) -> None:
    shown = path.replace("substitution.who", "substitution[who]").replace("substitution.smile", "substitution[smile]")
    assert complaints(spoil(MESSAGES[name], path, absent)) == {f"messages[0].{shown}": message}


def test_a_type_is_one_that_line_knows() -> None:
    assert complaints({}) == {"messages[0].type": MISSING}
    assert complaints({"type": "telepathy"}) == {
        "messages[0].type": "Must be one of the following values: [text, textV2, sticker, image, video, audio, "
        "location, coupon, imagemap, template, flex]"
    }
    assert complaints("text") == {"messages[0]": "must be an object"}


def test_errors_of_all_messages_are_told() -> None:
    found = complaints({"type": "text", "text": ""}, {"type": "text", "text": "x"}, {"type": "image"})
    assert found == {
        "messages[0].text": EMPTY,
        "messages[2].originalContentUrl": EMPTY,
        "messages[2].previewImageUrl": EMPTY,
    }


def test_a_text_counts_in_units_and_a_label_in_characters() -> None:
    family = "👨‍👩‍👧‍👦"
    assert (count_units(family), count_clusters(family)) == (11, 1)
    assert (count_units("か\u3099\r\n"), count_clusters("か\u3099\r\n")) == (4, 2)
    assert (count_units("🇯🇵🇹🇭"), count_clusters("🇯🇵🇹🇭")) == (8, 2)


@pytest.mark.parametrize("index", [1, 7, 100])
def test_an_emoji_stands_at_a_dollar_sign_counted_in_units(index: int) -> None:
    assert complaints(spoil(MESSAGES["text"], "emojis[1].index", index)) == {
        "messages[0].emojis[1].index": "Must be the index of a $"
    }


def test_two_emoji_do_not_stand_at_one_dollar_sign() -> None:
    assert complaints(spoil(MESSAGES["text"], "emojis[1].index", 0)) == {
        "messages[0].emojis[1].index": "Must be the index of a $"
    }


@pytest.mark.parametrize(
    "words", ["}", "{", "{smile", "{ smile }", "{}", "{{{smile}}", "{sm-ile}", "{" + "k" * 21 + "}"]
)
def test_braces_that_are_no_placeholder_are_refused(words: str) -> None:
    assert list(complaints(spoil(MESSAGES["textV2"], "text", words))) == ["messages[0].text"]


@pytest.mark.parametrize("words", ["{{}}", "{{{smile}}}", "{{smile}}", "{smile}{smile}", "x"])
def test_doubled_braces_stand_for_themselves(words: str) -> None:
    assert complaints(spoil(MESSAGES["textV2"], "text", words)) == {}


def test_a_placeholder_has_its_substitution() -> None:
    assert complaints({"type": "textV2", "text": "{name}さん、{name}さん"}) == {
        "messages[0].substitution[name]": MISSING
    }


def test_a_mention_names_a_user_id() -> None:
    message = spoil(MESSAGES["textV2"], "substitution.who.mentionee.userId", "hanako")
    assert complaints(message) == {"messages[0].substitution[who].mentionee.userId": "invalid userId"}


@pytest.mark.parametrize("endpoint", ["multicast", "narrowcast", "broadcast"])
def test_quotations_and_mentions_go_to_one_chat(endpoint: Endpoint) -> None:
    assert complaints(MESSAGES["sticker"], endpoint=endpoint) == {"messages[0].quoteToken": FORBIDDEN}
    assert complaints(MESSAGES["text"], MESSAGES["textV2"], endpoint=endpoint) == {
        "messages[0].quoteToken": FORBIDDEN,
        "messages[1].quoteToken": FORBIDDEN,
        "messages[1].substitution[who]": FORBIDDEN,
        "messages[1].substitution[everyone]": FORBIDDEN,
    }


@pytest.mark.parametrize("endpoint", ["reply", "push"])
def test_quotations_and_mentions_are_replied_and_pushed(endpoint: Endpoint) -> None:
    assert complaints(MESSAGES["text"], MESSAGES["textV2"], MESSAGES["sticker"], endpoint=endpoint) == {}


@pytest.mark.parametrize(
    ("package", "sticker", "wrong"),
    [
        ("446", "2027", {}),
        ("446", "2028", {"messages[0].stickerId": "Must be between 1988 and 2027"}),
        ("11539", "52114110", {}),
        ("11539", "1988", {"messages[0].stickerId": "Must be between 52114110 and 52114149"}),
        ("446", "x", {"messages[0].stickerId": "invalid property"}),
    ],
)
def test_only_listed_stickers_are_sent(package: str, sticker: str, wrong: dict[str, str]) -> None:
    assert complaints({"type": "sticker", "packageId": package, "stickerId": sticker}) == wrong


def test_a_package_that_is_not_listed_is_not_sent() -> None:
    found = complaints({"type": "sticker", "packageId": "1", "stickerId": "1"})
    assert found["messages[0].packageId"].startswith("Must be one of the following values: [446, 789,")


@pytest.mark.parametrize("name", ["LINE", "LINE公式", "My line", "Line Cafe"])
def test_a_sender_does_not_call_itself_line(name: str) -> None:
    assert complaints(spoil(MESSAGES["text"], "sender.name", name)) == {
        "messages[0].sender.name": "Must not contain LINE"
    }


@pytest.mark.parametrize("name", ["渋谷店", "Airline", "Online Shop", ""])
def test_a_sender_may_call_itself_otherwise(name: str) -> None:
    assert complaints(spoil(MESSAGES["text"], "sender.name", name)) == {}


def test_columns_are_alike() -> None:
    columns = [COLUMN, {**COLUMN, "actions": [SAY]}, {**COLUMN, "title": None}, {**COLUMN, "thumbnailImageUrl": None}]
    found = complaints(template(type="carousel", columns=columns))
    assert set(found) == {
        "messages[0].template.columns[1].actions",
        "messages[0].template.columns[2].title",
        "messages[0].template.columns[3].thumbnailImageUrl",
    }


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("template.imageAspectRatio", "[rectangle, square]"),
        ("template.imageSize", "[cover, contain]"),
        ("template.type", "[buttons, confirm, carousel, image_carousel]"),
    ],
)
def test_enumerations_of_templates_name_their_values(path: str, values: str) -> None:
    assert complaints(spoil(MESSAGES["buttons"], path, "x")) == {
        f"messages[0].{path}": f"Must be one of the following values: {values}"
    }


def test_a_templates_background_is_a_colour_without_transparency() -> None:
    assert complaints(spoil(MESSAGES["buttons"], "template.imageBackgroundColor", "#00000000")) == {
        "messages[0].template.imageBackgroundColor": "invalid property"
    }


def test_an_imagemaps_action_is_one_of_three() -> None:
    assert complaints(spoil(MESSAGES["imagemap"], "actions[0].type", "postback")) == {
        "messages[0].actions[0].type": "Must be one of the following values: [uri, message, clipboard]"
    }


def test_a_tracking_id_has_only_documented_characters() -> None:
    allowed = "aZ09-.=,+*()%$&;:@{}!?<>[]"
    assert complaints(spoil(MESSAGES["video"], "trackingId", allowed)) == {}
    assert complaints(spoil(MESSAGES["video"], "trackingId", "春")) == {"messages[0].trackingId": "invalid trackingId"}

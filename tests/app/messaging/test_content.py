"""Our rules about messages and LINE's agree: what LINE would refuse is told before it is kept, and nothing else is."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from app.messaging.content.rules import TYPES, look_at
from app.messaging.render import check_messages
from app.sandbox.messages import MESSAGE_TYPES
from app.sandbox.messages import check_messages as ask_line
from tenants.problems import Invalid
from tests.app.sandbox.messages.examples import MESSAGES, PICTURE, bubble, fresh, quick_replies, template

WRONG: tuple[Any, ...] = (
    None,
    "",
    0,
    -1,
    1.5,
    True,
    [],
    {},
    "x",
    "x" * 35,
    "あ" * 161,
    "👨‍👩‍👧" * 90,
    "x" * 1501,
    "😀" * 2501,
    "http://example.jp/",
    "https:///x",
    "https://例え.jp/",
    "https://example.jp/" + "a" * 2000,
    "1:4",
    "36:00",
)


def addressed_to_many(message: dict[str, Any]) -> dict[str, Any]:
    """A copy without what is good in one chat only."""
    copy: dict[str, Any] = fresh(message)
    copy.pop("quoteToken", None)
    if copy["type"] == "textV2":
        copy["text"] = copy["text"].replace("{{ようこそ}}", "ようこそ")  # doubled braces are ours: variables
    for key, part in list(copy.get("substitution", {}).items()):
        if part["type"] == "mention":
            copy["text"] = copy["text"].replace("{" + key + "}", "")
            del copy["substitution"][key]
    return copy


def spoiled(value: Any, depth: int) -> Iterator[tuple[Any, Any, Any]]:
    """Every place of a JSON value so deep, as the thing that holds it, its key, and what stands there."""
    pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for key, inner in pairs[:2] if isinstance(value, list) else pairs:
        yield value, key, inner
        if isinstance(inner, dict | list) and depth:
            yield from spoiled(inner, depth - 1)


def pointer_of(property_: str) -> str:
    """LINE's path of a place as a JSON pointer."""
    return "/" + re.sub(r"[.\[]", "/", property_.replace("]", ""))


def test_the_types_are_those_that_line_has() -> None:
    assert set(TYPES) == set(MESSAGE_TYPES)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_as_full_as_it_may_be_is_taken(name: str) -> None:
    message = addressed_to_many(MESSAGES[name])
    assert ask_line([message], endpoint="multicast") == []
    check_messages([message])


@pytest.mark.parametrize("name", MESSAGES)
def test_whatever_line_refuses_is_refused_before_at_the_same_place(name: str) -> None:
    message = addressed_to_many(MESSAGES[name])
    # What stands in a carousel's bubbles stands in a bubble too, and is looked at there.
    for holder, key, present in spoiled(message, 3 if name == "flex_carousel" else 20):
        for value in WRONG:
            holder[key] = value
            line = {pointer_of(one["property"]) for one in ask_line([message], endpoint="multicast")}
            ours = {one["pointer"] for one in look_at([message]).errors}
            case = (name, key, value)
            assert bool(line) <= bool(ours), (case, line)
            assert bool(ours) <= bool(line) or is_stricter(key, value), (case, ours)
            assert not (line and ours) or line & ours or len(line) > 1, (case, line, ours)
        holder[key] = present


def is_stricter(key: Any, value: Any) -> bool:
    """Where we refuse what LINE would take and show as nothing, or count under no name."""
    return key in ("trackingId", "deliveryTag")


@pytest.mark.parametrize(
    ("message", "pointer"),
    [
        (bubble(*[{"type": "text", "text": "x" * 900}] * 40), "/messages/0/contents"),
        ({"type": "flex", "altText": "x", "contents": {"type": "bubble"}}, "/messages/0/contents"),
        (
            template(
                type="carousel",
                columns=[
                    {"text": "x", "actions": [{"type": "message", "label": "x", "text": "x"}] * n} for n in (1, 2)
                ],
            ),
            "/messages/0/template/columns/1/actions",
        ),
        (quick_replies(*[{"type": "camera", "label": "撮る"}] * 14), "/messages/0/quickReply/items"),
        ({"type": "text", "text": "x", "sender": {"name": "LINE 公式"}}, "/messages/0/sender/name"),
        ({"type": "text", "text": "x", "quoteToken": "q"}, "/messages/0/quoteToken"),
        ({"type": "sticker", "packageId": "446", "stickerId": "1"}, "/messages/0/stickerId"),
        (
            {"type": "text", "text": "{{ brand.name }}$", "emojis": [{"index": 0, "productId": "a", "emojiId": "1"}]},
            "/messages/0/emojis",
        ),
        (
            {"type": "image", "originalContentUrl": PICTURE, "previewImageUrl": PICTURE, "type2": "{{ brand.name }}"},
            "/messages/0/type2",
        ),
        ({"type": "text", "text": "{{ block.greeting }}"}, "/messages"),
    ],
)
def test_what_breaks_a_limit_is_told_with_a_pointer(message: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_messages([message])
    assert pointer in [one["pointer"] for one in refused.value.errors]


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        check_messages([{"type": "image"}, {"type": "sticker", "packageId": "1", "stickerId": "x"}])
    assert len(refused.value.errors) == 4

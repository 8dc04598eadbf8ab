"""The messages of one call: how many, of which types, and each by the rules of its type.

Source: Messaging API reference, message objects, 2026-08.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.messaging.content import actions
from app.messaging.content.fields import (
    LINK_MAX,
    Look,
    Rule,
    address,
    array,
    below,
    by_type,
    integer,
    link,
    matching,
    media_url,
    members,
    number,
    one_of,
    text,
)
from app.messaging.content.flex import check_flex
from app.messaging.content.texts import check_text, check_text_v2

MOST_MESSAGES: Final = 5
ALT_TEXT: Final = text(1500)
IMAGEMAP_WIDTH: Final = 1040
# The stickers that may be sent by API, first and last of each package. Source: LINE's list of sendable stickers.
_STICKERS: Final = {
    "446": (1988, 2027),
    "789": (10855, 10894),
    "1070": (17839, 17878),
    "6136": (10551376, 10551399),
    "6325": (10979904, 10979927),
    "6359": (11069848, 11069871),
    "6362": (11087920, 11087943),
    "6370": (11088016, 11088039),
    "6632": (11825374, 11825397),
    "8515": (16581242, 16581265),
    "8522": (16581266, 16581289),
    "8525": (16581290, 16581313),
    "11537": (52002734, 52002773),
    "11538": (51626494, 51626533),
    "11539": (52114110, 52114149),
}
_STICKER = members({"packageId": one_of(*_STICKERS), "stickerId": matching("[0-9]{1,20}", "a sticker's number")})


def _check_sticker(message: Any, pointer: str, look: Look) -> None:
    before = len(look.errors)
    _STICKER(message, pointer, look)
    if len(look.errors) == before:
        first, last = _STICKERS[message["packageId"]]
        if not first <= int(message["stickerId"]) <= last:
            look.refuse(below(pointer, "stickerId"), f"Package {message['packageId']} has stickers {first} to {last}.")


_AREA = members({"x": integer(0), "y": integer(0), "width": integer(1), "height": integer(1)})
_MAP_LABEL = {"label": text(100, least=0)}
_MAP_ACTION = by_type(
    {
        "uri": members({"linkUri": link, "area": _AREA}, _MAP_LABEL),
        "message": members({"text": text(400), "area": _AREA}, _MAP_LABEL),
        "clipboard": members({"clipboardText": text(1000), "area": _AREA}, _MAP_LABEL),
    }
)
_EXTERNAL_LINK = members({"linkUri": address("http", "https", "line", "tel", most=LINK_MAX), "label": text(30)})
_IMAGEMAP = members(
    {
        "baseUrl": media_url,
        "altText": ALT_TEXT,
        "baseSize": members({"width": integer(IMAGEMAP_WIDTH, IMAGEMAP_WIDTH), "height": integer(1)}),
        "actions": array(_MAP_ACTION, 0, 50),
    },
    {
        "video": members(
            {"originalContentUrl": media_url, "previewImageUrl": media_url, "area": _AREA},
            {"externalLink": _EXTERNAL_LINK},
        )
    },
)

_PICTURE: Final[dict[str, Rule]] = {
    "imageAspectRatio": one_of("rectangle", "square"),
    "imageSize": one_of("cover", "contain"),
}


def _card(text_most: int, actions_most: int) -> Rule:
    """What buttons and the columns of a carousel share: their text is shorter below a title or a picture."""

    def shape(most: int) -> Rule:
        return members(
            {"text": text(most, "characters"), "actions": array(actions.in_template, 1, actions_most)},
            {
                "title": text(40, "characters", least=0),
                "thumbnailImageUrl": media_url,
                "imageBackgroundColor": matching("#[0-9A-Fa-f]{6}", "a colour such as #ffffff"),
                "defaultAction": actions.on_whole_template,
                **_PICTURE,
            },
        )

    bare, headed = shape(text_most), shape(60)

    def check(card: Any, pointer: str, look: Look) -> None:
        (headed if isinstance(card, Mapping) and any(_heading(card)) else bare)(card, pointer, look)

    return check


def _heading(card: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether a card has a title, and a picture."""
    return bool(card.get("title")), card.get("thumbnailImageUrl") is not None


_CAROUSEL = members({"columns": array(_card(120, 3), 1, 10)}, _PICTURE)


def _check_carousel(template: Any, pointer: str, look: Look) -> None:
    """Columns are alike: as many actions in each, and a title or a picture in all or none."""
    _CAROUSEL(template, pointer, look)
    columns = template.get("columns")
    if not isinstance(columns, list) or not all(isinstance(one, Mapping) for one in columns):
        return
    counts = [len(one["actions"]) if isinstance(one.get("actions"), list) else None for one in columns]
    headings = [_heading(one) for one in columns]
    _demand_alike(counts, "actions", pointer, look)
    _demand_alike([title for title, _ in headings], "title", pointer, look)
    _demand_alike([picture for _, picture in headings], "thumbnailImageUrl", pointer, look)


def _demand_alike(values: Sequence[Any], name: str, pointer: str, look: Look) -> None:
    for index, value in enumerate(values):
        if value != values[0]:
            at = below(below(below(pointer, "columns"), index), name)
            look.refuse(at, "Must be the same in all columns: as many, or in none.")
            return


_TEMPLATE = members(
    {
        "altText": ALT_TEXT,
        "template": by_type(
            {
                "buttons": _card(160, 4),
                "confirm": members({"text": text(240, "characters"), "actions": array(actions.in_template, 2, 2)}),
                "carousel": _check_carousel,
                "image_carousel": members(
                    {"columns": array(members({"imageUrl": media_url, "action": actions.in_image_carousel}), 1, 10)}
                ),
            }
        ),
    }
)
_TRACKING = r"[0-9A-Za-z\-.=,+*()%$&;:@{}!?<>\[\]]{1,100}"
_TYPES: Final[dict[str, Rule]] = {
    "text": check_text,
    "textV2": check_text_v2,
    "sticker": _check_sticker,
    "image": members({"originalContentUrl": media_url, "previewImageUrl": media_url}),
    "video": members(
        {"originalContentUrl": media_url, "previewImageUrl": media_url},
        {"trackingId": matching(_TRACKING, "up to 100 ASCII letters, digits and signs")},
    ),
    "audio": members({"originalContentUrl": media_url, "duration": integer(1)}),
    "location": members(
        {"title": text(100), "address": text(100), "latitude": number(-90, 90), "longitude": number(-180, 180)}
    ),
    "imagemap": _IMAGEMAP,
    "template": _TEMPLATE,
    "flex": check_flex,
    "coupon": members(
        {"couponId": text(100)}, {"deliveryTag": matching("[A-Za-z0-9_]{1,30}", "up to 30 letters, digits and _")}
    ),
}
TYPES: Final = tuple(_TYPES)
_LINE = re.compile("(?<![a-z])line(?![a-z])", re.IGNORECASE)
_COMMON = members(
    {},
    {
        "quickReply": members(
            {
                "items": array(
                    members({"action": actions.in_quick_reply}, {"type": one_of("action"), "imageUrl": media_url}),
                    1,
                    13,
                )
            }
        ),
        "sender": members(
            {},
            {
                "name": text(20, least=0, also=lambda name: "Must not contain LINE." if _LINE.search(name) else None),
                "iconUrl": media_url,
            },
        ),
    },
)
_MESSAGE = by_type(_TYPES)


def look_at(messages: Sequence[Any]) -> Look:
    """What LINE would say of messages that go to many, as they stand, and how long each text may be."""
    look = Look()
    if not 1 <= len(messages) <= MOST_MESSAGES:
        look.refuse("/messages", f"LINE takes 1 to {MOST_MESSAGES} messages.")
    for index, message in enumerate(messages[:MOST_MESSAGES]):
        pointer = f"/messages/{index}"
        _MESSAGE(message, pointer, look)
        if not isinstance(message, Mapping):
            continue
        _COMMON(message, pointer, look)
        if message.get("quoteToken") is not None:
            look.refuse(below(pointer, "quoteToken"), "A quotation is good in one chat only.")
    return look

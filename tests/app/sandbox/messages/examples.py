"""A valid message of every kind, as full as it may be, and the means to spoil one."""

import re
from typing import Any

import orjson

from app.sandbox.messages import Endpoint, check_messages

JSON = dict[str, Any]

PICTURE = "https://img.example.jp/a.png"
USER_ID = "U" + "0a" * 16

POSTBACK = {
    "type": "postback",
    "label": "予約する",
    "data": "reserve=1",
    "displayText": "予約します",
    "inputOption": "openKeyboard",
    "fillInText": "名前:",
}
ACTIONS: dict[str, JSON] = {
    "postback": POSTBACK,
    "message": {"type": "message", "label": "はい", "text": "はい"},
    "uri": {
        "type": "uri",
        "label": "開く",
        "uri": "https://example.jp/?q=%E9%9B%A8",
        "altUri": {"desktop": "http://example.jp/"},
    },
    "datetimepicker": {
        "type": "datetimepicker",
        "label": "日時",
        "data": "when",
        "mode": "datetime",
        "initial": "2026-12-24T18:30",
        "min": "1900-01-01T00:00",
        "max": "2100-12-31t23:59",
    },
    "clipboard": {"type": "clipboard", "label": "写す", "clipboardText": "RAIN-2026"},
    "richmenuswitch": {"type": "richmenuswitch", "label": "次", "richMenuAliasId": "tab-b_2", "data": "tab=b"},
    "camera": {"type": "camera", "label": "撮る"},
    "cameraRoll": {"type": "cameraRoll", "label": "選ぶ"},
    "location": {"type": "location", "label": "現在地"},
}
SAY = ACTIONS["message"]
AREA = {"x": 0, "y": 0, "width": 520, "height": 1040}

BOX = {
    "type": "box",
    "layout": "vertical",
    "flex": 0,
    "spacing": "md",
    "margin": "12.5px",
    "position": "relative",
    "offsetTop": "-4px",
    "offsetBottom": "none",
    "offsetStart": "10%",
    "offsetEnd": "xxl",
    "backgroundColor": "#00ff00",
    "borderColor": "#00FF0080",
    "borderWidth": "semi-bold",
    "cornerRadius": "8px",
    "width": "100px",
    "maxWidth": "50%",
    "height": "20px",
    "maxHeight": "100%",
    "paddingAll": "lg",
    "paddingTop": "1px",
    "paddingBottom": "5%",
    "paddingStart": "xs",
    "paddingEnd": "none",
    "justifyContent": "space-evenly",
    "alignItems": "flex-end",
    "background": {
        "type": "linearGradient",
        "angle": "359.5deg",
        "startColor": "#ffffff",
        "endColor": "#000000",
        "centerColor": "#88888888",
        "centerPosition": "100%",
    },
    "action": POSTBACK,
}
IMAGE = {
    "type": "image",
    "url": PICTURE,
    "flex": 1,
    "margin": "none",
    "align": "start",
    "gravity": "center",
    "size": "full",
    "aspectRatio": "20:13",
    "aspectMode": "cover",
    "backgroundColor": "#112233",
    "animated": True,
    "action": ACTIONS["uri"],
}
TEXT = {
    "type": "text",
    "text": "雨の日の一杯",
    "size": "3xl",
    "align": "end",
    "gravity": "bottom",
    "color": "#aaaaaa",
    "weight": "bold",
    "style": "italic",
    "decoration": "line-through",
    "wrap": True,
    "lineSpacing": "4.5px",
    "maxLines": 0,
    "adjustMode": "shrink-to-fit",
    "scaling": True,
    "action": SAY,
}
SPAN = {
    "type": "span",
    "text": "100円引き",
    "size": "20px",
    "color": "#ff0000",
    "weight": "regular",
    "style": "normal",
    "decoration": "none",
}
BUTTON = {
    "type": "button",
    "style": "primary",
    "height": "sm",
    "gravity": "top",
    "color": "#ff0000",
    "adjustMode": "shrink-to-fit",
    "scaling": False,
    "action": POSTBACK,
}
ICON = {"type": "icon", "url": PICTURE, "size": "xxs", "aspectRatio": "1:3", "margin": "sm", "scaling": True}
BUBBLE = {
    "type": "bubble",
    "size": "giga",
    "direction": "rtl",
    "action": SAY,
    "styles": {
        "header": {"backgroundColor": "#ffffff"},
        "hero": {"separator": False},
        "body": {"separator": True, "separatorColor": "#000000"},
        "footer": {},
    },
    "header": {"type": "box", "layout": "horizontal", "contents": []},
    "hero": {
        "type": "video",
        "url": "https://img.example.jp/a.mp4",
        "previewUrl": PICTURE,
        "aspectRatio": "16:9",
        "altContent": IMAGE,
        "action": ACTIONS["uri"],
    },
    "body": {
        **BOX,
        "contents": [
            TEXT,
            {"type": "text", "contents": [SPAN, SPAN]},
            {"type": "separator", "margin": "md", "color": "#dddddd"},
            {"type": "box", "layout": "baseline", "contents": [ICON, TEXT, {"type": "filler", "flex": 2}]},
        ],
    },
    "footer": {"type": "box", "layout": "vertical", "contents": [BUTTON, {"type": "filler"}]},
}
STILL_BUBBLE = {**BUBBLE, "hero": {**IMAGE, "animated": False}}

COLUMN = {
    "thumbnailImageUrl": PICTURE,
    "imageBackgroundColor": "#FFFFFF",
    "title": "雨の日",
    "text": "一杯いかがですか",
    "defaultAction": {"type": "uri", "uri": "tel:0312345678"},
    "actions": [SAY, POSTBACK],
}


def template(**content: Any) -> JSON:
    return {"type": "template", "altText": "お知らせ", "template": content}


def flex(contents: Any) -> JSON:
    return {"type": "flex", "altText": "お知らせ", "contents": contents}


def bubble(*contents: Any, layout: str = "vertical") -> JSON:
    return flex({"type": "bubble", "body": {"type": "box", "layout": layout, "contents": list(contents)}})


def quick_replies(*actions: Any) -> JSON:
    return {
        "type": "text",
        "text": "どちらですか",
        "quickReply": {"items": [{"type": "action", "imageUrl": PICTURE, "action": action} for action in actions]},
    }


MESSAGES: dict[str, JSON] = {
    "text": {
        "type": "text",
        "text": "$ 雨の日 😀$",
        "emojis": [
            {"index": 0, "productId": "5ac1bfd5040ab15980c9b435", "emojiId": "001"},
            {"index": 8, "productId": "5ac1bfd5040ab15980c9b435", "emojiId": "002"},
        ],
        "quoteToken": "q3Plxr4AgKd",
        "sender": {"name": "渋谷店", "iconUrl": PICTURE},
    },
    "textV2": {
        "type": "textV2",
        "text": "{{ようこそ}} {who}、{everyone}{smile}",
        "substitution": {
            "who": {"type": "mention", "mentionee": {"type": "user", "userId": USER_ID}},
            "everyone": {"type": "mention", "mentionee": {"type": "all"}},
            "smile": {"type": "emoji", "productId": "5ac1bfd5040ab15980c9b435", "emojiId": "002"},
        },
        "quoteToken": "q3Plxr4AgKd",
    },
    "sticker": {"type": "sticker", "packageId": "446", "stickerId": "1988", "quoteToken": "q3Plxr4AgKd"},
    "image": {"type": "image", "originalContentUrl": PICTURE, "previewImageUrl": PICTURE},
    "video": {
        "type": "video",
        "originalContentUrl": "https://img.example.jp/a.mp4",
        "previewImageUrl": PICTURE,
        "trackingId": "spring-01",
    },
    "audio": {"type": "audio", "originalContentUrl": "https://img.example.jp/a.m4a", "duration": 60000},
    "location": {
        "type": "location",
        "title": "渋谷店",
        "address": "東京都渋谷区",
        "latitude": 35.65910807942215,
        "longitude": 139,
    },
    "coupon": {"type": "coupon", "couponId": "01JYNW8JMQVFBNWF1APF8Z3FS7", "deliveryTag": "rain_1"},
    "imagemap": {
        "type": "imagemap",
        "baseUrl": "https://img.example.jp/map",
        "altText": "地図",
        "baseSize": {"width": 1040, "height": 1040},
        "video": {
            "originalContentUrl": "https://img.example.jp/a.mp4",
            "previewImageUrl": PICTURE,
            "area": AREA,
            "externalLink": {"linkUri": "https://example.jp/", "label": "もっと見る"},
        },
        "actions": [
            {"type": "uri", "label": "左", "linkUri": "line://nv/location", "area": AREA},
            {"type": "message", "label": "右", "text": "右です", "area": AREA},
            {"type": "clipboard", "label": "下", "clipboardText": "RAIN", "area": AREA},
        ],
    },
    "buttons": template(
        type="buttons", imageAspectRatio="square", imageSize="contain", **{**COLUMN, "actions": [SAY] * 4}
    ),
    "confirm": template(type="confirm", text="来ますか", actions=[SAY, POSTBACK]),
    "carousel": template(type="carousel", imageAspectRatio="rectangle", imageSize="cover", columns=[COLUMN] * 10),
    "image_carousel": template(
        type="image_carousel", columns=[{"imageUrl": PICTURE, "action": {"type": "message", "text": "はい"}}] * 10
    ),
    "flex": flex(BUBBLE),
    "flex_carousel": flex({"type": "carousel", "contents": [STILL_BUBBLE] * 3}),
    "quick_replies": quick_replies(*(ACTIONS[kind] for kind in ACTIONS if kind != "richmenuswitch")),
}


def complaints(*messages: Any, endpoint: Endpoint = "push") -> dict[str, str]:
    """What is complained of, by the path within the messages; every detail once, so that none is counted twice."""
    details = check_messages([*messages], endpoint=endpoint)
    found = {detail["property"]: detail["message"] for detail in details}
    assert len(found) == len(details), details
    return found


def fresh(message: JSON) -> Any:
    """A copy that shares nothing, not even the examples' parts among each other."""
    return orjson.loads(orjson.dumps(message))


def spoil(message: JSON, path: str, value: Any) -> JSON:
    """A copy with another value at a path such as `template.actions[0].label`; `...` takes the property away."""
    spoiled: JSON = fresh(message)
    *way, last = [int(step) if step.isdigit() else step for step in re.findall(r"\w+", path)]
    node: Any = spoiled
    for step in way:
        node = node[step]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return spoiled

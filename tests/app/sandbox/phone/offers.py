"""What a coffee shop sends: one message of each kind, with pictures drawn here."""

import time
from typing import Any

PICTURES = "https://pictures.test"


def drawing(name: str, width: int, height: int, colours: tuple[str, str, str], shape: str = "") -> tuple[str, bytes]:
    """A picture as SVG: a ground that goes from one colour to another, and something on it."""
    return (
        "image/svg+xml",
        f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">
        <defs><linearGradient id="g" x2="1" y2="1"><stop stop-color="{colours[0]}"/><stop offset="1"
        stop-color="{colours[1]}"/></linearGradient></defs><rect width="100%" height="100%" fill="url(#g)"/>
        <g fill="{colours[2]}">{shape}</g><title>{name}</title></svg>""".encode(),
    )


_CUP = """<path d="M230 170h170v90a70 70 0 0 1-70 70h-30a70 70 0 0 1-70-70z"/><path d="M400 190h22a38 38 0 0 1 0 76h-24"
 fill="none" stroke="#fff8ee" stroke-width="16"/><rect x="205" y="345" width="225" height="14" rx="7"/>
 <path d="M275 140q-18-24 0-46t0-46M330 140q-18-24 0-46t0-46" fill="none" stroke="#fff8ee" stroke-width="9"
 stroke-linecap="round" opacity=".7"/>"""
_RAIN = """<path d="M180 190a70 70 0 0 1 136-32 56 56 0 0 1 104 32 46 46 0 0 1-12 90H196a46 46 0 0 1-16-90z"/>
 <path d="M220 310l-18 46M290 310l-18 46M360 310l-18 46" stroke="#fff" stroke-width="12" stroke-linecap="round"/>"""
_BREAD = """<path d="M170 250c0-80 60-120 145-120s145 40 145 120c0 50-30 80-145 80s-145-30-145-80z"/>
 <path d="M250 160l-30 60M320 150l-30 70M390 160l-30 60" stroke="#a4632a" stroke-width="12" stroke-linecap="round"/>"""

IMAGES = {
    f"{PICTURES}/coffee.jpg": drawing("coffee", 640, 416, ("#6f4a2f", "#2f1c12", "#fff8ee"), _CUP),
    f"{PICTURES}/rain.jpg": drawing("rain", 640, 416, ("#6f93b8", "#31547c", "#eef4fa"), _RAIN),
    f"{PICTURES}/bread.jpg": drawing("bread", 640, 416, ("#ffe7bd", "#f3bd76", "#d99a4e"), _BREAD),
    f"{PICTURES}/star.png": drawing(
        "star",
        20,
        20,
        ("#fff", "#fff", "#f2b01e"),
        '<path d="M10 1l3 6 6 1-4.500 4 1 6-5.500-3-5.500 3 1-6L1 8l6-1z"/>',
    ),
    f"{PICTURES}/map/700": drawing(
        "map",
        1040,
        520,
        ("#fdf3e0", "#f5ddb1", "#6f4a2f"),
        '<rect x="40" y="60" width="460" height="400" rx="30" fill="#0a8f50"/>'
        '<rect x="540" y="60" width="460" height="400" rx="30" fill="#c65a2e"/>'
        '<g fill="#fff" font-family="Noto Sans CJK JP" font-weight="bold" font-size="68" text-anchor="middle">'
        '<text x="270" y="285">店内で</text><text x="770" y="285">持ち帰り</text></g>',
    ),
    f"{PICTURES}/barista.png": drawing(
        "barista",
        80,
        80,
        ("#f9d7b5", "#f3c08d", "#6f4a2f"),
        '<circle cx="40" cy="34" r="16"/><rect x="14" y="54" width="52" height="40" rx="20"/>',
    ),
}


def text() -> dict[str, Any]:
    return {
        "type": "text",
        "text": "雨の日クーポンをお届けします$\n今日21時まで、ホットコーヒーが100円引きです。\nhttps://shop.test/rain",
        "emojis": [{"index": 14, "productId": "5ac1bfd5040ab15980c9b435", "emojiId": "001"}],
        "sender": {"name": "はな(店長)", "iconUrl": f"{PICTURES}/barista.png"},
    }


def sticker() -> dict[str, Any]:
    return {"type": "sticker", "packageId": "446", "stickerId": "1988"}


def image() -> dict[str, Any]:
    return {"type": "image", "originalContentUrl": f"{PICTURES}/rain.jpg", "previewImageUrl": f"{PICTURES}/rain.jpg"}


def location() -> dict[str, Any]:
    return {
        "type": "location",
        "title": "暖簾珈琲 渋谷店",
        "address": "東京都渋谷区道玄坂1-2-3",
        "latitude": 35.658,
        "longitude": 139.7016,
    }


def buttons() -> dict[str, Any]:
    return {
        "type": "template",
        "altText": "ご来店の予約",
        "template": {
            "type": "buttons",
            "thumbnailImageUrl": f"{PICTURES}/coffee.jpg",
            "imageAspectRatio": "rectangle",
            "imageSize": "cover",
            "title": "ご来店の予約",
            "text": "窓ぎわの席をお取りします。",
            "actions": [
                {
                    "type": "datetimepicker",
                    "label": "日時を選ぶ",
                    "data": "reserve",
                    "mode": "datetime",
                    "initial": "2026-12-25T18:00",
                },
                {"type": "postback", "label": "今すぐ行きます", "data": "visit=now", "displayText": "今から行きます"},
                {"type": "uri", "label": "メニューを見る", "uri": "https://shop.test/menu"},
            ],
        },
    }


def confirm() -> dict[str, Any]:
    return {
        "type": "template",
        "altText": "お知らせを受け取りますか",
        "template": {
            "type": "confirm",
            "text": "雨の日のお知らせを受け取りますか。",
            "actions": [
                {"type": "message", "label": "はい", "text": "はい"},
                {"type": "message", "label": "いいえ", "text": "いいえ"},
            ],
        },
    }


def carousel() -> dict[str, Any]:
    names = (("カフェラテ", "coffee"), ("あんバター", "bread"), ("雨の日セット", "rain"))
    return {
        "type": "template",
        "altText": "おすすめ",
        "template": {
            "type": "carousel",
            "columns": [
                {
                    "thumbnailImageUrl": f"{PICTURES}/{picture}.jpg",
                    "title": name,
                    "text": "本日のおすすめです。",
                    "actions": [{"type": "postback", "label": "注文する", "data": f"order={picture}"}],
                }
                for name, picture in names
            ],
        },
    }


def image_carousel() -> dict[str, Any]:
    return {
        "type": "template",
        "altText": "写真から選ぶ",
        "template": {
            "type": "image_carousel",
            "columns": [
                {
                    "imageUrl": f"{PICTURES}/{name}.jpg",
                    "action": {"type": "message", "label": label, "text": label},
                }
                for name, label in (("coffee", "珈琲"), ("bread", "パン"))
            ],
        },
    }


def imagemap() -> dict[str, Any]:
    area = {"y": 60, "width": 460, "height": 400}
    return {
        "type": "imagemap",
        "baseUrl": f"{PICTURES}/map",
        "altText": "店内で、それともお持ち帰り?",
        "baseSize": {"width": 1040, "height": 520},
        "actions": [
            {"type": "message", "label": "店内で", "text": "店内で", "area": {"x": 40, **area}},
            {"type": "message", "label": "持ち帰り", "text": "持ち帰り", "area": {"x": 540, **area}},
        ],
    }


def flex_bubble() -> dict[str, Any]:
    def row(name: str, value: str) -> dict[str, Any]:
        return {
            "type": "box",
            "layout": "baseline",
            "spacing": "sm",
            "contents": [
                {"type": "text", "text": name, "color": "#aaaaaa", "size": "sm", "flex": 1},
                {"type": "text", "text": value, "wrap": True, "color": "#666666", "size": "sm", "flex": 5},
            ],
        }

    star = {"type": "icon", "size": "sm", "url": f"{PICTURES}/star.png"}
    stars = {"type": "text", "text": "4.0", "size": "sm", "color": "#999999", "margin": "md", "flex": 0}
    return {
        "type": "bubble",
        "hero": {
            "type": "image",
            "url": f"{PICTURES}/coffee.jpg",
            "size": "full",
            "aspectRatio": "20:13",
            "aspectMode": "cover",
            "action": {"type": "uri", "label": "写真", "uri": "https://shop.test/photo"},
        },
        "body": {
            "type": "box",
            "layout": "vertical",
            "contents": [
                {"type": "text", "text": "暖簾珈琲 渋谷店", "weight": "bold", "size": "xl"},
                {"type": "box", "layout": "baseline", "margin": "md", "contents": [star, star, star, star, stars]},
                {
                    "type": "box",
                    "layout": "vertical",
                    "margin": "lg",
                    "spacing": "sm",
                    "contents": [row("場所", "東京都渋谷区道玄坂1-2-3 暖簾ビル2階"), row("時間", "10:00 - 23:00")],
                },
                {"type": "separator", "margin": "lg"},
                {
                    "type": "text",
                    "margin": "lg",
                    "wrap": True,
                    "contents": [
                        {"type": "span", "text": "雨の日は "},
                        {"type": "span", "text": "100円引き", "weight": "bold", "color": "#c8321e", "size": "lg"},
                        {"type": "span", "text": " 480円", "decoration": "line-through", "color": "#999999"},
                    ],
                },
            ],
        },
        "footer": {
            "type": "box",
            "layout": "vertical",
            "spacing": "sm",
            "contents": [
                {
                    "type": "button",
                    "style": "primary",
                    "height": "sm",
                    "action": {
                        "type": "postback",
                        "label": "席を予約する",
                        "data": "seat=window",
                        "displayText": "席を予約します",
                    },
                },
                {
                    "type": "button",
                    "style": "link",
                    "height": "sm",
                    "action": {"type": "uri", "label": "サイトを見る", "uri": "https://shop.test/"},
                },
            ],
        },
    }


def flex() -> dict[str, Any]:
    return {"type": "flex", "altText": "渋谷店のご案内", "contents": flex_bubble()}


def flex_carousel() -> dict[str, Any]:
    def bubble(name: str, picture: str, colour: str, share: int) -> dict[str, Any]:
        bar = {
            "type": "box",
            "layout": "vertical",
            "contents": [{"type": "filler"}],
            "width": f"{share}%",
            "height": "6px",
        }
        return {
            "type": "bubble",
            "size": "micro",
            "hero": {"type": "image", "url": f"{PICTURES}/{picture}.jpg", "size": "full", "aspectMode": "cover"},
            "body": {
                "type": "box",
                "layout": "vertical",
                "spacing": "sm",
                "contents": [
                    {"type": "text", "text": name, "weight": "bold", "wrap": True},
                    {"type": "text", "text": f"スタンプ {share}%", "size": "xs", "color": "#8c8c8c"},
                    {
                        "type": "box",
                        "layout": "vertical",
                        "backgroundColor": "#e5e9ee",
                        "cornerRadius": "md",
                        "height": "6px",
                        "contents": [{**bar, "backgroundColor": colour}],
                    },
                ],
            },
            "styles": {"body": {"backgroundColor": "#fffdf8"}},
        }

    bubbles = [
        bubble("朝の一杯", "coffee", "#0f9d58", 60),
        bubble("焼きたて", "bread", "#e07b1f", 35),
        bubble("雨宿り", "rain", "#3b78b5", 90),
    ]
    return {"type": "flex", "altText": "スタンプカード", "contents": {"type": "carousel", "contents": bubbles}}


def with_quick_replies(message: dict[str, Any]) -> dict[str, Any]:
    return {
        **message,
        "quickReply": {
            "items": [
                {"type": "action", "action": {"type": "message", "label": "行きます", "text": "行きます"}},
                {
                    "type": "action",
                    "action": {"type": "postback", "label": "また今度", "data": "later", "displayText": "また今度"},
                },
                {"type": "action", "action": {"type": "location", "label": "近くの店"}},
                {"type": "action", "action": {"type": "cameraRoll", "label": "写真を送る"}},
            ]
        },
    }


def coupon(now: float | None = None, **changes: Any) -> dict[str, Any]:
    start = int(now or time.time()) - 60
    return {
        "title": "雨の日のホットコーヒー",
        "description": "雨の日だけの、ちいさな値引きです。",
        "usageCondition": "1回のお会計につき1枚",
        "couponCode": "AME-100",
        "acquisitionCondition": {"type": "normal"},
        "maxUseCountPerTicket": 1,
        "startTimestamp": start,
        "endTimestamp": start + 3 * 3600,
        "timezone": "ASIA_TOKYO",
        "visibility": "UNLISTED",
        "reward": {"type": "discount", "priceInfo": {"type": "fixed", "fixedAmount": 100}},
        **changes,
    }


def menu_picture() -> str:
    """The drawing of a rich menu of two rows, as SVG; the browser of the tests makes a PNG of it."""
    tiles = (
        ("会員証", "#0a8f50"), ("クーポン", "#0b7d86"), ("予約", "#3b6cb0"),
        ("メニュー", "#8a5a32"), ("店舗", "#b4571a"), ("お問い合わせ", "#5b6470"),
    )  # fmt: skip
    shapes = "".join(
        f'<rect x="{n % 3 * 400}" y="{n // 3 * 405}" width="400" height="405" fill="{colour}"/>'
        f'<circle cx="{n % 3 * 400 + 200}" cy="{n // 3 * 405 + 160}" r="70" fill="#fff" opacity=".9"/>'
        f'<text x="{n % 3 * 400 + 200}" y="{n // 3 * 405 + 320}" fill="#fff" font-size="52" font-weight="bold" '
        f'text-anchor="middle" font-family="Noto Sans CJK JP">{name}</text>'
        for n, (name, colour) in enumerate(tiles)
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="810" viewBox="0 0 1200 810">{shapes}</svg>'


def menu(*actions: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A rich menu of six areas in two rows; areas without an action given say their own name."""
    names = ("会員証", "クーポン", "予約", "メニュー", "店舗", "お問い合わせ")
    said = [{"type": "message", "label": name, "text": name} for name in names]
    areas = [
        {"bounds": {"x": n % 3 * 400, "y": n // 3 * 405, "width": 400, "height": 405}, "action": action}
        for n, action in enumerate([*actions, *said[len(actions) :]])
    ]
    return {
        "size": {"width": 1200, "height": 810},
        "selected": True,
        "name": "昼",
        "chatBarText": "メニュー",
        "areas": areas,
        **changes,
    }

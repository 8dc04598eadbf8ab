"""Messages that show one thing: sticker, image, video, audio, place, coupon."""

from typing import Any

from app.sandbox.answers import Detail
from app.sandbox.messages.fields import Branch, Shape, both, integer, matching, media_url, number, one_of, text
from app.sandbox.messages.text import quote_token

# The only stickers that may be sent by API, first and last of each package.
STICKERS = {
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

_STICKER = Shape(
    filled={"packageId": one_of(*STICKERS), "stickerId": matching("[0-9]{1,20}")},
    optional={"quoteToken": quote_token},
)


def _check_sticker(message: Any, path: str, details: list[Detail]) -> None:
    before = len(details)
    _STICKER(message, path, details)
    if len(details) > before:
        return
    first, last = STICKERS[message["packageId"]]
    if not first <= int(message["stickerId"]) <= last:
        details.append({"message": f"Must be between {first} and {last}", "property": f"{path}.stickerId"})


branches: dict[str, Branch] = {
    "sticker": _check_sticker,
    "image": Shape(filled={"originalContentUrl": media_url, "previewImageUrl": media_url}),
    "video": Shape(
        filled={"originalContentUrl": media_url, "previewImageUrl": media_url},
        optional={
            "trackingId": both(text(100), matching(r"[0-9A-Za-z\-.=,+*()%$&;:@{}!?<>\[\]]*", "invalid trackingId"))
        },
    ),
    "audio": Shape(filled={"originalContentUrl": media_url}, required={"duration": integer(1)}),
    "location": Shape(
        filled={"title": text(100), "address": text(100)},
        required={"latitude": number(-90, 90), "longitude": number(-180, 180)},
    ),
    # Other characters in the tag are accepted; its path then shows as unknown in the manager.
    "coupon": Shape(filled={"couponId": text(100)}, optional={"deliveryTag": text(30, least=0)}),
}

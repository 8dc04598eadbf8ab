"""Rich menus to test with."""

import struct
import zlib
from typing import Any

import httpx

from tests.app.sandbox.stage import CHANNEL, TOKEN, Stage

WIDTH, HEIGHT = 1200, 405
UNKNOWN_MENU = "richmenu-" + "0" * 32


def menu(*actions: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A rich menu whose areas stand side by side, one for each action."""
    width = WIDTH // max(len(actions), 1)
    areas = [
        {"bounds": {"x": number * width, "y": 0, "width": width, "height": HEIGHT}, "action": action}
        for number, action in enumerate(actions)
    ]
    size = {"width": WIDTH, "height": HEIGHT}
    return {"size": size, "selected": True, "name": "昼", "chatBarText": "メニュー", "areas": areas, **changes}


def postback(data: str = "tab=card") -> dict[str, Any]:
    return {"type": "postback", "data": data, "displayText": "カード"}


def png(width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """An image of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes((width + 7) // 8)) * height
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def jpeg(width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """The beginning of a JPEG, which is all that tells its size."""
    first = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + bytes(9)
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + bytes(3)
    return b"\xff\xd8" + first + frame + b"\xff\xd9"


def call(stage: Stage, method: str, path: str, *, token: str = TOKEN, **options: Any) -> httpx.Response:
    """A call of LINE's API."""
    headers = {"authorization": f"Bearer {token}", **options.pop("headers", {})}
    return stage.client.request(method, path, headers=headers, **options)


def create(stage: Stage, *actions: dict[str, Any], image: bytes | None = None, **changes: Any) -> str:
    """The id of a new menu with an image."""
    answer = call(stage, "POST", "/v2/bot/richmenu", json=menu(*actions, **changes))
    assert answer.status_code == 200, answer.text
    menu_id: str = answer.json()["richMenuId"]
    assert upload(stage, menu_id, image or png()).status_code == 200
    return menu_id


def upload(stage: Stage, menu_id: str, image: bytes, content_type: str = "image/png") -> httpx.Response:
    path, headers = f"/v2/bot/richmenu/{menu_id}/content", {"content-type": content_type}
    return call(stage, "POST", path, content=image, headers=headers)


def put_default(stage: Stage, menu_id: str) -> None:
    assert call(stage, "POST", f"/v2/bot/user/all/richmenu/{menu_id}").status_code == 200


def shown(stage: Stage, person: str = "hanako", channel: str = CHANNEL) -> dict[str, Any] | None:
    """The menu that she sees."""
    answer = stage.client.get(f"/_sandbox/people/{person}/menu", params={"channel": channel})
    found: dict[str, Any] | None = answer.json()["menu"]
    return found

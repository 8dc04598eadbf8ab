"""Webhook calls as LINE makes them: one text message each, signed, no two events alike."""

from collections.abc import Sequence
from hashlib import blake2b

import orjson

from app.bench.brand import BenchAccount
from app.bench.load import request
from app.line.signature import sign
from tenants.ids import encode_id

_BEGAN_MS = 1_790_000_000_000


def event_id(number: int) -> str:
    """The webhookEventId of one event: 26 letters, as LINE's are."""
    return f"01BENCH{number:019}"


def webhook_calls(accounts: Sequence[BenchAccount], numbers: range, *, path: str | None = None) -> list[str]:
    """Requests for the events with these numbers, at these accounts in turn; to `path` instead where one is given."""
    return [_call(accounts[number % len(accounts)], number, path) for number in numbers]


def _call(account: BenchAccount, number: int, path: str | None) -> str:
    digest = blake2b(b"%d" % number, digest_size=32).hexdigest()
    message = {
        "type": "text",
        "id": str(500_000_000_000 + number),
        "quoteToken": digest,
        "text": "雨の日クーポンはまだ使えますか？",
    }
    event = {
        "type": "message",
        "message": message,
        "webhookEventId": event_id(number),
        "deliveryContext": {"isRedelivery": False},
        "timestamp": _BEGAN_MS + number,
        "source": {"type": "user", "userId": f"U{digest[:32]}"},
        "replyToken": digest[:32],
        "mode": "active",
    }
    body = orjson.dumps({"destination": account.bot_user_id, "events": [event]})
    signature = sign(account.secret, body).decode()
    target = path or f"/line/webhook/{encode_id('acc', account.id)}"
    return request(target, body.decode(), {"user-agent": "LineBotWebhook/2.0", "x-line-signature": signature})

"""A small world that most tests start from."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.app.sandbox.process import Shop

CHANNEL = "1650000001"
OTHER_CHANNEL = "1650000002"
PROVIDER = "2000000001"
TOKEN = "token-of-the-first-channel"
OTHER_TOKEN = "token-of-the-second-channel"
SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
RETRY_KEY = "123e4567-e89b-12d3-a456-426614174000"
UNKNOWN_USER = "U" + "f" * 32


def text(words: str = "こんにちは") -> dict[str, Any]:
    return {"type": "text", "text": words}


@dataclass
class Stage:
    """Two channels of one provider; Hanako follows the first, Taro nothing."""

    client: httpx.Client
    shop: Shop
    hanako: str
    taro: str

    @classmethod
    def build(cls, client: httpx.Client, shop: Shop) -> "Stage":
        channel = {"provider_id": PROVIDER, "channel_secret": SECRET, "webhook_url": shop.url}
        world = {
            "channels": [
                {"channel_id": CHANNEL, "channel_access_token": TOKEN, **channel},
                {"channel_id": OTHER_CHANNEL, "channel_access_token": OTHER_TOKEN, **channel},
            ],
            "people": [{"id": "hanako", "name": "花子", "follows": [CHANNEL]}, {"id": "taro", "name": "太郎"}],
        }
        client.post("/_sandbox/world", json=world).raise_for_status()
        people = {each["id"]: each for each in client.get("/_sandbox/people").json()["items"]}
        user_ids = [people[name]["line_user_ids"][PROVIDER] for name in ("hanako", "taro")]
        return cls(client, shop, *user_ids)

    def change_channel(self, **settings: Any) -> None:
        channel = {"channel_id": CHANNEL, **settings}
        self.client.post("/_sandbox/world", json={"channels": [channel]}).raise_for_status()

    def send(self, endpoint: str, body: Any, *, token: str = TOKEN, **headers: str) -> httpx.Response:
        """POST to a send endpoint; header names are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(
            f"/v2/bot/message/{endpoint}", json=body, headers={"authorization": f"Bearer {token}", **named}
        )

    def push(self, words: str = "こんにちは", **headers: str) -> httpx.Response:
        return self.send("push", {"to": self.hanako, "messages": [text(words)]}, **headers)

    def act(self, person: str, act: str, channel: str = CHANNEL, **body: Any) -> httpx.Response:
        return self.client.post(f"/_sandbox/people/{person}/{act}", json={"channel": channel, **body})

    def inbox(self, person: str = "hanako") -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.client.get(f"/_sandbox/people/{person}/inbox").json()["items"]
        return items

    def stats(self, **query: str) -> dict[str, int]:
        found: dict[str, int] = self.client.get("/_sandbox/stats", params=query).json()
        return found

    def put_faults(self, *faults: dict[str, Any], seed: int = 0) -> None:
        body = {"faults": list(faults), "seed": seed}
        assert self.client.put("/_sandbox/faults", json=body).status_code == 204

    def advance(self, seconds: float) -> None:
        assert self.client.put("/_sandbox/clock", json={"advance_seconds": seconds}).status_code == 204

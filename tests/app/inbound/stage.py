"""An account that the sandbox knows, whose webhook calls go through the test's hands on their way to us."""

from dataclasses import dataclass
from typing import Any

from fastapi.testclient import TestClient

from tenants.sealing import Keyring
from tests import make
from tests.app.inbound.calls import Channel, open_channel
from tests.app.sandbox.process import Received, Shop, wait_for
from tests.conftest import BrandHome
from tests.running import RunningSandbox

GREETING = [{"type": "text", "text": '{{ customer.name | default: "お客様" }}、ようこそ{{ store.name }}へ'}]


@dataclass
class Chat:
    """One person and one account with a greeting."""

    channel: Channel
    channel_id: str
    person: str
    line_api: RunningSandbox
    hands: Shop

    def act(self, act: str, **more: Any) -> Received:
        """She follows, blocks… the account; LINE's call of it, which is in our hands now."""
        seen = len(self.hands.calls)
        self.line_api.call("POST", f"/people/{self.person}/{act}", {"channel": self.channel_id, **more})
        wait_for(lambda: len(self.hands.calls) > seen)
        return self.hands.calls[seen]

    def pass_on(self, api: TestClient, received: Received) -> None:
        """Let LINE's call reach us."""
        headers = {"x-line-signature": received.headers["x-line-signature"]}
        answer = api.post(self.channel.path, content=received.body, headers=headers)
        assert answer.status_code == 200, answer.text

    def inbox(self) -> list[str]:
        """The texts that she sees."""
        return [message["text"] for message in self.messages()]

    def messages(self) -> list[dict[str, Any]]:
        """All that she sees, as LINE shows it."""
        items = self.line_api.call("GET", f"/people/{self.person}/inbox")["items"]
        return [message for item in items for message in item["messages"]]


def open_chat(
    home: BrandHome, keyring: Keyring, line_api: RunningSandbox, hands: Shop, name: str = "花子", **changes: Any
) -> Chat:
    """A committed account of one store, its channel at the sandbox, and somebody who is not its friend yet."""
    made = line_api.make_channel(webhook_url=hands.url)
    with home.open() as session:
        values = {"greeting": GREETING, "channel_id": made["channel_id"], "bot_user_id": made["bot_user_id"], **changes}
        channel = open_channel(session, keyring, make.store(session, name="渋谷店"), **values)
        session.commit()
    person: dict[str, Any] = line_api.call("POST", "/people", {"name": name})
    known = {"channel_id": made["channel_id"], "channel_secret": channel.secret}
    line_api.call("POST", "/world", {"channels": [known]})
    return Chat(channel, made["channel_id"], person["id"], line_api, hands)

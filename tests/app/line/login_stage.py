"""A Login channel of the sandbox, and tokens that are signed by hand."""

import base64
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from app.line import login
from app.line.hosts import LineHosts
from app.line.login import (
    LineIdentity,
    LoginAttempt,
    LoginTokens,
)
from tests.running import RunningSandbox

CALLBACK = "https://noren.example/line/callback"
PROVIDER = "provider-of-logins"


@dataclass(frozen=True)
class Place:
    """A Login channel of the sandbox, with a linked account and one LIFF app."""

    sandbox: RunningSandbox
    hosts: LineHosts
    account_id: str
    channel_id: str
    secret: str
    liff_id: str

    def visit(self, url: str, person: str, **decisions: str) -> dict[str, str]:
        """Go there as this person, who agrees, and see what comes back to the callback."""
        query = dict(parse_qsl(urlsplit(url).query))
        answer = self.sandbox.client.get(url.partition("?")[0], params={**query, "person": person, **decisions})
        address = answer.headers["location"]
        assert address.startswith(f"{CALLBACK}?"), address
        return dict(parse_qsl(urlsplit(address).query))

    def sign_in(self, attempt: LoginAttempt, person: str, **decisions: str) -> LoginTokens:
        """Our own client's sign-in."""
        url = login.authorize_url(
            self.hosts, attempt, login_channel_id=self.channel_id, redirect_uri=CALLBACK, bot_prompt="normal"
        )
        told = self.visit(url, person, **decisions)
        assert told["state"] == attempt.state
        return self.exchange(told["code"], attempt)

    def exchange(self, code: str, attempt: LoginAttempt) -> LoginTokens:
        return login.exchange_code(
            self.hosts,
            code,
            login_channel_id=self.channel_id,
            login_secret=self.secret,
            redirect_uri=CALLBACK,
            verifier=attempt.verifier,
        )

    def liff_token(self, person: str) -> str:
        token: str = self.sandbox.call("GET", f"/liff/{self.liff_id}/open?person={person}")["id_token"]
        return token

    def verify(self, token: str, nonce: str | None, **changes: Any) -> LineIdentity:
        asked = {
            "login_channel_id": self.channel_id,
            "login_secret": self.secret,
            "nonce": nonce,
            "now": datetime.now(UTC),
            **changes,
        }
        return login.verify_id_token(self.hosts, token, **asked)

    def person(self, name: str = "花子") -> tuple[str, str]:
        """Somebody new: her id in the sandbox, and in the provider."""
        person = self.sandbox.call("POST", "/people", {"name": name})
        return person["id"], person["line_user_ids"][PROVIDER]


def make_place(sandbox: RunningSandbox) -> Place:
    channel_id, secret = f"30{secrets.randbelow(10**8):08}", secrets.token_hex(16)
    account = sandbox.make_channel(PROVIDER, login_channel_id=channel_id)
    liff_id = f"{channel_id}-AbcdEfgh"
    app = {"liffId": liff_id, "view": {"url": "https://noren.example/card"}, "scope": ["openid"]}
    channel = {
        "channel_id": channel_id,
        "provider_id": PROVIDER,
        "channel_secret": secret,
        "callback_urls": [CALLBACK],
        "liff_apps": [app],
    }
    sandbox.call("PUT", "/login-channels", {"login_channels": [channel]})
    hosts = LineHosts(sandbox.url, sandbox.url, sandbox.url)
    return Place(sandbox, hosts, account["channel_id"], channel_id, secret, liff_id)


def encode(value: bytes | Mapping[str, Any]) -> str:
    raw = value if isinstance(value, bytes) else orjson.dumps(dict(value))
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def by_hmac(header: Mapping[str, Any], claims: Mapping[str, Any], key: bytes, digest: str = "sha256") -> str:
    """A JWT that is signed by HMAC, whatever its header says."""
    unsigned = f"{encode(header)}.{encode(claims)}"
    return f"{unsigned}.{encode(hmac.new(key, unsigned.encode(), digest).digest())}"

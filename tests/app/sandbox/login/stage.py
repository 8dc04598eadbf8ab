"""One Login channel with a linked account, Hanako who is its friend, Taro who is not, and an application."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson

PROVIDER, ACCOUNT, ACCOUNT_TOKEN = "2000000001", "1650000001", "token-of-the-account"
CHANNEL, SECRET = "2000000002", "5f1c0e9a7b3d4f2e8c6a1d0b9e7f3a21"
OTHER_CHANNEL, OTHER_SECRET = "2000000003", "8d2f6b0c1a9e4753b6d0c2e4f8a71359"
FOREIGN_CHANNEL = "2000000004"
CALLBACK = "https://shop.example/line/callback?from=line"
LIFF_ID = f"{CHANNEL}-AbcdEfgh"
ENDPOINT = "https://shop.example/card"


def put(client: httpx.Client, **changes: Any) -> None:
    """Change the Login channel."""
    channel = {"channel_id": CHANNEL, **changes}
    client.put("/_sandbox/login-channels", json={"login_channels": [channel]}).raise_for_status()


@dataclass
class LoginStage:
    """The sandbox, filled."""

    client: httpx.Client
    user_ids: dict[str, str] = field(default_factory=dict)
    """By person, in the provider of the Login channel."""

    @classmethod
    def build(cls, client: httpx.Client, webhook_url: str | None) -> "LoginStage":
        client.cookies.clear()
        app = {"liffId": LIFF_ID, "view": {"type": "tall", "url": ENDPOINT}, "scope": ["openid", "profile"]}
        login = {"provider_id": PROVIDER, "callback_urls": [CALLBACK]}
        world = {
            "channels": [
                {
                    "channel_id": ACCOUNT,
                    "provider_id": PROVIDER,
                    "channel_access_token": ACCOUNT_TOKEN,
                    "webhook_url": webhook_url,
                    "login_channel_id": CHANNEL,
                    "display_name": "渋谷店",
                }
            ],
            "people": [{"id": "hanako", "name": "花子", "follows": [ACCOUNT]}, {"id": "taro", "name": "太郎"}],
            "login_channels": [
                {"channel_id": CHANNEL, "channel_secret": SECRET, "name": "会員証", "liff_apps": [app], **login},
                {"channel_id": OTHER_CHANNEL, "channel_secret": OTHER_SECRET, **login},
                {"channel_id": FOREIGN_CHANNEL, "provider_id": "2999999999", "callback_urls": [CALLBACK]},
            ],
        }
        client.post("/_sandbox/world", json=world).raise_for_status()
        people = client.get("/_sandbox/people").json()["items"]
        return cls(client, {each["id"]: each["line_user_ids"][PROVIDER] for each in people})

    @property
    def url(self) -> str:
        return str(self.client.base_url).rstrip("/")

    def channel_token(self, channel_id: str = CHANNEL, secret: str = SECRET) -> str:
        """A stateless token of the Login channel itself."""
        form = {"grant_type": "client_credentials", "client_id": channel_id, "client_secret": secret}
        token: str = self.client.post("/oauth2/v3/token", data=form).json()["access_token"]
        return token

    def get(self, path: str, token: str, **query: str) -> httpx.Response:
        return self.client.get(path, params=query, headers={"authorization": f"Bearer {token}"})

    def is_friend(self, person: str) -> bool:
        return ACCOUNT in self.client.get(f"/_sandbox/people/{person}").json()["follows"]

    def advance(self, seconds: float) -> None:
        assert self.client.put("/_sandbox/clock", json={"advance_seconds": seconds}).status_code == 204


@dataclass
class Attempt:
    """One sign-in, with what the application keeps of it."""

    stage: LoginStage
    channel_id: str = CHANNEL
    secret: str = SECRET
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def fields(self, **changes: str | None) -> dict[str, str]:
        """The request; None leaves a field out."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.channel_id,
            "redirect_uri": CALLBACK,
            "state": self.state,
            "scope": "openid profile",
            "nonce": self.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in asked.items() if value is not None}

    def ask(self, **changes: str | None) -> httpx.Response:
        return self.stage.client.get("/oauth2/v2.1/authorize", params=self.fields(**changes))

    def decide(self, decision: str, person: str = "taro", **form: str) -> httpx.Response:
        """Press a button on the page."""
        data = {**self.fields(), "person": person, "decision": decision, **form}
        return self.stage.client.post("/oauth2/v2.1/authorize", data=data)

    def sign_in(self, person: str = "hanako", **changes: str | None) -> str:
        """A code, without a page."""
        return answered(self.ask(person=person, **changes))["code"]

    def exchange(self, code: str, /, **changes: str | None) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "client_id": self.channel_id,
            "client_secret": self.secret,
            "code_verifier": self.verifier,
            **changes,
        }
        kept = {name: value for name, value in form.items() if value is not None}
        return self.stage.client.post("/oauth2/v2.1/token", data=kept)

    def tokens(self, person: str = "hanako", **changes: str | None) -> dict[str, Any]:
        answer = self.exchange(self.sign_in(person, **changes))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def answered(response: httpx.Response) -> dict[str, str]:
    """What the application is told by the redirect."""
    assert response.status_code == 303, response.text
    address = response.headers["location"]
    assert address.startswith(f"{CALLBACK}&"), address
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query, strict_parsing=True).items()}


def claims_of(token: str) -> dict[str, Any]:
    """What a JWT says, unchecked."""
    body = token.split(".")[1]
    found: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found

"""Channel access tokens: long-lived (given with the channel), short-lived and stateless ones.

A stateless token is signed with the channel secret and remembered nowhere, so it survives a restart and dies with
the secret, as LINE's do.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.sandbox.answers import Answer, oauth_error, ok
from app.sandbox.world import Channel, World

STATELESS_SECONDS = 900
SHORT_LIVED_SECONDS = 30 * 24 * 3600
SHORT_LIVED_MAX = 30
_CACHE_MAX = 10_000
_HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256"}').rstrip(b"=").decode()


@dataclass(slots=True)
class Tokens:
    """Short-lived tokens by text, and what the last seen headers turned out to mean."""

    short_lived: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Token → channel id and expiry by the sandbox's clock, oldest first."""
    _seen: dict[bytes, tuple[Channel, float]] = field(default_factory=dict)

    def saved(self) -> Any:
        """The tokens that are not signed but remembered."""
        return {"short_lived": self.short_lived}

    def restore(self, value: Any) -> None:
        """Take them back."""
        self.short_lived = {token: (owner, until) for token, (owner, until) in value["short_lived"].items()}

    def forget_seen(self) -> None:
        """To be called when a channel's secret or token changes."""
        self._seen.clear()

    def authenticate(self, world: World, authorization: bytes | None, now: float) -> Channel | None:
        """The channel whose valid token stands in the header."""
        if authorization is None:
            return None
        seen = self._seen.get(authorization)
        if seen is None:
            scheme, _, token = authorization.decode("latin-1").partition(" ")
            found = self._resolve(world, token.strip(), now) if scheme.lower() == "bearer" else None
            if found is None:
                return None
            if len(self._seen) >= _CACHE_MAX:
                self._seen.clear()
            seen = self._seen[authorization] = found
        channel, expires_at = seen
        return channel if now < expires_at else None

    def _resolve(self, world: World, token: str, now: float) -> tuple[Channel, float] | None:
        if token in self.short_lived:
            channel_id, expires_at = self.short_lived[token]
            return world.channels[channel_id], expires_at
        if token.startswith(_HEADER + "."):
            return _open_stateless(world, token)
        for channel in world.channels.values():
            if hmac.compare_digest(channel.channel_access_token.encode(), token.encode()):
                return channel, float("inf")
        return None


def issue_stateless(world: World, form: dict[str, str], now: float) -> Answer:
    """The answer of `POST /oauth2/v3/token` to a channel id and secret."""
    if form.get("grant_type") != "client_credentials":
        return oauth_error("unsupported_grant_type", "The grant type must be client_credentials.")
    channel = world.channels.get(form.get("client_id", ""))
    if channel is None or not _same(channel.channel_secret, form.get("client_secret", "")):
        return oauth_error("invalid_request", "Invalid 'client_credentials'.")
    claims = {"iss": channel.channel_id, "exp": int(now) + STATELESS_SECONDS, "jti": secrets.token_hex(8)}
    unsigned = f"{_HEADER}.{_encode(orjson.dumps(claims))}"
    token = f"{unsigned}.{_sign(channel.channel_secret, unsigned)}"
    return ok({"token_type": "Bearer", "access_token": token, "expires_in": STATELESS_SECONDS})


def issue_short_lived(tokens: Tokens, world: World, form: dict[str, str], now: float) -> Answer:
    """The answer of `POST /v2/oauth/accessToken`. The 31st token takes the place of the oldest."""
    if form.get("grant_type") != "client_credentials":
        return oauth_error("unsupported_grant_type", "unsupported grant_type")
    channel = world.channels.get(form.get("client_id", ""))
    if channel is None:
        return oauth_error("invalid_client", "invalid client_id")
    if not _same(channel.channel_secret, form.get("client_secret", "")):
        return oauth_error("invalid_client", "invalid client_secret")
    mine = [text for text, (owner, _) in tokens.short_lived.items() if owner == channel.channel_id]
    for text in mine[: len(mine) - SHORT_LIVED_MAX + 1] if len(mine) >= SHORT_LIVED_MAX else []:
        del tokens.short_lived[text]
    tokens.forget_seen()
    token = secrets.token_urlsafe(96)
    tokens.short_lived[token] = (channel.channel_id, now + SHORT_LIVED_SECONDS)
    return ok({"access_token": token, "expires_in": SHORT_LIVED_SECONDS, "token_type": "Bearer"})


def verify_short_lived(tokens: Tokens, form: dict[str, str], now: float) -> Answer:
    """The answer of `POST /v2/oauth/verify`."""
    channel_id, expires_at = tokens.short_lived.get(form.get("access_token", ""), ("", 0.0))
    if expires_at <= now:
        return oauth_error("invalid_request", "access_token invalid")
    return ok({"client_id": channel_id, "expires_in": int(expires_at - now), "scope": "P CM"})


def revoke_short_lived(tokens: Tokens, form: dict[str, str]) -> Answer:
    """The answer of `POST /v2/oauth/revoke`: empty, also for a token that is none."""
    tokens.short_lived.pop(form.get("access_token", ""), None)
    tokens.forget_seen()
    return Answer(200, b"")


def _open_stateless(world: World, token: str) -> tuple[Channel, float] | None:
    unsigned, _, signature = token.rpartition(".")
    try:
        claims: Any = orjson.loads(_decode(unsigned.partition(".")[2]))
        channel = world.channels[claims["iss"]]
        expires_at = float(claims["exp"])
    except (ValueError, KeyError, TypeError):
        return None
    return (channel, expires_at) if _same(_sign(channel.channel_secret, unsigned), signature) else None


def _sign(secret: str, text: str) -> str:
    return _encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

"""Channel access tokens: long-lived (given with the channel), v2.1, short-lived and stateless ones.

A stateless token is signed with the channel secret and remembered nowhere, so it survives a restart and dies with
the secret, as LINE's do. A v2.1 token is signed the same way, and remembered, since it can be revoked.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import orjson

from app.sandbox.answers import Answer, oauth_error, ok
from app.sandbox.world import Channel, World

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey

STATELESS_SECONDS = 900
SHORT_LIVED_SECONDS = 30 * 24 * 3600
SHORT_LIVED_MAX = 30
_CACHE_MAX = 10_000
_HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256"}').rstrip(b"=").decode()


class Owner(Protocol):
    """Who may have tokens: an account's channel, or a Login channel."""

    channel_id: str
    channel_secret: str


Owned = TypeVar("Owned", bound=Owner)


@dataclass(slots=True)
class JwtToken:
    """A token v2.1. Expiry by the sandbox's clock."""

    channel_id: str
    key_id: str
    expires_at: float
    revoked: bool = False


@dataclass(slots=True)
class AssertionKey:
    """A public key that a channel's owner gave to LINE's console, to sign assertions with."""

    channel_id: str
    jwk: dict[str, Any]

    def open(self) -> "RSAKey":
        """The key, to verify with."""
        from joserfc.jwk import RSAKey

        return RSAKey.import_key(self.jwk)


@dataclass(slots=True)
class Tokens:
    """Tokens that are remembered, keys that may ask for some, and what the last seen headers turned out to mean."""

    short_lived: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Token → channel id and expiry by the sandbox's clock, oldest first."""
    by_jwt: dict[str, JwtToken] = field(default_factory=dict)
    """Tokens v2.1 by text, also for a day those that ended."""
    keys: dict[str, AssertionKey] = field(default_factory=dict)
    """By the key id that LINE gave it."""
    _seen: dict[bytes, tuple[Channel, float]] = field(default_factory=dict)

    def saved(self) -> Any:
        """The tokens that are remembered, and the keys."""
        return {
            "short_lived": self.short_lived,
            "by_jwt": {text: asdict(token) for text, token in self.by_jwt.items()},
            "keys": {kid: asdict(key) for kid, key in self.keys.items()},
        }

    def restore(self, value: Any) -> None:
        """Take them back."""
        self.short_lived = {token: (owner, until) for token, (owner, until) in value["short_lived"].items()}
        self.by_jwt = {text: JwtToken(**row) for text, row in value.get("by_jwt", {}).items()}
        self.keys = {kid: AssertionKey(**row) for kid, row in value.get("keys", {}).items()}

    def clear(self) -> None:
        """No token and no key any more, as there are no channels any more."""
        self.short_lived.clear()
        self.by_jwt.clear()
        self.keys.clear()
        self.forget_seen()

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
            owner = world.channels.get(channel_id)
            return (owner, expires_at) if owner else None
        if token.startswith(_HEADER + "."):
            return self.open_signed(world.channels, token)
        for channel in world.channels.values():
            if hmac.compare_digest(channel.channel_access_token.encode(), token.encode()):
                return channel, float("inf")
        return None

    def find_owner(self, owners: Mapping[str, Owned], authorization: str | None, now: float) -> Owned | None:
        """Whose good token stands in the header, among these owners; long-lived ones are not looked at."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        channel_id, expires_at = self.short_lived.get(token.strip(), ("", 0.0))
        owner = owners.get(channel_id)
        if owner is None:
            owner, expires_at = self.open_signed(owners, token.strip()) or (None, 0.0)
        return owner if now < expires_at else None

    def open_signed(self, owners: Mapping[str, Owned], token: str) -> tuple[Owned, float] | None:
        """The owner and the expiry of a stateless token or one of v2.1; None if it is forged, or revoked."""
        claims = read_claims(token)
        if claims is None:
            return None
        known = self.by_jwt.get(token)
        if "kid" in claims and (known is None or known.revoked):
            return None
        owner = owners.get(claims["iss"])
        unsigned, _, signature = token.rpartition(".")
        if owner is None or not same(_sign(owner.channel_secret, unsigned), signature):
            return None
        return owner, float(claims["exp"])


def issue_stateless(owner: Owner | None, form: dict[str, str], now: float) -> Answer:
    """The answer of `POST /oauth2/v3/token` to an id and secret; `owner` is who has the id."""
    if form.get("grant_type") != "client_credentials":
        return oauth_error("unsupported_grant_type", "The grant type must be client_credentials.")
    if owner is None or not same(owner.channel_secret, form.get("client_secret", "")):
        return oauth_error("invalid_request", "Invalid 'client_credentials'.")
    return give_stateless(owner, now)


def give_stateless(owner: Owner, now: float) -> Answer:
    """A fresh stateless token."""
    token = sign_token(owner, int(now) + STATELESS_SECONDS)
    return ok({"token_type": "Bearer", "access_token": token, "expires_in": STATELESS_SECONDS})


def sign_token(owner: Owner, expires_at: int, **claims: str) -> str:
    """A token that says whose it is and how long, signed with the owner's secret."""
    said = {"iss": owner.channel_id, "exp": expires_at, "jti": secrets.token_hex(8), **claims}
    unsigned = f"{_HEADER}.{_encode(orjson.dumps(said))}"
    return f"{unsigned}.{_sign(owner.channel_secret, unsigned)}"


def read_claims(token: str) -> dict[str, Any] | None:
    """What a token of `sign_token` says of itself, before its signature is looked at; None if it is no such token."""
    if not token.startswith(_HEADER + ".") or token.count(".") != 2:
        return None
    try:
        claims: Any = orjson.loads(_decode(token.split(".")[1]))
        good = isinstance(claims["iss"], str) and isinstance(claims["exp"], int)
    except (ValueError, KeyError, TypeError):
        return None
    return claims if good else None


def issue_short_lived(tokens: Tokens, world: World, owner: Owner | None, form: dict[str, str], now: float) -> Answer:
    """The answer of `POST /v2/oauth/accessToken`. The 31st token takes the place of the oldest."""
    if form.get("grant_type") != "client_credentials":
        return oauth_error("unsupported_grant_type", "unsupported grant_type")
    if owner is None:
        return oauth_error("invalid_client", "invalid client_id")
    if not same(owner.channel_secret, form.get("client_secret", "")):
        return oauth_error("invalid_client", "invalid client_secret")
    mine = [text for text, (owner_id, _) in tokens.short_lived.items() if owner_id == owner.channel_id]
    for text in mine[: len(mine) - SHORT_LIVED_MAX + 1] if len(mine) >= SHORT_LIVED_MAX else []:
        del tokens.short_lived[text]
    tokens.forget_seen()
    token = secrets.token_urlsafe(96)
    tokens.short_lived[token] = (owner.channel_id, now + SHORT_LIVED_SECONDS)
    world.version += 1
    return ok({"access_token": token, "expires_in": SHORT_LIVED_SECONDS, "token_type": "Bearer"})


def verify_short_lived(tokens: Tokens, form: dict[str, str], now: float) -> Answer:
    """The answer of `POST /v2/oauth/verify`."""
    channel_id, expires_at = tokens.short_lived.get(form.get("access_token", ""), ("", 0.0))
    if expires_at <= now:
        return oauth_error("invalid_request", "access_token invalid")
    return ok({"client_id": channel_id, "expires_in": int(expires_at - now), "scope": "P CM"})


def revoke_short_lived(tokens: Tokens, world: World, form: dict[str, str]) -> Answer:
    """The answer of `POST /v2/oauth/revoke`: empty, also for a token that is none."""
    if tokens.short_lived.pop(form.get("access_token", ""), None):
        world.version += 1
    tokens.forget_seen()
    return Answer(200, b"")


def _sign(secret: str, text: str) -> str:
    return _encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())


def same(one: str, other: str) -> bool:
    """Whether two secrets are the same, found out in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

"""What LINE Login knows: its channels, what people allowed them, and the codes and tokens that are out."""

import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from app.sandbox.login.channels import LiffApp, LoginChannel
from app.sandbox.oidc.signing import Keys

CODE_SECONDS = 600
LINK_TOKEN_SECONDS = 600
ACCESS_TOKEN_SECONDS = 30 * 24 * 3600
LIFF_TOKEN_SECONDS = 12 * 3600
REFRESH_TOKEN_SECONDS = 90 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Code:
    """What an authorization code stands for."""

    channel_id: str
    person_no: int
    redirect_uri: str
    scope: str
    issuer: str
    nonce: str | None
    challenge: str | None
    amr: str
    auth_time: int | None
    """Only where the request said `max_age`."""
    expires_at: float


@dataclass(slots=True)
class Access:
    """A person's access token that is alive."""

    channel_id: str
    person_no: int
    scope: str
    expires_at: float
    refresh_token: str | None = None
    liff_id: str | None = None
    chat_channel_id: str | None = None
    """The account in whose chat a LIFF app was opened."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """A refresh token that is alive."""

    channel_id: str
    person_no: int
    scope: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class LinkToken:
    """A person who may link her account, as one official account asked for it."""

    channel_id: str
    person_no: int
    expires_at: float


@dataclass(slots=True)
class Login:
    """The state of LINE Login. Times are the sandbox clock's, in seconds since 1970."""

    channels: dict[str, LoginChannel] = field(default_factory=dict)
    keys: Keys = field(default_factory=Keys)
    token_secret: str = field(default_factory=lambda: secrets.token_hex(32))
    """Signs access tokens, so that a dead one can be told from one that never was."""
    issuers: list[str] = field(default_factory=list)
    """Every name under which ID tokens were issued."""
    codes: dict[str, Code] = field(default_factory=dict)
    accesses: dict[str, Access] = field(default_factory=dict)
    """By the token's `jti`."""
    refreshes: dict[str, Refresh] = field(default_factory=dict)
    consents: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    """Login channel → person → scopes that she allowed."""
    link_tokens: dict[str, LinkToken] = field(default_factory=dict)

    def saved(self) -> Any:
        """All but codes and link tokens, which would be over soon."""
        return {
            "channels": [asdict(each) for each in self.channels.values()],
            "keys": self.keys.saved(),
            "token_secret": self.token_secret,
            "issuers": self.issuers,
            "accesses": {jti: asdict(each) for jti, each in self.accesses.items()},
            "refreshes": {token: asdict(each) for token, each in self.refreshes.items()},
            "consents": [
                [channel_id, no, scopes] for channel_id, by_no in self.consents.items() for no, scopes in by_no.items()
            ],
        }

    def restore(self, value: Any) -> None:
        """Take it back."""
        for row in value["channels"]:
            apps = {liff_id: LiffApp(**app) for liff_id, app in row["liff_apps"].items()}
            self.channels[row["channel_id"]] = LoginChannel(**{**row, "liff_apps": apps})
        self.keys.restore(value["keys"])
        self.token_secret = value["token_secret"]
        self.issuers = value["issuers"]
        self.accesses = {jti: Access(**row) for jti, row in value["accesses"].items()}
        self.refreshes = {token: Refresh(**row) for token, row in value["refreshes"].items()}
        for channel_id, no, scopes in value["consents"]:
            self.consents.setdefault(channel_id, {})[no] = scopes

    def reset(self, *, everyone: bool) -> None:
        """Forget codes, tokens and consents, with `everyone` also channels and keys."""
        for kept in (self.codes, self.accesses, self.refreshes, self.consents, self.link_tokens):
            kept.clear()
        if everyone:
            self.channels.clear()
            self.keys = Keys()

    def find_app(self, liff_id: str) -> tuple[LoginChannel, LiffApp] | None:
        """The LIFF app of this id, and whose it is."""
        channel = self.channels.get(liff_id.partition("-")[0])
        app = channel.liff_apps.get(liff_id) if channel else None
        return (channel, app) if channel and app else None

    def allow(self, channel_id: str, person_no: int, scopes: Iterable[str]) -> None:
        """She allows the channel these scopes, beside what she allowed before."""
        allowed = self.consents.setdefault(channel_id, {})
        allowed[person_no] = sorted({*allowed.get(person_no, []), *scopes})

    def allows(self, channel_id: str, person_no: int, scopes: Iterable[str]) -> bool:
        """Whether she has allowed the channel all of these scopes."""
        return set(scopes) <= set(self.consents.get(channel_id, {}).get(person_no, []))

    def disallow(self, channel_id: str, person_no: int) -> None:
        """She allows the channel nothing any more: its tokens for her are dead."""
        self.consents.get(channel_id, {}).pop(person_no, None)
        for kept in (self.codes, self.accesses, self.refreshes):
            _drop(
                kept,
                [key for key, each in kept.items() if (each.channel_id, each.person_no) == (channel_id, person_no)],
            )

    def forget_ended(self, now: float) -> None:
        """Drop what is over."""
        for kept in (self.codes, self.accesses, self.refreshes, self.link_tokens):
            _drop(kept, [key for key, each in kept.items() if each.expires_at <= now])


def _drop(kept: dict[str, Any], keys: list[str]) -> None:
    for key in keys:
        del kept[key]

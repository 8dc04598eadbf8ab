"""What an application asks for when it sends somebody to LINE Login, and what it gets back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request

from app.sandbox.login.channels import LoginChannel
from app.sandbox.login.state import Login
from app.sandbox.state import Sandbox

REQUEST_FIELDS = (
    "response_type", "client_id", "redirect_uri", "state", "scope", "nonce", "prompt", "max_age", "ui_locales",
    "bot_prompt", "initial_amr_display", "switch_amr", "disable_auto_login", "disable_ios_auto_login",
    "code_challenge", "code_challenge_method", "response_mode",
)  # fmt: skip
SCOPES = ("openid", "profile", "email")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "prompt": ("consent", "none", "login"),
    "bot_prompt": ("normal", "aggressive"),
    "response_mode": ("query", "form_post"),
    "code_challenge_method": ("S256",),
}
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class Untrusted(Exception):
    """The request cannot be trusted, or makes no sense: an error page, and nobody is sent anywhere."""


class Refused(Exception):
    """The application is told so, at its own address."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to sign somebody in, by a known Login channel that is to be answered at one of its own addresses."""

    channel: LoginChannel
    fields: Mapping[str, str]

    @property
    def scopes(self) -> list[str]:
        return self.fields.get("scope", "").split()

    @property
    def redirect_uri(self) -> str:
        return self.fields["redirect_uri"]

    def check(self) -> None:
        """Raises Refused if it is not what LINE takes."""
        if self.fields.get("response_type") != "code":
            raise Refused("UNSUPPORTED_RESPONSE_TYPE", "response_type must be code")
        if not self.fields.get("state"):
            raise Refused("INVALID_REQUEST", "state is missing")
        if not self.scopes or not set(self.scopes) <= set(SCOPES) or self.scopes == ["email"]:
            raise Refused("INVALID_SCOPE", "scope is made of openid, profile and email, and email needs openid")
        if "email" in self.scopes and not self.channel.email_permission:
            raise Refused("INVALID_SCOPE", "this channel may not ask for e-mail addresses")
        for name, choices in _CHOICES.items():
            if self.fields.get(name, choices[0]) not in choices:
                raise Refused("INVALID_REQUEST", f"{name} is one of {', '.join(choices)}")
        challenge, method = self.fields.get("code_challenge"), self.fields.get("code_challenge_method")
        if (challenge is None) != (method is None) or not _CHALLENGE.fullmatch(challenge or "A" * 43):
            raise Refused("INVALID_REQUEST", "code_challenge is 43 characters of base64url, with its method S256")
        if not self.fields.get("max_age", "0").isdigit():
            raise Refused("INVALID_REQUEST", "max_age is a number of seconds")

    def url(self, **changes: str) -> str:
        """The request's own address."""
        return f"/oauth2/v2.1/authorize?{urlencode({**self.fields, **changes})}"

    def back_url(self, answer: Mapping[str, str]) -> str:
        """The application's address, with the answer in its query."""
        joint = "&" if urlsplit(self.redirect_uri).query else "?"
        return f"{self.redirect_uri}{joint}{urlencode(self.with_state(answer))}"

    def with_state(self, answer: Mapping[str, str]) -> dict[str, str]:
        """The answer, and the state that it belongs to."""
        state = self.fields.get("state")
        return {**answer, **({"state": state} if state else {})}


def read_request(login: Login, fields: Mapping[str, str]) -> Asked:
    """The request in a query or in a form that carries it on. Raises Untrusted."""
    channel = login.channels.get(fields.get("client_id", ""))
    if channel is None:
        raise Untrusted("client_id のチャネルがありません。")
    if fields.get("redirect_uri") not in channel.callback_urls:
        raise Untrusted("redirect_uri は、このチャネルに登録されたコールバックURLと一致しません。")
    return Asked(channel, {name: fields[name] for name in REQUEST_FIELDS if fields.get(name)})


def check_open(sandbox: Sandbox, channel: LoginChannel, person_no: int) -> None:
    """Raises Untrusted if the channel is still being developed, and she is none of its testers."""
    if channel.status != "published" and sandbox.world.person_ids[person_no] not in channel.testers:
        raise Untrusted("このチャネルは開発中です。テスターだけがログインできます。")


def issuer_of(sandbox: Sandbox, request: Request) -> str:
    """The name under which ID tokens are issued: the setting, or the address at which the browser came."""
    return sandbox.settings.login_issuer or str(request.base_url).rstrip("/")

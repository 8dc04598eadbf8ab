"""An application that signs people in at the sandbox, as any library's would."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

CLIENT_ID = "noren-console"
SECRET = "a secret: 100 % for tests"
REDIRECT_URI = "https://shop.example/console/callback"
LOGGED_OUT_URI = "https://shop.example/console/login"
HANAKO = {"email": "hanako@example.jp", "name": "山田 花子"}


def register(sandbox: httpx.Client, **changes: Any) -> None:
    """One application, and Hanako."""
    application = {
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "name": "のれん食堂",
        "redirect_uris": [REDIRECT_URI],
        "post_logout_redirect_uris": [LOGGED_OUT_URI],
        **changes,
    }
    sandbox.put("/_sandbox/oidc", json={"applications": [application], "people": [HANAKO]}).raise_for_status()


@dataclass
class Attempt:
    """One sign-in, with what the application keeps of it."""

    sandbox: httpx.Client
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def fields(self, **changes: str | None) -> dict[str, str]:
        """The request's fields; None leaves one out."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        asked = {
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "scope": "openid profile email",
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in asked.items() if value is not None}

    def ask(self, **changes: str | None) -> httpx.Response:
        return self.sandbox.get("/oidc/authorize", params=self.fields(**changes))

    def choose(self, **form: str) -> httpx.Response:
        """Fill the page's form."""
        return self.sandbox.post("/oidc/authorize", data={**self.fields(), **form})

    def sign_in(self, email: str = HANAKO["email"], **changes: str | None) -> str:
        """A code, without a page."""
        answer = self.ask(prompt="none", login_hint=email, **changes)
        return answered(answer)["code"]

    def exchange(self, code: str, /, **changes: str) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": self.verifier,
            "client_id": CLIENT_ID,
            "client_secret": SECRET,
            **changes,
        }
        return self.sandbox.post("/oidc/token", data=form)

    def tokens(self) -> dict[str, Any]:
        answer = self.exchange(self.sign_in())
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def answered(response: httpx.Response) -> dict[str, str]:
    """What the application is told by the redirect."""
    assert response.status_code == 303, response.text
    address = response.headers["location"]
    assert address.startswith(f"{REDIRECT_URI}?"), address
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query, strict_parsing=True).items()}

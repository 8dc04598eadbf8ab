"""The authorization code flow, whatever the paths are called: what is asked, who asks, and code for tokens.

RFC 6749 with PKCE (RFC 7636) and OpenID Connect Core; stricter than the standards where a client that works here should
work anywhere: state, nonce and S256 are required.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus, urlencode, urlsplit

from app.sandbox.oidc.signing import encode, half_hash, sign, sign_wrongly
from app.sandbox.oidc.state import ACCESS_TOKEN_SECONDS, CODE_SECONDS, Application, Grant, Oidc, Person

ID_TOKEN_SECONDS = 600
REQUEST_FIELDS = (
    "client_id", "redirect_uri", "response_type", "scope", "state", "nonce",
    "code_challenge", "code_challenge_method", "prompt", "login_hint",
)  # fmt: skip
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class Untrusted(Exception):
    """The request names no known application or none of its addresses: nobody is sent anywhere."""


class Refused(Exception):
    """The application is told so, at its own address."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


class TokenRefused(Exception):
    """The token endpoint's error (RFC 6749, 5.2)."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a sign-in by a known application that is to go back to one of its own addresses."""

    application: Application
    fields: Mapping[str, str]

    @property
    def redirect_uri(self) -> str:
        return self.fields["redirect_uri"]

    @property
    def scope(self) -> str:
        return self.fields.get("scope", "")

    def check(self) -> None:
        """Raises Refused if something is missing."""
        if self.fields.get("response_type") != "code":
            raise Refused("unsupported_response_type", "response_type must be code")
        if "openid" not in self.scope.split():
            raise Refused("invalid_scope", "scope must contain openid")
        for name in ("state", "nonce"):
            if not self.fields.get(name):
                raise Refused("invalid_request", f"{name} is missing")
        if self.fields.get("code_challenge_method") != "S256":
            raise Refused("invalid_request", "code_challenge_method must be S256")
        if not _CHALLENGE.fullmatch(self.fields.get("code_challenge", "")):
            raise Refused("invalid_request", "code_challenge must be 43 characters of base64url")

    def back(self, issuer: str, **answer: str) -> str:
        """The application's address with the answer, and who answers (RFC 9207)."""
        if state := self.fields.get("state"):
            answer["state"] = state
        joint = "&" if urlsplit(self.redirect_uri).query else "?"
        return f"{self.redirect_uri}{joint}{urlencode({**answer, 'iss': issuer})}"


def read_request(oidc: Oidc, fields: Mapping[str, str]) -> Asked:
    """A request to sign somebody in. Raises Untrusted."""
    application = oidc.applications.get(fields.get("client_id", ""))
    if application is None:
        raise Untrusted("client_id は登録されていません。")
    if fields.get("redirect_uri") not in application.redirect_uris:
        raise Untrusted("redirect_uri は、このアプリケーションに登録されたものと一致しません。")
    return Asked(application, {name: fields[name] for name in REQUEST_FIELDS if fields.get(name)})


def grant_code(oidc: Oidc, asked: Asked, person: Person, now: float) -> str:
    """A code for this person's sign-in."""
    return oidc.issue_code(
        Grant(
            client_id=asked.application.client_id,
            redirect_uri=asked.redirect_uri,
            scope=asked.scope,
            nonce=asked.fields.get("nonce"),
            code_challenge=asked.fields["code_challenge"],
            email=person.email,
            auth_at=now,
            expires_at=now + CODE_SECONDS,
        )
    )


def authenticate(oidc: Oidc, authorization: str | None, form: Mapping[str, str]) -> Application:
    """The application that a token request comes from, by header or body. Raises TokenRefused."""
    if authorization:
        if "client_secret" in form:
            raise TokenRefused("invalid_request", "authenticate by the header or in the body, not by both")
        client_id, secret = _read_basic(authorization)
    else:
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    application = oidc.applications.get(client_id)
    if application is None or not hmac.compare_digest(application.client_secret.encode(), secret.encode()):
        raise TokenRefused("invalid_client", "unknown client or wrong secret", 401)
    return application


def redeem_code(oidc: Oidc, application: Application, form: Mapping[str, str], now: float) -> Grant:
    """The grant behind a code, which is used up. Raises TokenRefused."""
    if form.get("grant_type") != "authorization_code":
        raise TokenRefused("unsupported_grant_type", "grant_type must be authorization_code")
    grant = oidc.codes.get(form.get("code", ""))
    if grant is None or grant.client_id != application.client_id:
        raise TokenRefused("invalid_grant", "no such code")
    if grant.access_token is not None:
        # A code that comes twice was stolen once: what it gave is taken back (RFC 6749, 4.1.2).
        oidc.access_tokens.pop(grant.access_token, None)
        raise TokenRefused("invalid_grant", "the code was used before")
    if grant.expires_at <= now:
        raise TokenRefused("invalid_grant", "the code has expired")
    if form.get("redirect_uri") != grant.redirect_uri:
        raise TokenRefused("invalid_grant", "redirect_uri differs from the one of the request")
    if not proves(grant.code_challenge, form.get("code_verifier", "")):
        raise TokenRefused("invalid_grant", "code_verifier does not fit code_challenge")
    return grant


def proves(challenge: str, verifier: str) -> bool:
    """Whether a PKCE verifier is the one behind a challenge."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    return hmac.compare_digest(encode(hashlib.sha256(verifier.encode()).digest()), challenge)


def exchange(
    oidc: Oidc, application: Application, grant: Grant, issuer: str, now: float, twist: Mapping[str, Any]
) -> dict[str, Any]:
    """The token endpoint's answer. `twist` makes the ID token wrong on order: see faults.py."""
    person = oidc.people.get(grant.email)
    if person is None:
        raise TokenRefused("invalid_grant", "the person is gone")
    access_token = oidc.issue_access_token(grant, now)
    claims = {
        "iss": issuer,
        "sub": person.sub,
        "aud": application.client_id,
        "exp": int(now) + ID_TOKEN_SECONDS,
        "iat": int(now),
        "auth_time": int(grant.auth_at),
        "nonce": grant.nonce,
        "at_hash": half_hash(access_token),
        **person_claims(person, grant.scope),
        **twist.get("claims", {}),
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    alg = application.id_token_alg
    key = oidc.keys.get(alg)
    if how := twist.get("signed"):
        id_token = sign_wrongly(claims, key, alg, how, application.client_secret)
    else:
        id_token = sign(claims, key, alg)
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": ACCESS_TOKEN_SECONDS,
        "scope": grant.scope,
        "id_token": id_token,
    }


def person_claims(person: Person, scope: str) -> dict[str, Any]:
    """What the scopes let an application know of a person."""
    scopes = scope.split()
    claims: dict[str, Any] = {}
    if "profile" in scopes:
        claims |= {"name": person.name, "locale": "ja"}
    if "email" in scopes:
        claims |= {"email": person.email, "email_verified": person.email_verified}
    return claims


def _read_basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    try:
        client_id, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = ""
    if scheme.lower() != "basic" or not colon:
        raise TokenRefused("invalid_client", "the Authorization header cannot be read", 401)
    return unquote_plus(client_id), unquote_plus(secret)

"""The identity provider, as OpenID Connect has it: where it is, and who it says somebody is.

Authlib makes the requests and checks the claims, joserfc the signatures. Nothing that an ID token says of itself is
believed: algorithm, key, issuer and audience are the ones that discovery and our settings name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from time import monotonic
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx
from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, KeySet

from app.console.calls import open_client

ALGORITHMS: Final = frozenset({"ES256", "ES384", "RS256", "RS384", "PS256", "EdDSA"})
"""Signatures by the provider's private key. Never `none`; never HMAC, whose key is a public key's bytes to who asks."""
LEEWAY_SECONDS = 60
"""How far the provider's clock may be from ours."""
FRESH_SECONDS = 3600.0
"""How long its addresses and keys are taken from memory; a key it does not know is asked for at once."""
SCOPE = "openid profile email"


class ProviderUnreachable(Exception):
    """The provider does not answer, or not as OpenID Connect has it."""


class NotProven(Exception):
    """The provider's answer does not prove who somebody is. The text is for our log."""


class EmailUnverified(NotProven):
    """The provider does not vouch for the e-mail address."""


@dataclass(frozen=True)
class Identity:
    """Who somebody is to the provider, with the e-mail address that it has verified."""

    issuer: str
    subject: str
    email: str


@dataclass(frozen=True)
class Attempt:
    """What one sign-in must bring back: nobody else can have started it, and no other answer fits."""

    state: str
    nonce: str
    verifier: str


@dataclass
class Provider:
    """The provider that the settings name. It is asked for its addresses and keys when they are first needed."""

    issuer: str
    client_id: str
    client_secret: str
    redirect_uri: str
    _metadata: tuple[Mapping[str, Any], float] | None = None
    _keys: tuple[KeySet, float] | None = None
    _lock: Lock = field(default_factory=Lock)

    @property
    def origin(self) -> str:
        """Where the browser is sent for signing in. Raises ProviderUnreachable."""
        parts = urlsplit(str(self.metadata()["authorization_endpoint"]))
        return f"{parts.scheme}://{parts.netloc}"

    def metadata(self) -> Mapping[str, Any]:
        """The discovery document. Raises ProviderUnreachable."""
        with self._lock:
            if self._metadata is None or monotonic() - self._metadata[1] > FRESH_SECONDS:
                found = self._get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
                if found.get("issuer") != self.issuer:
                    raise ProviderUnreachable("the discovery document names another issuer")
                for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                    self._check_address(found.get(name))
                self._metadata = (found, monotonic())
            return self._metadata[0]

    def start_address(self, attempt: Attempt) -> str:
        """Where the browser goes to sign in. Raises ProviderUnreachable."""
        endpoint = self.metadata()["authorization_endpoint"]
        address, _ = self._library(None).create_authorization_url(
            endpoint, state=attempt.state, code_verifier=attempt.verifier, nonce=attempt.nonce
        )
        return str(address)

    def end_address(self, back_to: str) -> str | None:
        """Where the browser goes to be forgotten there as well, if the provider has such a place."""
        end = self.metadata().get("end_session_endpoint")
        if not isinstance(end, str):
            return None
        self._check_address(end)
        joint = "&" if urlsplit(end).query else "?"
        return f"{end}{joint}{urlencode({'client_id': self.client_id, 'post_logout_redirect_uri': back_to})}"

    def identify(self, code: str, attempt: Attempt, now: datetime) -> Identity:
        """Who signed in, by the code that came back. Raises ProviderUnreachable, NotProven."""
        endpoint = self.metadata()["token_endpoint"]
        try:
            with open_client() as client:
                token: Mapping[str, Any] = self._library(client).fetch_token(
                    endpoint,
                    auth=httpx.BasicAuth(self.client_id, self.client_secret),
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=attempt.verifier,
                    redirect_uri=self.redirect_uri,
                )
        except OAuth2Error as error:
            raise NotProven(f"the code was refused: {error.error}") from error
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderUnreachable("the token endpoint gave no answer that can be read") from error
        id_token, access_token = token.get("id_token"), token.get("access_token")
        if not isinstance(id_token, str) or not isinstance(access_token, str):
            raise NotProven("there is no ID token")
        claims = self._check(id_token, access_token, attempt.nonce, now)
        if "email" not in claims:
            claims = self._ask_who(access_token, claims["sub"])
        return self._read(claims)

    def _library(self, client: httpx.Client | None) -> Any:
        return OAuth2Client(
            client,
            self.client_id,
            self.client_secret,
            scope=SCOPE,
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
        )

    def _check(self, id_token: str, access_token: str, nonce: str, now: datetime) -> Mapping[str, Any]:
        """The claims of an ID token that is signed by the provider, for us, now, in answer to this attempt."""
        offered = self.metadata().get("id_token_signing_alg_values_supported") or ["RS256"]
        algorithms = sorted(ALGORITHMS.intersection(offered))
        try:
            try:
                token = jwt.decode(id_token, self._read_keys(), algorithms)
            except InvalidKeyIdError:
                token = jwt.decode(id_token, self._read_keys(at_once=True), algorithms)
            claims = CodeIDToken(
                token.claims,
                token.header,
                {
                    "iss": {"essential": True, "value": self.issuer},
                    "aud": {"essential": True, "value": self.client_id},
                    "sub": {"essential": True},
                },
                {"nonce": nonce, "client_id": self.client_id, "access_token": access_token},
            )
            claims.validate(int(now.timestamp()), LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError) as error:
            raise NotProven(f"the ID token is not good: {error}") from error
        return dict(claims)

    def _ask_who(self, access_token: str, subject: str) -> Mapping[str, Any]:
        """What the provider says of somebody beside the ID token. Raises ProviderUnreachable, NotProven."""
        address = self.metadata().get("userinfo_endpoint")
        self._check_address(address)
        claims = self._get(str(address), headers={"Authorization": f"Bearer {access_token}"})
        if claims.get("sub") != subject:
            raise NotProven("userinfo is somebody else's")
        return claims

    def _read(self, claims: Mapping[str, Any]) -> Identity:
        subject, email = claims.get("sub"), claims.get("email")
        if not isinstance(subject, str) or not 1 <= len(subject) <= 255 or not subject.isprintable():
            raise NotProven("sub is not a text of 1 to 255 characters")
        if not isinstance(email, str) or not email or claims.get("email_verified") is not True:
            raise EmailUnverified("the e-mail address is not verified")
        return Identity(self.issuer, subject, email)

    def _read_keys(self, *, at_once: bool = False) -> KeySet:
        """The provider's public keys. Raises ProviderUnreachable."""
        address = str(self.metadata()["jwks_uri"])
        with self._lock:
            if at_once or self._keys is None or monotonic() - self._keys[1] > FRESH_SECONDS:
                found = self._get(address).get("keys")
                if not isinstance(found, list):
                    raise ProviderUnreachable("there are no keys")
                self._keys = (_import_keys(found), monotonic())
            return self._keys[0]

    def _get(self, address: str, headers: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        try:
            with open_client() as client:
                answer = client.get(address, headers=headers)
            answer.raise_for_status()
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderUnreachable(f"{urlsplit(address).path} gave no answer that can be read") from error
        if not isinstance(found, dict):
            raise ProviderUnreachable(f"{urlsplit(address).path} answered no JSON object")
        return found

    def _check_address(self, address: object) -> None:
        """Raises ProviderUnreachable unless it is an address no less safe than the issuer's own."""
        scheme = urlsplit(self.issuer).scheme
        if not isinstance(address, str) or urlsplit(address).scheme not in {"https", scheme}:
            raise ProviderUnreachable("the discovery document names no safe addresses")


def _import_keys(found: list[Any]) -> KeySet:
    """The public signing keys among these; what is none, or cannot be read, is left out."""
    keys = []
    for one in found:
        if isinstance(one, dict) and one.get("kty") in ("EC", "RSA", "OKP") and one.get("use", "sig") == "sig":
            try:
                keys.append(JWKRegistry.import_key(one))
            except (JoseError, ValueError, TypeError):
                continue
    return KeySet(keys)

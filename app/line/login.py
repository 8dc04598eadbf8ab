"""LINE Login: where a browser goes to sign in, and who an ID token proves somebody to be.

A LINE Login channel serves pages of its own and LIFF apps. An ID token is believed for what its signature proves, and
for nothing that it says of itself: web logins are signed with the channel's secret (HS256), LIFF apps' tokens with
LINE's keys (ES256), and no other signature is looked at. A profile or a user id that a page posts proves nothing.
"""

import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import urlencode

import orjson
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwk import ECKey, OctKey
from joserfc.jws import extract_compact
from joserfc.jwt import ClaimsOption

from app.line.errors import LineGarbled, LineInvalid
from app.line.hosts import LineHosts
from app.line.jwks import jwks_of
from app.line.tokens import ChannelTokens
from app.line.transport import Call, ask

LEEWAY_SECONDS = 30
"""How far LINE's clock may be from ours."""
MAX_TOKEN_LENGTH = 10_000
SCOPE = "openid profile"
_USER_ID = re.compile(r"U[0-9a-f]{32}")


class UntrustedIdToken(Exception):
    """The token proves nothing. The text is for our log."""


class ForgedIdToken(UntrustedIdToken):
    """It is no ID token, or was not signed by LINE for this channel."""


class ForeignIdToken(UntrustedIdToken):
    """LINE signed it, for another channel or as another issuer."""


class ExpiredIdToken(UntrustedIdToken):
    """It was good once."""


class ReplayedIdToken(UntrustedIdToken):
    """Its nonce is not the one of this sign-in."""


@dataclass(frozen=True)
class LineIdentity:
    """Who signed in. What she has not let us know is None."""

    user_id: str
    """Her id in the provider of the Login channel."""
    display_name: str | None
    picture_url: str | None
    email: str | None


@dataclass(frozen=True)
class LoginAttempt:
    """What one sign-in must bring back; to be kept, sealed, in the browser that started it."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True)
class LoginTokens:
    """What a code was worth."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    id_token: str | None = field(repr=False)
    """Only where `openid` was asked for and granted."""
    scope: str
    expires_in_seconds: int


def new_attempt() -> LoginAttempt:
    """A sign-in that nobody can guess."""
    return LoginAttempt(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))


def authorize_url(
    hosts: LineHosts,
    attempt: LoginAttempt,
    *,
    login_channel_id: str,
    redirect_uri: str,
    scope: str = SCOPE,
    bot_prompt: Literal["normal", "aggressive"] | None = None,
    prompt: Literal["consent", "none", "login"] | None = None,
) -> str:
    """Where the browser goes to sign in.

    `bot_prompt` offers to add the account that is linked to the Login channel as a friend: "normal" on the consent
    page, "aggressive" on a page of its own. `redirect_uri` is one of the channel's callback URLs.
    """
    challenge = urlsafe_b64encode(sha256(attempt.verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": login_channel_id,
        "redirect_uri": redirect_uri,
        "state": attempt.state,
        "scope": scope,
        "nonce": attempt.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "bot_prompt": bot_prompt,
        "prompt": prompt,
    }
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    return f"{hosts.login_url}/oauth2/v2.1/authorize?{query}"


def exchange_code(
    hosts: LineHosts, code: str, *, login_channel_id: str, login_secret: str, redirect_uri: str, verifier: str
) -> LoginTokens:
    """The tokens behind a code, which then is used up. Raises LineRefused, LineUnavailable."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": login_channel_id,
        "client_secret": login_secret,
        "code_verifier": verifier,
    }
    answer = _ask(hosts, "POST /oauth2/v2.1/token", login_channel_id, form=form)
    expires_in = answer.get("expires_in")
    return LoginTokens(
        access_token=_text(answer, "access_token"),
        refresh_token=_optional_text(answer, "refresh_token"),
        id_token=_optional_text(answer, "id_token"),
        scope=_optional_text(answer, "scope") or "",
        expires_in_seconds=expires_in if isinstance(expires_in, int) else 0,
    )


def verify_id_token(
    hosts: LineHosts,
    token: str,
    *,
    login_channel_id: str,
    login_secret: str | None,
    nonce: str | None,
    now: datetime,
) -> LineIdentity:
    """Whom an ID token proves to have signed in at this Login channel.

    `nonce` is the attempt's; None is for LIFF, whose tokens have none of ours. Without a secret only LIFF's tokens are
    taken. Raises ForgedIdToken, ForeignIdToken, ExpiredIdToken or ReplayedIdToken, and LineUnavailable if LINE's keys
    cannot be read.
    """
    claims = _open(hosts, token, login_secret)
    expected: dict[str, ClaimsOption] = {name: {"essential": True} for name in ("sub", "exp", "iat")}
    expected["iss"] = {"essential": True, "value": hosts.login_url}
    expected["aud"] = {"essential": True, "value": login_channel_id}
    if nonce is not None:
        expected["nonce"] = {"essential": True, "value": nonce}
    registry = jwt.JWTClaimsRegistry(int(now.timestamp()), LEEWAY_SECONDS, **expected)
    try:
        registry.validate(claims)
    except ExpiredTokenError as error:
        raise ExpiredIdToken("exp is over") from error
    except (InvalidClaimError, MissingClaimError) as error:
        kind = {"iss": ForeignIdToken, "aud": ForeignIdToken, "nonce": ReplayedIdToken}.get(error.claim, ForgedIdToken)
        raise kind(f"{error.claim} is not right") from error
    # A list would also be a valid audience, but LINE's tokens are for one channel only.
    if claims["aud"] != login_channel_id:
        raise ForeignIdToken("aud is not right")
    if not _USER_ID.fullmatch(claims["sub"]):
        raise ForgedIdToken("sub is no user id")
    return LineIdentity(
        user_id=claims["sub"],
        display_name=_optional_text(claims, "name"),
        picture_url=_optional_text(claims, "picture"),
        email=_optional_text(claims, "email"),
    )


def check_access_token(hosts: LineHosts, access_token: str, *, login_channel_id: str) -> int:
    """The seconds that a person's access token is good for. To be asked before one is used that a page has sent us.

    Raises LineRefused for one that is none, or is another channel's, and LineUnavailable.
    """
    answer = _ask(hosts, "GET /oauth2/v2.1/verify", login_channel_id, query={"access_token": access_token})
    expires_in = answer.get("expires_in")
    if answer.get("client_id") != login_channel_id or not isinstance(expires_in, int) or expires_in <= 0:
        raise LineInvalid(400, "the access token is not of this channel")
    return expires_in


def get_friendship(hosts: LineHosts, access_token: str, *, login_channel_id: str) -> bool:
    """Whether the person is a friend of the one account that is linked to the Login channel, and does not block it.

    Raises LineRefused, LineUnavailable.
    """
    friend = _ask(hosts, "GET /friendship/v1/status", login_channel_id, token=access_token).get("friendFlag")
    if not isinstance(friend, bool):
        raise LineGarbled("friendship: the answer holds no friendFlag")
    return friend


def deauthorize(hosts: LineHosts, access_token: str, *, login_channel_id: str, login_secret: str) -> None:
    """Take back what the person allowed the Login channel; LINE asks for this when somebody leaves the service.

    Raises LineRefused, LineUnavailable.
    """
    channel_token = ChannelTokens(hosts.api_url).get(login_channel_id, login_secret)
    body = orjson.dumps({"userAccessToken": access_token})
    _ask(hosts, "POST /user/v1/deauthorize", login_channel_id, token=channel_token, body=body)


def _open(hosts: LineHosts, token: str, login_secret: str | None) -> dict[str, Any]:
    """The claims of a token whose signature is right. Raises ForgedIdToken, LineUnavailable."""
    if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
        raise ForgedIdToken("it is no JWT")
    try:
        header = extract_compact(token.encode()).headers()
        alg, key_id = header.get("alg"), header.get("kid")
        key: OctKey | ECKey | None = None
        if alg == "HS256" and login_secret:
            key = OctKey.import_key(login_secret)
        elif alg == "ES256" and isinstance(key_id, str):
            key = jwks_of(hosts.api_url).find(key_id)
        if key is None:
            raise ForgedIdToken("it names an algorithm or a key that is not LINE's")
        return jwt.decode(token, key, [str(alg)]).claims
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise ForgedIdToken(f"it is not signed: {type(error).__name__}") from error


def _ask(
    hosts: LineHosts,
    endpoint: str,
    channel_id: str,
    *,
    query: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    body: bytes | None = None,
    token: str | None = None,
) -> Mapping[str, Any]:
    """LINE's answer. Raises LineRefused, LineUnavailable."""
    path = endpoint.partition(" ")[2]
    call = Call(
        endpoint,
        hosts.api_url,
        f"{path}?{urlencode(query)}" if query else path,
        channel_id,
        token=token,
        body=urlencode(form).encode() if form else body,
        media_type="application/x-www-form-urlencoded" if form else "application/json",
        names_itself=False,  # LINE promises request ids for the Messaging API
    )
    return ask(call).body


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or not value:
        raise LineGarbled(f"the answer holds no {name}")
    return value


def _optional_text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and value else None

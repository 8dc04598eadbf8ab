"""ID tokens: HS256 with the channel secret for web logins, ES256 with LINE's key for LIFF apps."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.jws import extract_compact

from app.sandbox.answers import Answer, oauth_error, ok
from app.sandbox.login.channels import LoginChannel
from app.sandbox.login.people import claims_of
from app.sandbox.oidc.signing import sign, sign_wrongly
from app.sandbox.state import Sandbox

ID_TOKEN_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One sign-in, as its ID token tells it."""

    channel: LoginChannel
    person_no: int
    scope: str
    issuer: str
    base_url: str
    """Where the sandbox was reached, for the picture."""
    alg: str
    """HS256 or ES256."""
    nonce: str | None = None
    amr: str = "linesso"
    auth_time: int | None = None


def issue(sandbox: Sandbox, signed_in: SignedIn, twist: Mapping[str, Any]) -> str:
    """The ID token. `twist` makes it wrong on order: see faults.py."""
    now, channel = int(sandbox.clock.now()), signed_in.channel
    claims = {
        "iss": signed_in.issuer,
        "aud": channel.channel_id,
        "exp": now + ID_TOKEN_SECONDS,
        "iat": now,
        "auth_time": signed_in.auth_time,
        "nonce": signed_in.nonce,
        "amr": [signed_in.amr],
        **claims_of(sandbox, channel, signed_in.person_no, signed_in.scope, signed_in.base_url),
        **twist.get("claims", {}),
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    if signed_in.issuer not in sandbox.login.issuers:
        sandbox.login.issuers.append(signed_in.issuer)
    secret, key = channel.channel_secret, sandbox.login.keys.get("ES256")
    if how := twist.get("signed"):
        if how == "broken" and signed_in.alg == "HS256":
            return sign_by_secret(claims, f"{secret} broken")
        return sign_wrongly(claims, key, "ES256", how, secret)
    return sign_by_secret(claims, secret) if signed_in.alg == "HS256" else sign(claims, key, "ES256")


def sign_by_secret(claims: Mapping[str, Any], secret: str) -> str:
    """A JWT of these claims, by HMAC."""
    return jwt.encode({"alg": "HS256"}, dict(claims), OctKey.import_key(secret), ["HS256"])


def verify(sandbox: Sandbox, form: Mapping[str, str]) -> Answer:
    """The answer of `POST /oauth2/v2.1/verify`: what a token of a channel says, if it is good."""
    client_id = form.get("client_id", "")
    claims = _open(sandbox, form.get("id_token", ""), client_id)
    wrong = ""
    if claims is None:
        wrong = "Invalid IdToken."
    elif claims.get("iss") not in (*sandbox.login.issuers, sandbox.settings.login_issuer):
        wrong = "Invalid IdToken Issuer."
    elif not isinstance(claims.get("exp"), int | float) or claims["exp"] <= sandbox.clock.now():
        wrong = "IdToken expired."
    elif claims.get("aud") != client_id:
        wrong = "Invalid IdToken Audience."
    elif "nonce" in form and claims.get("nonce") != form["nonce"]:
        wrong = "Invalid IdToken Nonce."
    elif "user_id" in form and claims.get("sub") != form["user_id"]:
        wrong = "Invalid IdToken Subject Identifier."
    return oauth_error("invalid_request", wrong) if wrong else ok(claims)


def _open(sandbox: Sandbox, token: str, client_id: str) -> dict[str, Any] | None:
    """The claims of a token that is signed by our key, or by the secret of this channel or of the one that it names."""
    try:
        unopened = extract_compact(token.encode())
        if unopened.headers().get("alg") == "ES256":
            return jwt.decode(token, sandbox.login.keys.get("ES256"), ["ES256"]).claims
        named = orjson.loads(unopened.payload)["aud"]
    except (JoseError, ValueError, KeyError, TypeError, RecursionError):
        return None
    for channel_id in (client_id, named):
        channel = sandbox.login.channels.get(channel_id) if isinstance(channel_id, str) else None
        if channel is not None:
            with suppress(JoseError):
                return jwt.decode(token, OctKey.import_key(channel.channel_secret), ["HS256"]).claims
    return None

"""Codes, access tokens and refresh tokens of people: giving, checking and ending them."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from app.sandbox.answers import Answer, Refusal, error, oauth_error, ok
from app.sandbox.login.channels import LoginChannel
from app.sandbox.login.id_tokens import SignedIn, issue
from app.sandbox.login.state import ACCESS_TOKEN_SECONDS, REFRESH_TOKEN_SECONDS, Access, Code, Login, Refresh
from app.sandbox.oidc.signing import encode
from app.sandbox.state import Sandbox

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def give_code(sandbox: Sandbox, code: Code) -> str:
    """A code, to be exchanged once."""
    sandbox.login.forget_ended(sandbox.clock.now())
    text = secrets.token_urlsafe(20)
    sandbox.login.codes[text] = code
    return text


def give_access(sandbox: Sandbox, access: Access) -> str:
    """A person's access token: a JWS as LINE's are, of which callers should not read anything."""
    jti = secrets.token_urlsafe(16)
    sandbox.login.accesses[jti] = access
    sandbox.world.version += 1
    claims = {"jti": jti, "aud": access.channel_id, "exp": int(access.expires_at)}
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(sandbox.login.token_secret), ["HS256"])


def answer_to_token(sandbox: Sandbox, form: Mapping[str, str], base_url: str, twist: Mapping[str, Any]) -> Answer:
    """The answer of `POST /oauth2/v2.1/token` to a code or a refresh token. Raises Refusal."""
    match form.get("grant_type"):
        case "authorization_code":
            return _exchange_code(sandbox, form, base_url, twist)
        case "refresh_token":
            return _refresh(sandbox, form)
        case _:
            return oauth_error("unsupported_grant_type", "unsupported grant_type")


def authenticate(login: Login, form: Mapping[str, str]) -> LoginChannel:
    """The Login channel that a form comes from. Raises Refusal."""
    channel = login.channels.get(form.get("client_id", ""))
    if channel is None:
        raise Refusal(oauth_error("invalid_client", "invalid client_id"))
    if not hmac.compare_digest(channel.channel_secret.encode(), form.get("client_secret", "").encode()):
        raise Refusal(oauth_error("invalid_client", "invalid client_secret"))
    return channel


def _exchange_code(sandbox: Sandbox, form: Mapping[str, str], base_url: str, twist: Mapping[str, Any]) -> Answer:
    # Whoever presents a code has used it up, also when the exchange fails.
    code = sandbox.login.codes.pop(form.get("code", ""), None)
    channel, now = authenticate(sandbox.login, form), sandbox.clock.now()
    if code is None or code.channel_id != channel.channel_id or code.expires_at <= now:
        return oauth_error("invalid_grant", "invalid authorization code")
    if form.get("redirect_uri") != code.redirect_uri:
        return oauth_error("invalid_grant", "redirect_uri does not match")
    if code.challenge is not None and not _proves(code.challenge, form.get("code_verifier", "")):
        return oauth_error("invalid_grant", "invalid code_verifier")
    refresh = Refresh(channel.channel_id, code.person_no, code.scope, now + REFRESH_TOKEN_SECONDS)
    refresh_token = secrets.token_urlsafe(24)
    sandbox.login.refreshes[refresh_token] = refresh
    answer = _tokens(sandbox, refresh, refresh_token)
    if "openid" in code.scope.split():
        signed_in = SignedIn(
            channel, code.person_no, code.scope, code.issuer, base_url, "HS256", code.nonce, code.amr, code.auth_time
        )
        answer["id_token"] = issue(sandbox, signed_in, twist)
    return ok(answer)


def _refresh(sandbox: Sandbox, form: Mapping[str, str]) -> Answer:
    """Another access token. The refresh token stays the same, and ends when it would have ended."""
    channel = authenticate(sandbox.login, form)
    refresh_token = form.get("refresh_token", "")
    refresh = sandbox.login.refreshes.get(refresh_token)
    if refresh is None or refresh.channel_id != channel.channel_id or refresh.expires_at <= sandbox.clock.now():
        return oauth_error("invalid_grant", "invalid refresh token")
    return ok(_tokens(sandbox, refresh, refresh_token))


def _tokens(sandbox: Sandbox, refresh: Refresh, refresh_token: str) -> dict[str, Any]:
    expires_at = sandbox.clock.now() + ACCESS_TOKEN_SECONDS
    access = Access(refresh.channel_id, refresh.person_no, refresh.scope, expires_at, refresh_token)
    return {
        "access_token": give_access(sandbox, access),
        "expires_in": ACCESS_TOKEN_SECONDS,
        "refresh_token": refresh_token,
        "scope": " ".join(scope for scope in refresh.scope.split() if scope != "email"),
        "token_type": "Bearer",
    }


def _proves(challenge: str, verifier: str) -> bool:
    digest = hashlib.sha256(verifier.encode()).digest()
    return bool(_VERIFIER.fullmatch(verifier)) and hmac.compare_digest(encode(digest), challenge)


def open_access(sandbox: Sandbox, token: str) -> tuple[str, Access]:
    """A living access token: its `jti`, and what it stands for. Raises Refusal as `verify` answers."""
    if token.count(".") != 2:
        raise _unverified("The access token not JWS")
    try:
        claims = jwt.decode(token, OctKey.import_key(sandbox.login.token_secret), ["HS256"]).claims
    except (JoseError, ValueError, RecursionError):
        raise _unverified("The access token malformed") from None
    if claims["exp"] <= sandbox.clock.now():
        raise _unverified("The access token expired")
    access = sandbox.login.accesses.get(claims["jti"])
    if access is None:
        raise _unverified("The access token revoked")
    return claims["jti"], access


def _unverified(description: str) -> Refusal:
    return Refusal(oauth_error("invalid_request", description))


def answer_to_verify(sandbox: Sandbox, token: str) -> Answer:
    """The answer of `GET /oauth2/v2.1/verify`. Raises Refusal."""
    _, access = open_access(sandbox, token)
    scope = " ".join(scope for scope in access.scope.split() if scope != "email")
    expires_in = int(access.expires_at - sandbox.clock.now())
    return ok({"scope": scope, "client_id": access.channel_id, "expires_in": expires_in})


def answer_to_revoke(sandbox: Sandbox, form: Mapping[str, str]) -> Answer:
    """The answer of `POST /oauth2/v2.1/revoke`: empty, also for what is no living token of the channel."""
    channel = authenticate(sandbox.login, form)
    try:
        jti, access = open_access(sandbox, form.get("access_token", ""))
    except Refusal:
        return Answer(200, b"")
    if access.channel_id == channel.channel_id:
        end_access(sandbox, jti)
    return Answer(200, b"")


def end_access(sandbox: Sandbox, jti: str) -> None:
    """An access token, and the refresh token that came with it, are dead from now on."""
    access = sandbox.login.accesses.pop(jti)
    if access.refresh_token is not None:
        sandbox.login.refreshes.pop(access.refresh_token, None)
    sandbox.world.version += 1


def of_caller(sandbox: Sandbox, authorization: str | None, scope: str) -> Access:
    """What the person's token in a header stands for, if it has the scope. Raises Refusal."""
    scheme, _, token = (authorization or "").partition(" ")
    try:
        _, access = open_access(sandbox, token.strip() if scheme.lower() == "bearer" else "")
    except Refusal:
        raise Refusal(error(401, "The access token is invalid")) from None
    if scope not in access.scope.split():
        raise Refusal(error(403, f"The access token has no scope {scope}"))
    return access

"""Channel access tokens v2.1, and stateless ones, for those who sign a JWT with a key that LINE knows.

LINE publishes the words of few of these refusals; the others are ours, in the same shape.
"""

import secrets
from typing import Any

import orjson

from app.sandbox import answers
from app.sandbox.answers import Answer, Refusal, oauth_error, ok
from app.sandbox.tokens.state import JwtToken, Tokens, give_stateless, read_claims, same, sign_token
from app.sandbox.world import Channel, World

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
AUDIENCE = "https://api.line.me/"
MOST_LIVE = 30
MOST_SECONDS = 30 * 24 * 3600
_ASSERTION_SECONDS = 30 * 60
_REMEMBERED_SECONDS = 24 * 3600
_SCOPE = "profile chat_message.write"

NO_SUCH_KEY = answers.error(404, "Cannot find channel key that satisfies the conditions")
TOO_MANY = answers.error(400, "The maximum number of access tokens has already been issued")


def issue(tokens: Tokens, world: World, form: dict[str, str], now: float) -> Answer:
    """The answer of `POST /oauth2/v2.1/token`. The 31st living token of a channel is refused. Raises Refusal."""
    _check_grant(form)
    channel, claims = _open_assertion(tokens, world, form, now)
    seconds = claims.get("token_exp")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 < seconds <= MOST_SECONDS:
        raise _refused("Invalid token_exp")
    _forget_ended(tokens, now)
    if len(_list_live(tokens, channel, now)) >= MOST_LIVE:
        return TOO_MANY
    key_id = secrets.token_urlsafe(16)
    text = sign_token(channel, int(now) + seconds, kid=key_id)
    tokens.by_jwt[text] = JwtToken(channel.channel_id, key_id, int(now) + seconds)
    world.version += 1
    return ok({"access_token": text, "token_type": "Bearer", "expires_in": seconds, "key_id": key_id})


def issue_stateless(tokens: Tokens, world: World, form: dict[str, str], now: float) -> Answer:
    """The answer of `POST /oauth2/v3/token` to a signed assertion instead of id and secret. Raises Refusal."""
    _check_grant(form)
    channel, _ = _open_assertion(tokens, world, form, now)
    return give_stateless(channel, now)


def list_kids(tokens: Tokens, world: World, form: dict[str, str], now: float) -> Answer:
    """The answer of `GET /oauth2/v2.1/tokens/kid`: key ids of the channel's living tokens. Raises Refusal."""
    channel, _ = _open_assertion(tokens, world, form, now)
    return ok({"kids": [token.key_id for token in _list_live(tokens, channel, now)]})


def is_a_channels(world: World, text: str) -> bool:
    """Whether a token, living or not, is one of a channel, and not a user's."""
    claims = read_claims(text)
    return claims is not None and claims["iss"] in world.channels


def verify(tokens: Tokens, world: World, form: dict[str, str], now: float) -> Answer:
    """The answer of `GET /oauth2/v2.1/verify`, for v2.1 tokens and stateless ones."""
    text = form.get("access_token", "")
    if text.count(".") != 2:
        return oauth_error("invalid_request", "The access token not JWS")
    known = tokens.by_jwt.get(text)
    if known is not None and known.revoked:
        return oauth_error("invalid_request", "The access token revoked")
    opened = tokens.open_signed(world.channels, text)
    if opened is None:
        return oauth_error("invalid_request", "The access token malformed")
    channel, expires_at = opened
    if expires_at <= now:
        return oauth_error("invalid_request", "The access token expired")
    return ok({"client_id": channel.channel_id, "expires_in": int(expires_at - now), "scope": _SCOPE})


def revoke(tokens: Tokens, world: World, form: dict[str, str]) -> Answer:
    """The answer of `POST /oauth2/v2.1/revoke`: empty, also for a token that is none or is another channel's."""
    channel = world.channels.get(form.get("client_id", ""))
    if channel is None or not same(channel.channel_secret, form.get("client_secret", "")):
        return oauth_error("invalid_client", "invalid client_secret" if channel else "invalid client_id")
    token = tokens.by_jwt.get(form.get("access_token", ""))
    if token is not None and token.channel_id == channel.channel_id:
        token.revoked = True
        tokens.forget_seen()
        world.version += 1
    return Answer(200, b"")


def _check_grant(form: dict[str, str]) -> None:
    if form.get("grant_type") != "client_credentials":
        raise Refusal(oauth_error("unsupported_grant_type", "The grant type must be client_credentials."))


def _open_assertion(tokens: Tokens, world: World, form: dict[str, str], now: float) -> tuple[Channel, dict[str, Any]]:
    """The channel that signed the assertion, and what it says. Raises Refusal."""
    from joserfc import jws  # Costs a tenth of a second, which the start should not pay.
    from joserfc.errors import JoseError

    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise Refusal(oauth_error("invalid_request", "Invalid client_assertion_type"))
    try:
        unopened = jws.extract_compact(form.get("client_assertion", "").encode())
        header: Any = unopened.headers()
        claims: Any = orjson.loads(unopened.payload)
    except (JoseError, ValueError):
        raise _refused("Invalid client_assertion") from None
    key = tokens.keys.get(str(header.get("kid")))
    if key is None:
        raise Refusal(NO_SUCH_KEY)
    if not isinstance(claims, dict) or header.get("alg") != "RS256":
        raise _refused("Invalid client_assertion")
    channel = world.channels.get(str(claims.get("iss")))
    if channel is None or key.channel_id != channel.channel_id:
        raise _refused("iss and clientId of key do not match")
    try:
        jws.deserialize_compact(form["client_assertion"].encode(), key.open(), algorithms=["RS256"])
    except JoseError:
        raise _refused("Invalid signature") from None
    _check_claims(claims, now)
    return channel, claims


def _check_claims(claims: dict[str, Any], now: float) -> None:
    if claims.get("sub") != claims["iss"]:
        raise _refused("Invalid sub")
    audience = claims.get("aud")
    if AUDIENCE not in (audience if isinstance(audience, list) else [audience]):
        raise _refused("Invalid aud")
    until = claims.get("exp")
    if not isinstance(until, int | float) or not now < until <= now + _ASSERTION_SECONDS:
        raise _refused("Invalid exp")


def _refused(description: str) -> Refusal:
    return Refusal(oauth_error("invalid_client", description))


def _list_live(tokens: Tokens, channel: Channel, now: float) -> list[JwtToken]:
    mine = (token for token in tokens.by_jwt.values() if token.channel_id == channel.channel_id)
    return [token for token in mine if not token.revoked and token.expires_at > now]


def _forget_ended(tokens: Tokens, now: float) -> None:
    """Tokens that ended a day ago: nobody asks any more how."""
    for text in [text for text, each in tokens.by_jwt.items() if each.expires_at + _REMEMBERED_SECONDS <= now]:
        del tokens.by_jwt[text]

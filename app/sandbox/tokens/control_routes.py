"""`/_sandbox/channels/{channel}/keys`: the page of LINE's console where a channel's owner registers public keys.

POST   …/keys {"public_key": {"kty": "RSA", "n": "…", "e": "AQAB"}}   → 201 {"kid"}
GET    …/keys                                                        → {"items": [{"kid", "public_key"}]}
DELETE …/keys/{kid}                                                  → 204; tokens that it got live on
"""

import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox.controls import Mistaken, answer, control, done, get_channel, read_object
from app.sandbox.state import Sandbox
from app.sandbox.tokens.state import AssertionKey

_BITS = 2048
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi")


def routes(sandbox: Sandbox) -> list[Route]:
    """Registering keys for assertions."""

    async def create(request: Request) -> Response:
        channel = get_channel(sandbox, request.path_params["channel"])
        key = AssertionKey(channel.channel_id, _public_key((await read_object(request)).get("public_key")))
        kid = str(uuid.uuid4())
        sandbox.tokens.keys[kid] = key
        sandbox.world.version += 1
        return answer({"kid": kid}, 201)

    async def list_keys(request: Request) -> Response:
        channel = get_channel(sandbox, request.path_params["channel"])
        mine = [(kid, key) for kid, key in sandbox.tokens.keys.items() if key.channel_id == channel.channel_id]
        return answer({"items": [{"kid": kid, "public_key": key.jwk} for kid, key in mine]})

    async def delete(request: Request) -> Response:
        channel = get_channel(sandbox, request.path_params["channel"])
        key = sandbox.tokens.keys.get(request.path_params["kid"])
        if key is None or key.channel_id != channel.channel_id:
            raise Mistaken("this channel has no such key", 404)
        del sandbox.tokens.keys[request.path_params["kid"]]
        sandbox.world.version += 1
        return done()

    return [
        control("/channels/{channel}/keys", "POST", create),
        control("/channels/{channel}/keys", "GET", list_keys),
        control("/channels/{channel}/keys/{kid}", "DELETE", delete),
    ]


def _public_key(value: Any) -> dict[str, Any]:
    from joserfc.errors import JoseError
    from joserfc.jwk import RSAKey

    if not isinstance(value, dict) or any(name in value for name in _PRIVATE):
        raise Mistaken("public_key is the public part of an RSA key, as a JWK")
    try:
        bits = RSAKey.import_key(value).raw_value.key_size
    except (JoseError, ValueError, TypeError, KeyError):
        raise Mistaken("public_key is no RSA key, as a JWK") from None
    if bits != _BITS:
        raise Mistaken(f"public_key has {bits} bits where LINE takes {_BITS}")
    return {name: value[name] for name in ("kty", "n", "e")}

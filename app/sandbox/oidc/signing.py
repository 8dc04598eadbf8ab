"""The provider's keys, and ID tokens: signed as they should be, or wrongly on order."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

SIGNING_ALGORITHMS = ("ES256", "RS256")
WRONG_SIGNATURES = ("none", "hs256_public_key", "hs256_client_secret", "foreign_key", "broken")
"""How a token can be signed wrongly: not at all; by HMAC with the public key, or with the client's secret; by a key
that claims the name of ours; by our key, over something else."""

_KEY_KINDS: Mapping[str, type[ECKey | RSAKey]] = {"ES256": ECKey, "RS256": RSAKey}


@dataclass(slots=True)
class Keys:
    """One key for each algorithm, made when it is first needed."""

    _keys: dict[str, ECKey | RSAKey] = field(default_factory=dict)
    _generation: int = 1

    def get(self, alg: str) -> ECKey | RSAKey:
        """The key that signs by this algorithm."""
        if alg not in self._keys:
            self._keys[alg] = make_key(alg, f"sandbox-{alg.lower()}-{self._generation}")
        return self._keys[alg]

    def rotate(self) -> None:
        """New keys under new names. The old ones are no longer published."""
        self._generation += 1
        self._keys.clear()

    def published(self, algorithms: Iterable[str] = SIGNING_ALGORITHMS) -> dict[str, Any]:
        """The public keys, as a provider publishes them."""
        return {"keys": [self.get(alg).as_dict(private=False) for alg in algorithms]}

    def saved(self) -> Any:
        """The private keys, as JSON."""
        return {
            "generation": self._generation,
            "keys": {alg: key.as_dict(private=True) for alg, key in self._keys.items()},
        }

    def restore(self, value: Any) -> None:
        """Take back what `saved` gave."""
        self._generation = value["generation"]
        self._keys = {alg: _KEY_KINDS[alg].import_key(key) for alg, key in value["keys"].items()}


def make_key(alg: str, kid: str) -> ECKey | RSAKey:
    """A new private key."""
    if alg == "ES256":
        return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": alg})
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": alg})


def sign(claims: Mapping[str, Any], key: ECKey | RSAKey, alg: str) -> str:
    """A JWT of these claims."""
    return jwt.encode({"alg": alg, "kid": key.kid}, dict(claims), key, [alg])


def sign_wrongly(claims: Mapping[str, Any], key: ECKey | RSAKey, alg: str, how: str, client_secret: str) -> str:
    """A JWT of these claims that nobody may accept, as one of WRONG_SIGNATURES."""
    match how:
        case "none":
            return _compact({"alg": "none", "typ": "JWT"}, claims, b"")
        case "hs256_public_key":
            return _sign_by_hmac(claims, key.kid, key.as_pem(private=False))
        case "hs256_client_secret":
            return _sign_by_hmac(claims, key.kid, client_secret.encode())
        case "foreign_key":
            return sign(claims, make_key(alg, str(key.kid)), alg)
        case _:
            head, _, signature = sign({**claims, "broken": True}, key, alg).split(".")
            return f"{head}.{encode(orjson.dumps(dict(claims)))}.{signature}"


def half_hash(text: str) -> str:
    """The left half of a SHA-256, as `at_hash` wants it."""
    return encode(hashlib.sha256(text.encode("ascii")).digest()[:16])


def encode(raw: bytes) -> str:
    """Base64 for addresses, without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _sign_by_hmac(claims: Mapping[str, Any], kid: str | None, secret: bytes) -> str:
    header = {"alg": "HS256", "typ": "JWT", "kid": kid}
    unsigned = _compact(header, claims, b"").rstrip(".")
    return f"{unsigned}.{encode(hmac.new(secret, unsigned.encode(), hashlib.sha256).digest())}"


def _compact(header: Mapping[str, Any], claims: Mapping[str, Any], signature: bytes) -> str:
    return f"{encode(orjson.dumps(dict(header)))}.{encode(orjson.dumps(dict(claims)))}.{encode(signature)}"

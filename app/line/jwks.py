"""LINE's public keys, by which ID tokens of LIFF apps are signed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from app.line.errors import LineError, LineUnavailable
from app.line.transport import Call, ask

FRESH_SECONDS = 3600.0
"""How long keys are taken from memory without asking. Older ones serve on while LINE does not answer."""
UNKNOWN_KEY_SECONDS = 60.0
"""How often a key that is unknown may make us ask: anybody can name keys that do not exist."""
_ENDPOINT = "GET /oauth2/v2.1/certs"
_MOST_PLACES = 16
_MOST_KEYS = 100


@dataclass
class Jwks:
    """The keys that are published at one of LINE's hosts. Shared by all threads of the process."""

    api_url: str
    _keys: Mapping[str, ECKey] = field(default_factory=dict)
    _read_at: float | None = None
    """When the keys came, on the process's own clock."""
    _asked_at: float | None = None
    """When they were last asked for, with or without success."""
    _lock: Lock = field(default_factory=Lock)

    def find(self, key_id: str) -> ECKey | None:
        """The key of this id; LINE is asked when keys are old, and at most once a minute for one that is unknown.

        Blocks for as long as `ask`. Raises LineUnavailable while no keys were ever read.
        """
        found = self._keys.get(key_id)
        if found is not None and not self._is_old():
            return found
        with self._lock:
            # Whoever waited here finds what the one before has brought.
            found = self._keys.get(key_id)
            if (found is None or self._is_old()) and not self._asked_lately():
                self._asked_at = monotonic()
                self._keys = self._read()
                self._read_at = monotonic()
            if self._read_at is None:
                raise LineUnavailable("keys: LINE did not answer a moment ago")
            return self._keys.get(key_id)

    def _is_old(self) -> bool:
        return self._read_at is None or monotonic() - self._read_at > FRESH_SECONDS

    def _asked_lately(self) -> bool:
        return self._asked_at is not None and monotonic() - self._asked_at < UNKNOWN_KEY_SECONDS

    def _read(self) -> Mapping[str, ECKey]:
        """What is published now, or what we have while LINE does not answer. Raises LineUnavailable."""
        call = Call(_ENDPOINT, self.api_url, "/oauth2/v2.1/certs", channel_id="", names_itself=False)
        try:
            keys = ask(call).body.get("keys")
        except LineError as error:
            if self._read_at is None:
                raise LineUnavailable(f"keys: {error}") from error
            return self._keys
        found = map(_import, keys[:_MOST_KEYS] if isinstance(keys, list) else [])
        return {key.kid: key for key in found if key is not None and key.kid}


def _import(found: Any) -> ECKey | None:
    """A public key for ES256, or None for whatever else is published."""
    if not isinstance(found, dict) or found.get("kty") != "EC" or found.get("crv") != "P-256":
        return None
    if found.get("use", "sig") != "sig" or found.get("alg", "ES256") != "ES256":
        return None
    try:
        return ECKey.import_key({name: found[name] for name in ("kty", "crv", "x", "y", "kid") if name in found})
    except (JoseError, ValueError, TypeError):
        return None


_places: dict[str, Jwks] = {}
_places_lock = Lock()


def jwks_of(api_url: str) -> Jwks:
    """The process's memory of the keys of one host."""
    with _places_lock:
        if api_url not in _places:
            if len(_places) >= _MOST_PLACES:
                _places.clear()
            _places[api_url] = Jwks(api_url)
        return _places[api_url]

"""seal() and unseal() for secrets at rest: AES-256-GCM under a key per brand, itself wrapped by a master key."""

import os
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"


class Unsealable(Exception):
    """A sealed value does not open: wrong key, moved to another row, or damaged."""


@dataclass(frozen=True, repr=False)
class BrandKey:
    """The opened data key of one brand."""

    brand_id: UUID
    _key: bytes

    def seal(self, secret: str | bytes, purpose: str) -> bytes:
        """The sealed secret: version, nonce, ciphertext. `purpose` names its place (`line_account.secret:<id>`) and is
        bound to it, so that a ciphertext cannot be moved to another row or brand."""
        nonce = os.urandom(12)
        plain = secret.encode() if isinstance(secret, str) else secret
        return _VERSION + nonce + AESGCM(self._key).encrypt(nonce, plain, self._bound(purpose))

    def unseal(self, sealed: bytes, purpose: str) -> bytes:
        """The secret again. Raises Unsealable."""
        try:
            return AESGCM(self._key).decrypt(sealed[1:13], sealed[13:], self._bound(purpose))
        except (InvalidTag, ValueError) as error:
            raise Unsealable(purpose) from error

    def _bound(self, purpose: str) -> bytes:
        return self.brand_id.bytes + purpose.encode()


class Keyring:
    """The master keys of this installation; the first one wraps new keys, all of them open old ones."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        if not keys or any(len(key) != 32 for key in keys.values()):
            raise ValueError("master keys must be 32 bytes each, at least one")
        self._keys = keys
        self.current = next(iter(keys))

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """From `id:base64,id:base64`. Raises ValueError."""
        pairs = [part.split(":", 1) for part in text.replace("\n", ",").split(",") if part.strip()]
        if any(len(pair) != 2 for pair in pairs):
            raise ValueError("master keys are written as id:base64")
        return cls({name.strip(): urlsafe_b64decode(value.strip() + "==") for name, value in pairs})

    def wrap_new_key(self, brand_id: UUID) -> tuple[str, bytes]:
        """A new data key for a brand: the master key's id, and the wrapped key."""
        nonce = os.urandom(12)
        wrapped = AESGCM(self._keys[self.current]).encrypt(nonce, os.urandom(32), brand_id.bytes)
        return self.current, _VERSION + nonce + wrapped

    def open(self, brand_id: UUID, master_key_id: str, wrapped: bytes) -> BrandKey:
        """A brand's key. Raises Unsealable if the master key is missing or wrong."""
        master = self._keys.get(master_key_id)
        if master is None:
            raise Unsealable(f"master key {master_key_id!r} is not configured")
        try:
            return BrandKey(brand_id, AESGCM(master).decrypt(wrapped[1:13], wrapped[13:], brand_id.bytes))
        except InvalidTag as error:
            raise Unsealable(f"the key of brand {brand_id} does not open") from error

    def sign(self, message: bytes) -> bytes:
        """Sixteen bytes that only this installation can make, for cursors and links."""
        from hashlib import blake2b

        return blake2b(message, key=self._keys[self.current], digest_size=16).digest()

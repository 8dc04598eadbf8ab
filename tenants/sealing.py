"""seal() and unseal() for secrets at rest: AES-256-GCM under a brand's data key, itself wrapped by a master key.

Both kinds of key are replaced while the service runs. Something sealed says which data key opens it, a brand's row says
which master key opens its data keys, and for as long as old and new are both at hand, both open.
"""

import os
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from hmac import compare_digest
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FIRST = b"\x01"
"""Version ‖ nonce ‖ ciphertext, under data key 1; of a wrapped key: that key alone."""
_NUMBERED = b"\x02"
"""Version ‖ the data key's number in two bytes ‖ nonce ‖ ciphertext; of wrapped keys: all of them, with numbers."""
_NONCE = 12
_KEY = 32

Reread = Callable[[bool], Mapping[str, bytes] | None]
"""The master keys if they have changed since they were last read, else None. True asks to look at once."""


class Unsealable(Exception):
    """A sealed value does not open: wrong key, moved to another row, or damaged."""


@dataclass(frozen=True, repr=False)
class BrandKey:
    """The opened data keys of one brand. One of them seals, all of them open."""

    brand_id: UUID
    _keys: Mapping[int, bytes]
    current: int
    """The number of the key that seals."""

    @classmethod
    def new(cls, brand_id: UUID) -> "BrandKey":
        """A first data key for a brand."""
        return cls(brand_id, {1: os.urandom(_KEY)}, 1)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of its data keys, oldest first."""
        return tuple(sorted(self._keys))

    @property
    def header(self) -> bytes:
        """How everything begins that it seals now; what begins otherwise is under an older key."""
        # What the first key seals stays readable to code that knew of no other.
        return _FIRST if self.current == 1 else _NUMBERED + self.current.to_bytes(2)

    def seal(self, secret: str | bytes, purpose: str) -> bytes:
        """The sealed secret. `purpose` names its place (`line_account.secret:<id>`) and is bound to it, so that a
        ciphertext cannot be moved to another row or brand."""
        nonce = os.urandom(_NONCE)
        plain = secret.encode() if isinstance(secret, str) else secret
        bound = _bound(self.header, self.brand_id, purpose)
        return self.header + nonce + AESGCM(self._keys[self.current]).encrypt(nonce, plain, bound)

    def unseal(self, sealed: bytes, purpose: str) -> bytes:
        """The secret again. Raises Unsealable."""
        header = sealed[:3] if sealed[:1] == _NUMBERED else _FIRST
        number = int.from_bytes(header[1:]) if header != _FIRST else 1
        key = self._keys.get(number)
        if key is None or not sealed.startswith(header):
            raise Unsealable(purpose)
        nonce, hidden = sealed[len(header) : len(header) + _NONCE], sealed[len(header) + _NONCE :]
        try:
            return AESGCM(key).decrypt(nonce, hidden, _bound(header, self.brand_id, purpose))
        except (InvalidTag, ValueError) as error:
            raise Unsealable(purpose) from error

    def derive(self, purpose: str) -> bytes:
        """A key of 16 bytes for one purpose, of the key that seals."""
        return _derive(self._keys[self.current], self.brand_id, purpose)

    def derive_all(self, purpose: str) -> Iterator[bytes]:
        """What `derive` gave under each of these keys, the newest first."""
        return (_derive(self._keys[number], self.brand_id, purpose) for number in reversed(self.numbers))

    def with_further_key(self) -> "BrandKey":
        """These keys and a new one, which opens but does not seal yet."""
        return replace(self, _keys={**self._keys, self.numbers[-1] + 1: os.urandom(_KEY)})

    def with_newest_current(self) -> "BrandKey":
        """The same keys, of which the newest seals."""
        return replace(self, current=self.numbers[-1])

    def with_current_only(self) -> "BrandKey":
        """The key that seals, and no other."""
        return replace(self, _keys={self.current: self._keys[self.current]})

    def _write(self) -> tuple[bytes, bytes]:
        """Version and plain text of these keys, for wrapping."""
        if self.numbers == (1,):
            return _FIRST, self._keys[1]
        return _NUMBERED, self.current.to_bytes(2) + b"".join(no.to_bytes(2) + self._keys[no] for no in self.numbers)

    @classmethod
    def _read(cls, brand_id: UUID, version: bytes, plain: bytes) -> "BrandKey":
        if version == _FIRST:
            return cls(brand_id, {1: plain}, 1)
        pairs = [plain[start : start + 2 + _KEY] for start in range(2, len(plain), 2 + _KEY)]
        return cls(brand_id, {int.from_bytes(pair[:2]): pair[2:] for pair in pairs}, int.from_bytes(plain[:2]))


def _bound(header: bytes, brand_id: UUID, purpose: str) -> bytes:
    return (b"" if header == _FIRST else header) + brand_id.bytes + purpose.encode()


def _derive(key: bytes, brand_id: UUID, purpose: str) -> bytes:
    return blake2b(brand_id.bytes + purpose.encode(), key=key, digest_size=16, person=b"noren.derived").digest()


class Keyring:
    """The master keys of this installation; the first one wraps, all of them open.

    With `reread` they may change under a running process: it is asked now and then, and at once for a key or a
    signature that is not known.
    """

    def __init__(self, keys: Mapping[str, bytes], reread: Reread | None = None) -> None:
        self._keys = _checked(keys)
        self._reread = reread

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """From `id:base64,id:base64`. Raises ValueError."""
        return cls(parse_keys(text))

    @property
    def current(self) -> str:
        """The id of the master key that wraps."""
        self._look()
        return next(iter(self._keys))

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the master keys, the current one first."""
        self._look()
        return tuple(self._keys)

    def wrap_new_key(self, brand_id: UUID) -> tuple[str, bytes]:
        """A new data key for a brand: the master key's id, and the wrapped key."""
        return self.wrap(BrandKey.new(brand_id))

    def wrap(self, key: BrandKey) -> tuple[str, bytes]:
        """A brand's data keys under the current master key: its id, and the wrapped keys."""
        self._look()
        master_key_id, master = next(iter(self._keys.items()))
        version, plain = key._write()
        nonce = os.urandom(_NONCE)
        return master_key_id, version + nonce + AESGCM(master).encrypt(
            nonce, plain, _wrapped_for(version, key.brand_id)
        )

    def open(self, brand_id: UUID, master_key_id: str, wrapped: bytes) -> BrandKey:
        """A brand's keys. Raises Unsealable if the master key is missing or wrong."""
        self._look()
        master = self._keys.get(master_key_id)
        if master is None and self._look(at_once=True):
            master = self._keys.get(master_key_id)
        if master is None:
            raise Unsealable(f"master key {master_key_id!r} is not configured")
        version, nonce, hidden = wrapped[:1], wrapped[1 : 1 + _NONCE], wrapped[1 + _NONCE :]
        try:
            plain = AESGCM(master).decrypt(nonce, hidden, _wrapped_for(version, brand_id))
        except (InvalidTag, ValueError) as error:
            raise Unsealable(f"the key of brand {brand_id} does not open") from error
        return BrandKey._read(brand_id, version, plain)

    def sign(self, message: bytes) -> bytes:
        """Sixteen bytes that only this installation can make, for cursors and links."""
        self._look()
        return _signature(next(iter(self._keys.values())), message)

    def is_signed(self, message: bytes, signature: bytes) -> bool:
        """Whether `sign` made this, under any of the master keys."""
        self._look()
        return self._knows(message, signature) or (self._look(at_once=True) and self._knows(message, signature))

    def _knows(self, message: bytes, signature: bytes) -> bool:
        return any(compare_digest(_signature(key, message), signature) for key in self._keys.values())

    def _look(self, *, at_once: bool = False) -> bool:
        """Take over the keys if they have changed; whether they had."""
        changed = self._reread(at_once) if self._reread else None
        if changed is not None:
            self._keys = _checked(changed)
        return changed is not None


def parse_keys(text: str) -> dict[str, bytes]:
    """Master keys by id from `id:base64`, separated by commas or line ends. Raises ValueError."""
    pairs = [part.strip().split(":", 1) for part in text.replace("\n", ",").split(",") if part.strip()]
    if any(len(pair) != 2 or not pair[0].strip() for pair in pairs):
        raise ValueError("master keys are written as id:base64")
    keys = {name.strip(): _decode(value.strip()) for name, value in pairs}
    if len(keys) != len(pairs):
        raise ValueError("two master keys have the same id")
    return dict(_checked(keys))


def _decode(value: str) -> bytes:
    """Base64 in either alphabet, with or without its padding."""
    plain = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError as error:
        raise ValueError("master keys are written as id:base64") from error


def _checked(keys: Mapping[str, bytes]) -> Mapping[str, bytes]:
    if not keys or any(len(key) != _KEY for key in keys.values()):
        raise ValueError("master keys must be 32 bytes each, at least one")
    return keys


def _wrapped_for(version: bytes, brand_id: UUID) -> bytes:
    return (b"" if version == _FIRST else version) + brand_id.bytes


def _signature(key: bytes, message: bytes) -> bytes:
    return blake2b(message, key=key, digest_size=16).digest()

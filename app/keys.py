"""The master keys: given, or made once beside an embedded database; and the secrets that callers present."""

import os
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from zlib import crc32

import structlog

from app.settings import Settings
from tenants.sealing import Keyring, parse_keys

log = structlog.get_logger("keys")

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LOOK_SECONDS = 1.0
"""How long a changed file of master keys may go unnoticed by a process that needs no key it does not know."""


class KeysMissing(Exception):
    """NOREN_MASTER_KEYS is not set; without it no secret can be sealed."""

    is_readable = True


class KeyFile:
    """A file of master keys, read again when it changes, so that no process must be restarted for a new key."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_as: tuple[int, int, int] | None = None
        self._looked_at = 0.0

    def read(self) -> dict[str, bytes]:
        """The keys as they stand in the file. Raises ValueError, KeysMissing."""
        self._looked_at = time.monotonic()
        try:
            self._read_as = self._state()
            return parse_keys(self.path.read_text())
        except OSError as error:
            raise KeysMissing(f"The file of master keys cannot be read: {self.path}.") from error

    def reread(self, at_once: bool) -> Mapping[str, bytes] | None:
        """The keys if the file has changed, looked at once a second or now. A file that is gone or half written is
        no reason to forget the keys that are known."""
        if not at_once and time.monotonic() - self._looked_at < LOOK_SECONDS:
            return None
        self._looked_at = time.monotonic()
        try:
            if self._state() == self._read_as:
                return None
            keys = self.read()
        except (OSError, KeysMissing, ValueError) as error:
            log.warning("master_keys_not_read", path=str(self.path), error=type(error).__name__)
            return None
        log.info("master_keys_read", ids=list(keys))
        return keys

    def _state(self) -> tuple[int, int, int]:
        found = self.path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino


@cache
def load_keyring(settings: Settings) -> Keyring:
    """The keyring of this installation. Raises KeysMissing when a database is given but no keys are, ValueError."""
    if settings.master_keys is not None:
        given = settings.master_keys.get_secret_value()
        if not given.startswith("file:"):
            return Keyring.parse(given)
        return _open_file(Path(given.removeprefix("file:")))
    if settings.database_url is not None:
        raise KeysMissing("Set NOREN_MASTER_KEYS to id:base64 with 32 random bytes, or to file:/path of such keys.")
    path = settings.data_dir / "master-keys"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(new_master_key("local"))
    return _open_file(path)


def _open_file(path: Path) -> Keyring:
    file = KeyFile(path)
    return Keyring(file.read(), file.reread)


def new_master_key(name: str) -> str:
    """A fresh master key as NOREN_MASTER_KEYS writes it."""
    return f"{name}:{urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip('=')}"


def new_secret(kind: str) -> str:
    """A secret such as `nrn_store_…`: 43 base62 characters (256 bits) and a CRC32 of them in six, so that scanners and
    typing errors are told apart without asking the database."""
    random = "".join(secrets.choice(BASE62) for _ in range(43))
    return f"nrn_{kind}_{random}{checksum(random)}"


def checksum(random: str) -> str:
    """The CRC32 of a secret's random part in six base62 characters."""
    number = crc32(random.encode())
    letters = ""
    for _ in range(6):
        number, rest = divmod(number, 62)
        letters = BASE62[rest] + letters
    return letters


def digest_of(secret: str) -> bytes:
    """The SHA-256 under which a secret is found; secrets hold 256 random bits, so they need no slow hash."""
    return sha256(secret.encode()).digest()


def is_well_formed(secret: str) -> bool:
    """Whether a presented secret is of our making, as far as its prefix and its checksum tell."""
    prefix, _, tail = secret.rpartition("_")
    if len(tail) != 49 or len(secret) > 80 or not prefix.startswith("nrn_") or not secret.isascii():
        return False
    return checksum(tail[:43]) == tail[43:]

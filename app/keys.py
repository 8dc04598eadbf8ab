"""The master keys: given, or made once beside an embedded database; and the secrets that callers present."""

import os
import secrets
from base64 import urlsafe_b64encode
from functools import cache
from zlib import crc32

from app.settings import Settings
from tenants.sealing import Keyring

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class KeysMissing(Exception):
    """NOREN_MASTER_KEYS is not set; without it no secret can be sealed."""


@cache
def load_keyring(settings: Settings) -> Keyring:
    """The keyring of this installation. Raises KeysMissing when a database is given but no keys are."""
    if settings.master_keys is not None:
        return Keyring.parse(settings.master_keys.get_secret_value())
    if settings.database_url is not None:
        raise KeysMissing("Set NOREN_MASTER_KEYS to id:base64 with 32 random bytes.")
    path = settings.data_dir / "master-keys"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(new_master_key("local"))
    return Keyring.parse(path.read_text().strip())


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


def is_well_formed(secret: str) -> bool:
    """Whether a presented secret's checksum is right."""
    _, _, tail = secret.rpartition("_")
    return len(tail) == 49 and checksum(tail[:43]) == tail[43:]

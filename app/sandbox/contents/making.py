"""Contents out of nothing: the same bytes for the same message each time, made while they are read.

Pictures are real PNGs. Videos and voices are MP4 files as far as their boxes go: a player finds noise in them.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache

PICTURE_SIZE = (1024, 768)
PREVIEW_SIZE = (240, 180)
_PIECE_BYTES = 65_536
_BRANDS = {"video/mp4": b"isomiso2avc1mp41", "audio/x-m4a": b"M4A mp42isom"}


def make(kind: str, content_type: str, message_id: str, size: int) -> Iterator[bytes]:
    """The bytes of a content, `size` of them in all; a picture has the size that `measure_picture` tells."""
    if kind == "image":
        yield make_picture(message_id, *PICTURE_SIZE)
        return
    head = _head(content_type, size)[:size]
    yield head
    noise = _noise(message_id)
    for start in range(len(head), size, _PIECE_BYTES):
        yield noise[: min(_PIECE_BYTES, size - start)]


@lru_cache(maxsize=32)
def make_picture(seed: str, width: int, height: int) -> bytes:
    """A PNG of soft stripes in the colours of this seed."""
    digest = hashlib.blake2s(seed.encode()).digest()
    palette = b"".join(
        bytes(_between(digest[place], digest[place + 3], step) for place in range(3)) for step in range(256)
    )
    slant = 1 + digest[6] % 5
    row = bytes((x * 256 // width) for x in range(width)) * 2
    lines = b"".join(b"\0" + row[y * slant % width : y * slant % width + width] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(lines, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def measure_picture(seed: str) -> int:
    """How many bytes the picture of a message has."""
    return len(make_picture(seed, *PICTURE_SIZE))


def _between(first: int, last: int, step: int) -> int:
    return first + (last - first) * step // 255


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _head(content_type: str, size: int) -> bytes:
    """The boxes of an MP4 file before its media data; nothing for other files."""
    brands = _BRANDS.get(content_type)
    if brands is None:
        return b""
    kind = struct.pack(">I4s4sI", 16 + len(brands), b"ftyp", brands[:4], 512) + brands
    return kind + struct.pack(">I4sQ", 1, b"mdat", max(16, size - len(kind)))


@lru_cache(maxsize=8)
def _noise(seed: str) -> bytes:
    return hashlib.shake_128(seed.encode()).digest(_PIECE_BYTES)

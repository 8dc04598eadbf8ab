"""Images of rich menus: what one is, and how large, read from its first bytes; and all that were uploaded."""

import base64
import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from app.sandbox.world import Changes

MOST_BYTES = 1024 * 1024
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_NO_FRAME = frozenset((0xC4, 0xC8, 0xCC))
"""Markers among the starts of frames that start none."""


class ImageKind(NamedTuple):
    """A content type, and pixels."""

    content_type: str
    width: int
    height: int


def look_at(image: bytes) -> ImageKind | None:
    """What these bytes are; None if they are neither PNG nor JPEG, or broken before their size is told."""
    try:
        if image.startswith(_PNG):
            return ImageKind("image/png", *struct.unpack_from(">II", image, 16)) if image[12:16] == b"IHDR" else None
        return _look_at_jpeg(image) if image.startswith(_JPEG) else None
    except (struct.error, IndexError):
        return None


def _look_at_jpeg(image: bytes) -> ImageKind | None:
    position = 2
    while image[position] == 0xFF:
        marker = image[position + 1]
        if marker == 0xFF:  # Fill bytes may stand before a marker.
            position += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            height, width = struct.unpack_from(">HH", image, position + 5)
            return ImageKind("image/jpeg", width, height)
        (length,) = struct.unpack_from(">H", image, position + 2)
        position += 2 + length
    return None


@dataclass(slots=True)
class Images:
    """Every image once, however many menus show it. They are noted one by one, for together they are large."""

    _kept: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Digest → content type and base64 text, which is the form in which they are saved."""

    def keep(self, image: bytes, kind: ImageKind, changes: Changes) -> str:
        """The digest by which the image is opened again."""
        digest = hashlib.sha256(image).hexdigest()[:32]
        if digest not in self._kept:
            self._kept[digest] = (kind.content_type, base64.b64encode(image).decode())
            changes.note("note", "menu_images", digest, *self._kept[digest])
        return digest

    def open(self, digest: str) -> tuple[str, bytes]:
        """Content type and bytes."""
        content_type, encoded = self._kept[digest]
        return content_type, base64.b64decode(encoded)

    def keep_only(self, digests: Iterable[str | None], changes: Changes) -> None:
        """Drop those that no menu shows any more."""
        for digest in self._kept.keys() - set(digests):
            del self._kept[digest]
            changes.note("note", "menu_images", digest, None, None)

    def saved(self) -> Any:
        """All of them."""
        return self._kept

    def restore(self, value: Any) -> None:
        """Take them back."""
        self._kept = {digest: (content_type, encoded) for digest, (content_type, encoded) in value.items()}

    def replay(self, *change: Any) -> None:
        """One that was kept, or dropped."""
        digest, content_type, encoded = change
        if content_type is None:
            self._kept.pop(digest, None)
        else:
            self._kept[digest] = (content_type, encoded)

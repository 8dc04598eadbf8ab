"""From what was uploaded to what is served: looked at by its content, freed of all hidden data, in every size.

A photograph says where it was taken, and more; nothing of that goes to customers. So the picture is decoded and written
anew, which also leaves nothing of a file that is a picture and something else at once.
"""

import io
import warnings
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from app.media.problems import ImageUnusable

MOST_BYTES: Final = 10_000_000
"""Of an image, by LINE."""
MOST_PIXELS: Final = 25_000_000
"""Decoded they take three bytes each: a small file may unpack to a huge picture."""
PREVIEW_BYTES: Final = 1_000_000
PREVIEW_SIDE: Final = 1024
IMAGEMAP_WIDTHS: Final = (1040, 700, 460, 300, 240)
_TALLEST: Final = 4
"""Times its width: an imagemap of a strip would be drawn thousands of pixels high."""
_TYPES: Final = {"JPEG": "image/jpeg", "PNG": "image/png"}
_QUALITIES: Final = (90, 80, 65, 50)


@dataclass(frozen=True)
class File:
    """One file to serve."""

    size: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Made:
    """An image in all its sizes."""

    media_type: str
    width: int
    height: int
    files: tuple[File, ...]

    @property
    def size_bytes(self) -> int:
        """Of all its files."""
        return sum(len(file.content) for file in self.files)


def make(content: bytes) -> Made:
    """All sizes of an uploaded image. Raises ImageUnusable."""
    picture, form = _open(content)
    has_alpha = picture.mode == "RGBA"
    original = _write(picture, form, MOST_BYTES)
    preview = picture.copy()
    preview.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    files = [original("original"), _write(preview, "JPEG", PREVIEW_BYTES)("preview")]
    if picture.height <= _TALLEST * picture.width:
        for width in IMAGEMAP_WIDTHS:
            height = max(1, round(picture.height * width / picture.width))
            sized = picture.resize((width, height), Image.Resampling.LANCZOS)
            files.append(_write(sized, "PNG" if has_alpha else "JPEG", MOST_BYTES)(str(width)))
    return Made(files[0].media_type, picture.width, picture.height, tuple(files))


def _open(content: bytes) -> tuple[Image.Image, str]:
    """The picture upright, in colours that every size can have, and whether it is a JPEG or a PNG."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(content), formats=tuple(_TYPES))
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning, *_BROKEN) as error:
        raise ImageUnusable("LINE shows JPEG and PNG; this file is neither, whatever its name.") from error
    if opened.width * opened.height > MOST_PIXELS:
        raise ImageUnusable(f"{opened.width} × {opened.height} pixels are too many; {MOST_PIXELS:,} are taken.")
    if getattr(opened, "n_frames", 1) > 1:
        raise ImageUnusable("The image moves; save one picture of it.")
    try:
        upright = ImageOps.exif_transpose(opened)
        has_alpha = upright.has_transparency_data
        picture = _to_srgb(upright).convert("RGBA" if has_alpha else "RGB")
    except _BROKEN as error:
        raise ImageUnusable("The file is cut short or damaged.") from error
    picture.info = {}  # comments, and whatever else came with it
    return picture, str(opened.format)


def _to_srgb(picture: Image.Image) -> Image.Image:
    """The picture in the colours that every screen takes it for; telephones photograph in others."""
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode != "RGB":
        return picture
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        turned = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError):
        return picture
    return picture if turned is None else turned


# What Pillow raises at files that are not what they say.
_BROKEN: Final = (OSError, SyntaxError, ValueError, EOFError, OverflowError, IndexError, KeyError, TypeError)


class _Writer:
    def __init__(self, media_type: str, content: bytes) -> None:
        self.media_type, self.content = media_type, content

    def __call__(self, size: str) -> File:
        return File(size, self.media_type, self.content)


def _write(picture: Image.Image, form: str, most: int) -> _Writer:
    """The picture as a file of at most so many bytes; a PNG that becomes larger goes as a JPEG."""
    if form == "PNG":
        content = _save(picture, "PNG")
        if len(content) <= most:
            return _Writer("image/png", content)
    flat = _flatten(picture)
    for quality in _QUALITIES:
        content = _save(flat, "JPEG", quality=quality, optimize=True, progressive=True)
        if len(content) <= most:
            return _Writer("image/jpeg", content)
    raise ImageUnusable(f"The image does not fit into {most:,} bytes; make it smaller.")


def _save(picture: Image.Image, form: str, **options: int | bool) -> bytes:
    target = io.BytesIO()
    picture.save(target, form, **options)
    return target.getvalue()


def _flatten(picture: Image.Image) -> Image.Image:
    if picture.mode == "RGB":
        return picture
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground

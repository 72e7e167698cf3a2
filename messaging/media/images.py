"""Sanitize images by re-encoding them in a sandboxed child process, and create thumbnails."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from typing import IO

from core.decoding import sandbox
from core.errors import InvalidInput

MAX_PIXELS = 50_000_000
_MOST_PIXELS = {
    "image/png": 16_000_000,
    "image/gif": 16_000_000,
    "image/webp": 6_000_000,
    "image/heic": 25_000_000,
}
"""Pixel limits by the memory of the child process: JPEG is decoded at reduced size, WebP needs 20 bytes a pixel."""
MAX_ANIMATED_PIXELS = 16_000_000
"""Limit for all frames together, which are in memory at once."""
MAX_FRAMES = 1000
MAX_SIDE = 4096
"""Maximum width and height in pixels; larger images are scaled down."""
THUMBNAIL = 320


@dataclass(frozen=True)
class SanitizedImage:
    """A re-encoded image. file: positioned at its start. width, height: pixels. thumbnail: JPEG."""

    file: IO[bytes]
    width: int
    height: int
    thumbnail: bytes


def sanitize(source: IO[bytes], mime: str, *, owner: object = None) -> SanitizedImage:
    """Re-encode an image: upright, without EXIF data and without appended data.

    Keeps the format (HEIC becomes JPEG) and animations. owner: images of one owner are decoded one at a time. Raises
    InvalidInput("broken_image", "image_too_large"), sandbox.Busy, OSError.
    """
    max_pixels = min(MAX_PIXELS, _MOST_PIXELS.get(mime, MAX_PIXELS))
    try:
        result = sandbox.run(
            "picture_reader",
            source,
            owner=owner,
            mime=mime,
            max_pixels=max_pixels,
            max_animated_pixels=MAX_ANIMATED_PIXELS,
            max_frames=MAX_FRAMES,
            max_side=MAX_SIDE,
            thumbnail=THUMBNAIL,
        )
    except sandbox.Refused as refusal:
        if refusal.reason == "broken":
            raise InvalidInput(
                "broken_image", "This picture is damaged and cannot be opened.", field="file"
            ) from None
        raise InvalidInput(
            "image_too_large",
            f"This picture has too many pixels; at most {max_pixels // 1_000_000} million are accepted "
            f"({MAX_ANIMATED_PIXELS // 1_000_000} million for the {MAX_FRAMES:,} frames of an animation). "
            "Make it smaller.",
            field="file",
        ) from None
    values = result.values
    return SanitizedImage(result.file, values["width"], values["height"], b64decode(values["thumbnail"]))

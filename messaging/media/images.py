"""Pictures written anew, so that nothing but the picture is left, and their thumbnails. Decoded in a child process."""

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
"""What a child has memory for: JPEG is decoded at a fraction of its size, WebP needs 20 bytes a pixel."""
MAX_ANIMATED_PIXELS = 16_000_000
"""Of all frames together; they are in memory at once."""
MAX_FRAMES = 1000
MAX_SIDE = 4096
"""Larger pictures are scaled down: WhatsApp shows less."""
THUMBNAIL = 320


@dataclass(frozen=True)
class Picture:
    """A clean picture: its file (at the start), its size in pixels, and a small copy."""

    file: IO[bytes]
    width: int
    height: int
    thumbnail: bytes


def clean(source: IO[bytes], mime: str, *, owner: object = None) -> Picture:
    """Write the picture anew: upright, without EXIF (places, devices) or anything hidden behind it.

    The format stays (HEIC becomes JPEG), animations stay animated. owner: whose picture it is; one at a time is decoded
    for each. Raises InvalidInput("broken_image", "image_too_large"), sandbox.Busy, OSError.
    """
    most = min(MAX_PIXELS, _MOST_PIXELS.get(mime, MAX_PIXELS))
    try:
        result = sandbox.run(
            "picture_reader",
            source,
            owner=owner,
            mime=mime,
            max_pixels=most,
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
            f"This picture has too many pixels; at most {most // 1_000_000} million are accepted "
            f"({MAX_ANIMATED_PIXELS // 1_000_000} million for the {MAX_FRAMES:,} frames of an animation). "
            "Make it smaller.",
            field="file",
        ) from None
    values = result.values
    return Picture(result.file, values["width"], values["height"], b64decode(values["thumbnail"]))

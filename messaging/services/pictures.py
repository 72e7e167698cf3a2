"""Pictures: decoded and written anew, so that nothing but the picture is left, and their thumbnails."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any

import structlog
from PIL import Image, ImageOps, ImageSequence

from whatsflow.core.errors import DomainError, InvalidInput

log = structlog.get_logger(__name__)

MAX_PIXELS = 50_000_000
MAX_ANIMATED_PIXELS = 20_000_000
"""Of all frames together; they are in memory at once."""
MAX_FRAMES = 1000
MAX_SIDE = 4096
"""Larger pictures are scaled down: WhatsApp shows less."""
THUMBNAIL = 320
_SPOOL = 4 * 1024 * 1024

_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF"}
_OPTIONS: dict[str, dict[str, Any]] = {"JPEG": {"quality": 90}, "PNG": {}, "WEBP": {"quality": 90}, "GIF": {}}
_KEPT = {"icc_profile", "transparency", "duration", "loop", "background"}
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Picture:
    """A clean picture: its file (at the start), its size in pixels, and a small copy."""

    file: IO[bytes]
    width: int
    height: int
    thumbnail: bytes


def clean(source: IO[bytes], mime: str) -> Picture:
    """Write the picture anew: upright, without EXIF (places, devices) or anything hidden behind it.

    Raises InvalidInput("broken_image", "image_too_large"). The format stays; animations stay animated.
    """
    kind = _FORMATS[mime]
    try:
        with Image.open(source, formats=[kind]) as image:
            _check(image)
            if getattr(image, "n_frames", 1) > 1:
                return _animation(image, kind)
            image.draft("RGB", (MAX_SIDE, MAX_SIDE))
            return _still(image, kind)
    except _BOMBS:
        raise _too_large() from None
    except DomainError:
        raise
    except Exception as error:  # what a decoder raises for bytes that somebody made up is not to be foreseen
        log.info("picture_refused", reason=type(error).__name__)
        raise InvalidInput(
            "broken_image", "This picture is damaged and cannot be opened.", field="file"
        ) from None


def _too_large() -> InvalidInput:
    return InvalidInput(
        "image_too_large",
        f"This picture has too many pixels; at most {MAX_PIXELS // 1_000_000} million are accepted "
        f"({MAX_ANIMATED_PIXELS // 1_000_000} million for the {MAX_FRAMES:,} frames of an animation). Make it smaller.",
        field="file",
    )


def _check(image: Image.Image) -> None:
    """The size is in the header: nothing has been unpacked yet."""
    pixels = image.width * image.height
    if pixels > MAX_PIXELS:
        raise _too_large()
    frames = _frames(image)
    if frames > MAX_FRAMES or (frames > 1 and pixels * frames > MAX_ANIMATED_PIXELS):
        raise _too_large()


def _frames(image: Image.Image) -> int:
    """How many; at most one more than MAX_FRAMES. A GIF tells only by being read: a million empty ones take minutes."""
    if image.format != "GIF":
        return int(getattr(image, "n_frames", 1))
    try:
        image.seek(MAX_FRAMES)
    except EOFError:
        image.seek(0)
        return int(getattr(image, "n_frames", 1))
    return MAX_FRAMES + 1


def _still(image: Image.Image, kind: str) -> Picture:
    image.load()
    upright = ImageOps.exif_transpose(image)
    upright.info = {name: value for name, value in upright.info.items() if name in _KEPT}
    upright.thumbnail((MAX_SIDE, MAX_SIDE))
    if kind == "JPEG" and upright.mode not in ("RGB", "L"):
        upright = upright.convert("RGB")
    options = dict(_OPTIONS[kind])
    if profile := upright.info.get("icc_profile"):
        options["icc_profile"] = profile
    return Picture(_written(upright, kind, options), *upright.size, _thumbnail(upright))


def _animation(image: Image.Image, kind: str) -> Picture:
    frames = [frame.copy() for frame in ImageSequence.Iterator(image)]
    options: dict[str, Any] = {
        **_OPTIONS[kind],
        "save_all": True,
        "append_images": frames[1:],
        "duration": [frame.info.get("duration", 100) for frame in frames],
        "loop": image.info.get("loop", 0),
    }
    for frame in frames:
        frame.info = {name: value for name, value in frame.info.items() if name in _KEPT}
    return Picture(_written(frames[0], kind, options), *frames[0].size, _thumbnail(frames[0]))


def _written(image: Image.Image, kind: str, options: dict[str, Any]) -> IO[bytes]:
    file = tempfile.SpooledTemporaryFile(max_size=_SPOOL)  # noqa: SIM115 - the caller reads it
    image.save(file, kind, **options)
    file.seek(0)
    return file


def _thumbnail(image: Image.Image) -> bytes:
    """A small JPEG; what is transparent becomes white."""
    small = image.copy()
    small.info = {name: value for name, value in small.info.items() if name == "transparency"}
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    if small.mode not in ("RGB", "L"):
        colours = small.convert("RGBA")
        small = Image.new("RGB", colours.size, "white")
        small.paste(colours, mask=colours.getchannel("A"))
    out = BytesIO()
    small.save(out, "JPEG", quality=80)
    return out.getvalue()

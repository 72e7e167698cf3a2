"""Reader of pictures: decodes and re-encodes them. Runs in the child process, with only Pillow loaded.

The memory for decoding is estimated from the header, and too large pictures are rejected. If the header is wrong, or an
estimate impossible (progressive JPEG), the memory limit of the process applies.
"""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import IO, Any

from child import Refused
from PIL import Image, ImageFile, ImageOps, ImageSequence

FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/heic": "HEIF",
}
"""Media type -> Pillow's name of the format."""
OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 90},
    "PNG": {},
    "WEBP": {"quality": 90, "method": 2},
    "GIF": {},
}
ANIMATED = {"WEBP": {"quality": 90, "method": 0}}
LARGE_PNG = 2_000_000
"""Pixels from which a PNG is compressed for speed instead of size."""
KEPT = {"icc_profile", "transparency", "duration", "loop", "background"}
MAX_DECODED = 16_000_000
"""Pixels above which a JPEG is decoded at a half, a quarter or an eighth of its size."""
MAX_PROGRESSIVE = 18_000_000
"""Largest progressive JPEG, whose coefficients are all in memory beside the picture."""
MAX_WHOLE_PROGRESSIVE = 13_000_000
MAX_PROFILE = 1024 * 1024
"""Bytes of a colour profile; larger ones are dropped."""


def read(
    source: IO[bytes],
    out: IO[bytes],
    *,
    mime: str,
    max_pixels: int,
    max_animated_pixels: int,
    max_frames: int,
    max_side: int,
    thumbnail: int,
) -> dict[str, Any]:
    """Re-encode the picture to `out`. Returns its size and thumbnail. Raises Refused("pixels", "memory")."""
    kind = FORMATS[mime]
    if kind == "GIF":
        _refuse_frames(source, max_frames, max_animated_pixels)
    if kind == "WEBP":
        _refuse_canvas(source, max_pixels)
    Image.MAX_IMAGE_PIXELS = 3 * max_pixels
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    if kind == "HEIF":
        image, kind = _heif(source, max_pixels, max_side), "JPEG"
    else:
        try:
            image = Image.open(source, formats=[kind])
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise Refused("pixels") from None
        pixels, frames = image.width * image.height, getattr(image, "n_frames", 1)
        if pixels > max_pixels * (3 if image.mode in ("1", "L", "P") and kind == "PNG" else 1):
            raise Refused("pixels")
        if image.info.get("progressive") and pixels > MAX_PROGRESSIVE:
            raise Refused("pixels")
        if frames > 1 and kind != "JPEG":  # several pictures in a JPEG are previews of the first
            if frames > max_frames or pixels * frames > max_animated_pixels:
                raise Refused("pixels")
            return _animation(image, kind, out, thumbnail)
        image = _still(image, kind, max_side)
    options = dict(OPTIONS[kind])
    if kind == "PNG" and image.width * image.height > LARGE_PNG:
        options["compress_level"] = 1
    if (profile := image.info.get("icc_profile")) and len(profile) <= MAX_PROFILE:
        options["icc_profile"] = profile
    if kind == "JPEG" and image.mode not in ("RGB", "L"):
        image = image.convert("RGB")
    try:
        image.save(out, kind, **options)
    except ValueError:  # raised by libwebp when memory runs out
        raise Refused("memory") from None
    return _description(image, thumbnail)


def _description(image: Image.Image, thumbnail: int) -> dict[str, Any]:
    small = b64encode(_thumbnail(image, thumbnail)).decode()
    return {"width": image.width, "height": image.height, "thumbnail": small}


def _still(source: Image.Image, kind: str, max_side: int) -> Image.Image:
    """Decode a single picture, upright, scaled down to `max_side`, without metadata except colour information."""
    if kind == "JPEG":
        most = MAX_WHOLE_PROGRESSIVE if source.info.get("progressive") else MAX_DECODED
        scale = next((step for step in (1, 2, 4) if source.width * source.height <= most * step * step), 8)
        source.draft(None, (source.width // scale, source.height // scale))
    source.load()
    orientation = source.getexif().get(0x0112, 1)
    info = dict(item for item in source.info.items() if item[0] in KEPT)
    source.thumbnail((max_side, max_side))
    if orientation != 1:
        ImageOps.exif_transpose(source, in_place=True)
    # a copy frees WebP's decoder, which holds the canvas three times
    image = source.copy() if kind == "WEBP" else source
    image.info = info
    return image


def _heif(source: IO[bytes], max_pixels: int, max_side: int) -> Image.Image:
    """Decode the first picture of a HEIC file, in strips: as a whole it would be in memory three times."""
    import pillow_heif

    pillow_heif.options.DECODE_THREADS = 1
    pillow_heif.options.THUMBNAILS = pillow_heif.options.DEPTH_IMAGES = pillow_heif.options.AUX_IMAGES = False
    heif = pillow_heif.open_heif(source, convert_hdr_to_8bit=True)[0]
    width, height = heif.size
    if width * height > max_pixels:
        raise Refused("pixels")
    data, stride, mode = memoryview(heif.data), heif.stride, heif.mode
    if mode not in ("RGB", "RGBA", "L"):
        raise Refused("broken")
    factor = -(-max(width, height) // max_side)
    rows = 16 * factor
    image = Image.new("L" if mode == "L" else "RGB", (-(-width // factor), -(-height // factor)), "white")
    for top in range(0, height, rows):
        size = (width, min(rows, height - top))
        strip_bytes = bytes(data[top * stride : (top + size[1]) * stride])
        strip = Image.frombuffer(mode, size, strip_bytes, "raw", mode, stride, 1).reduce(factor)
        image.paste(strip, (0, top // factor), strip if mode == "RGBA" else None)
    if profile := heif.info.get("icc_profile"):
        image.info["icc_profile"] = profile
    return image


def _animation(image: Image.Image, kind: str, out: IO[bytes], thumbnail: int) -> dict[str, Any]:
    frames = [frame.copy() for frame in ImageSequence.Iterator(image)]
    options: dict[str, Any] = {
        **ANIMATED.get(kind, OPTIONS[kind]),
        "save_all": True,
        "append_images": frames[1:],
        "duration": [frame.info.get("duration", 100) for frame in frames],
        "loop": image.info.get("loop", 0),
    }
    for frame in frames:
        frame.info = dict(item for item in frame.info.items() if item[0] in KEPT)
    frames[0].save(out, kind, **options)
    return _description(frames[0], thumbnail)


def _thumbnail(image: Image.Image, size: int) -> bytes:
    """Encode a thumbnail as JPEG, with white for transparency."""
    if max(image.size) > 4 * size:  # nearest neighbour: other filters copy the whole picture
        small = ImageOps.contain(image, (4 * size, 4 * size), Image.Resampling.NEAREST)
    else:
        small = image.copy()
    if image.mode in ("P", "1") or "transparency" in image.info:
        small.info = dict(item for item in image.info.items() if item[0] == "transparency")
        small = small.convert("RGBA")
    small.thumbnail((size, size))
    if small.mode not in ("RGB", "L"):
        colours = small.convert("RGBA")
        small = Image.new("RGB", colours.size, "white")
        small.paste(colours, mask=colours.getchannel("A"))
    small.info = {}
    file = BytesIO()
    small.save(file, "JPEG", quality=80)
    return file.getvalue()


def _refuse_canvas(source: IO[bytes], max_pixels: int) -> None:
    """Raise Refused for a WebP with a too large canvas in its header: opening it allocates the canvas twice."""
    head = source.read(30)
    source.seek(0)
    kind = head[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    if width * height > max_pixels:
        raise Refused("pixels")


def _refuse_frames(source: IO[bytes], max_frames: int, max_pixels: int) -> None:
    """Raise Refused for a GIF with too many frames or pixels, reading block headers only.

    Frames may exceed the size in the file's header, so the limit applies to the canvas that contains them all.
    """
    data = source.read()
    source.seek(0)
    width, height = (int.from_bytes(data[at : at + 2], "little") for at in (6, 8))
    at = 13 + _palette(data[10])
    frames = 0
    while at < len(data) and data[at] in b"!,":
        if data[at] == 0x2C:
            left, top, wide, high = (
                int.from_bytes(data[at + n : at + n + 2], "little") for n in (1, 3, 5, 7)
            )
            width, height = max(width, left + wide), max(height, top + high)
            frames += 1
            if frames > max_frames or (frames > 1 and width * height * frames > max_pixels):
                raise Refused("pixels")
            at += 11 + _palette(data[at + 9])
        else:
            at += 2
        while at < len(data) and data[at]:  # sub-blocks of up to 255 bytes, ended by an empty one
            at += data[at] + 1
        at += 1
    if width * height > max_pixels:
        raise Refused("pixels")


def _palette(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0

"""Files that cost far more than they weigh, made by code. Each is called so that the door's process finds it again."""

from __future__ import annotations

import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

from PIL import Image

from tests.contacts.importing.samples import repacked, xlsx

BLANK_WEBP = bytes([0b10001000, 0b10001000, 0b00001000])
"""Pixels of a lossless WebP of one colour: five prefix codes of one symbol, so that a pixel takes no bit."""


def encoded(kind: str, size: tuple[int, int], **options: object) -> bytes:
    out = BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(out, kind, **options)
    return out.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<L", len(data)) + data + b"\0" * (len(data) % 2)


def lossless(width: int, height: int) -> bytes:
    bits = (width - 1) | (height - 1) << 14 | 1 << 28
    return chunk(b"VP8L", b"\x2f" + struct.pack("<L", bits) + BLANK_WEBP + b"\0" * 8)


def webp(width: int, height: int, frames: int = 0) -> bytes:
    body = lossless(width, height)
    if frames:
        size = struct.pack("<L", width - 1)[:3] + struct.pack("<L", height - 1)[:3]
        frame = chunk(b"ANMF", bytes(6) + size + b"\x32\0\0\0" + body)
        body = chunk(b"VP8X", b"\x12\0\0\0" + size) + chunk(b"ANIM", bytes(6)) + frame * frames
    return b"RIFF" + struct.pack("<L", len(body) + 4) + b"WEBP" + body


def png(width: int, height: int, *more: tuple[bytes, bytes], pixels: bytes = b"") -> bytes:
    def part(name: bytes, data: bytes) -> bytes:
        return struct.pack(">L", len(data)) + name + data + struct.pack(">L", zlib.crc32(name + data))

    head = struct.pack(">2L5B", width, height, 8, 6, 0, 0, 0)
    parts = [(b"IHDR", head), *more, (b"IDAT", zlib.compress(pixels, 1)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(part(*one) for one in parts)


def gif(canvas: tuple[int, int], frames: int, *blocks: bytes) -> bytes:
    head = b"GIF89a" + struct.pack("<2H3B", *canvas, 0xF7, 0, 0) + bytes(range(256)) * 3
    return head + b"".join(blocks[number % len(blocks)] for number in range(frames)) + b";"


def gif_frame(side: int, seed: int) -> bytes:
    """A frame of noise."""
    out = BytesIO()
    noise = bytes(byte & 63 for byte in random.Random(seed).randbytes(side * side))
    Image.frombytes("L", (side, side), noise).save(out, "GIF")
    data = out.getvalue()
    return b"!\xf9\x04\x04\x05\0\0\0" + data[data.index(b",\0\0\0\0") : -1]


def gif_of_noise() -> bytes:
    return gif((190, 190), 426, *(gif_frame(190, seed) for seed in range(6)))


EMPTY_FRAME = b",\0\0\0\0\1\0\1\0\0\2\2D\1\0"


def jpeg_of(width: int, height: int, **options: object) -> bytes:
    """Whose header says that it is larger than its pixels."""
    data = encoded("JPEG", (64, 64), **options)
    return data.replace(struct.pack(">HH", 64, 64), struct.pack(">HH", height, width), 1)


def heic_of(side: int) -> bytes:
    import pillow_heif

    out = BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 64), "red")).save(out)
    return out.getvalue().replace(
        b"ispe" + struct.pack(">3L", 0, 64, 64), b"ispe" + struct.pack(">3L", 0, side, side)
    )


PICTURES: dict[str, Callable[[], bytes]] = {
    "2 KB WebP of 7071 x 7071.webp": lambda: webp(7071, 7071) + bytes(2000),
    "largest WebP taken.webp": lambda: webp(2449, 2449),
    "WebP of 300 large frames.webp": lambda: webp(2000, 2000, 300),
    "GIF of 426 frames.gif": gif_of_noise,
    "GIF of a million frames.gif": lambda: gif((1, 1), 1_000_000, EMPTY_FRAME),
    "GIF whose frame is larger than it.gif": lambda: gif((1, 1), 2, b",\0\0\0\0\xff\xff\xff\xff\0\2\2D\1\0"),
    "PNG of 60000 x 60000.png": lambda: png(60_000, 60_000, pixels=bytes(1000)),
    "largest PNG taken.png": lambda: png(4000, 4000, pixels=bytes(4000 * 16_001)),
    "PNG with a bomb of text.png": lambda: png(
        1, 1, *[(b"zTXt", b"a\0\0" + zlib.compress(bytes(60_000_000)))] * 9, pixels=bytes(5)
    ),
    "PNG with a bomb of a profile.png": lambda: png(
        1, 1, (b"iCCP", b"a\0\0" + zlib.compress(bytes(60_000_000))), pixels=bytes(5)
    ),
    "JPEG of 65500 x 65500.jpg": lambda: jpeg_of(65_500, 65_500),
    "JPEG that is smaller than it says.jpg": lambda: jpeg_of(7000, 7000),
    "progressive JPEG that is smaller than it says.jpg": lambda: jpeg_of(4200, 4200, progressive=True),
    "cut JPEG.jpg": lambda: encoded("JPEG", (800, 600))[:20_000],
    "cut WebP.webp": lambda: encoded("WEBP", (800, 600))[:20_000],
    "cut PNG.png": lambda: encoded("PNG", (400, 300))[:20_000],
}  # fmt: skip


def million_parts() -> bytes:
    """A workbook's list of contents with a million empty parts, of which it admits a few."""
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    directory = entry * 1_000_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 16_960, 16_960, len(directory), 4, 0)
    return b"PK\x03\x04" + directory + end


def honest_parts() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/workbook.xml", b"x")
        for number in range(20_000):
            archive.writestr(str(number), b"")
    return out.getvalue()


SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'
TEXT = b'<c r="%s" t="inlineStr"><is><t>x</t></is></c>'


def sheet(rows: bytes) -> bytes:
    return repacked(xlsx(["Name", "Phone"], ["Anna", "+447700900123"]), sheet=SHEET % rows)


def wide_row() -> bytes:
    pick = random.Random(1)
    return (
        b'<row r="1">'
        + b"".join(b"<c><v>%d</v></c>" % pick.randrange(10**6) for _ in range(1_500_000))
        + b"</row>"
    )


TABLES: dict[str, Callable[[], bytes]] = {
    "a million parts.xlsx": million_parts,
    "twenty thousand parts.xlsx": honest_parts,
    "a sheet of zeros.xlsx": lambda: repacked(xlsx(["Name"]), sheet=bytes(80_000_000)),
    "two cells far apart.xlsx": lambda: sheet(
        b'<row r="1">' + TEXT % b"A1" + b'</row><row r="499999">' + TEXT % b"GR499999" + b"</row>"
    ),
    "a row of a million cells.xlsx": lambda: sheet(wide_row()),
    "an endless row.csv": lambda: b'Name,Phone\n' + b'"\n",' * 8_000_000,
    "a million columns.csv": lambda: b"," * 1_000_000 + b"\n",
    "an endless line.csv": lambda: b"x" * 50_000_000,
    "long lines.csv": lambda: ("ű," * 90 + "ű" * 800_000 + "\n").encode() * 30,
    "only ends of lines.csv": lambda: b"Name,Phone\n" + b"\n" * 50_000_000,
    "quoted-printable.vcf": lambda: (
        b"BEGIN:VCARD\nNOTE;ENCODING=QUOTED-PRINTABLE:" + b"=3D=\n" * 9_000_000 + b"\nEND:VCARD\n"
    ),
    "a picture of base64.vcf": lambda: b"BEGIN:VCARD\nPHOTO;ENCODING=b:" + b"A" * 75 + (b"\n " + b"A" * 75) * 600_000,
    "long properties.vcf": lambda: b"BEGIN:VCARD\n" + (b"NOTE:" + b"x" * 900_000 + b"\n") * 50 + b"END:VCARD\n",
    "countless cards.vcf": lambda: b"BEGIN:VCARD\nEND:VCARD\n" * 2_000_000,
}  # fmt: skip

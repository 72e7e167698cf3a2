"""Files that were made to cost more than they weigh, or to break whoever opens them."""

from __future__ import annotations

import random
import struct
import zipfile
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.errors import InvalidInput
from core.files import archives
from messaging.media import filetypes, images


def _document() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", b"x")
        archive.writestr("word/document.xml", b"x")
    return out.getvalue()


def test_a_second_larger_list_of_an_archives_contents_is_not_read() -> None:
    """The ZIP64 record overrules the plain one, whose size is what was measured."""
    plain = _document()
    end = plain.rfind(b"PK\x05\x06")
    start = struct.unpack_from("<L", plain, end + 16)[0]
    large = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 2, 2, end - start, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    small = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, 100, 0, 0)
    assert zipfile.ZipFile(BytesIO(plain[:end] + large + locator + small)).namelist()

    found = filetypes.identify(BytesIO(plain[:end] + large + locator + small), "a.docx")

    assert (found.kind, found.extensions) == ("document", ())
    assert filetypes.identify(BytesIO(plain), "a.docx").extensions == ("docx",)


@pytest.mark.parametrize("count", [0, 1, 3, 65_535])
def test_an_archive_that_lies_about_the_number_of_its_entries_is_refused(count: int) -> None:
    plain = bytearray(_document())
    struct.pack_into("<2H", plain, len(plain) - 14, count, count)

    with pytest.raises((archives.BadArchive, archives.ArchiveTooLarge)):
        archives.open_archive(BytesIO(bytes(plain)))


def test_an_honest_archive_in_zip64_is_opened() -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive, archive.open("a", "w", force_zip64=True) as part:
        part.write(b"x" * 100)
    assert archives.open_archive(out, max_unpacked=100).namelist() == ["a"]
    with pytest.raises(archives.ArchiveTooLarge):
        archives.open_archive(out, max_unpacked=99)


@given(st.binary(max_size=200), st.integers(0, 300))
def test_no_bytes_break_the_guard_of_archives(noise: bytes, at: int) -> None:
    plain = _document()
    with suppress(archives.BadArchive, archives.ArchiveTooLarge):
        archives.open_archive(BytesIO(plain[:at] + noise + plain[at + len(noise) :]))


def _gif(frames: int) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"!\xf9\x04\0\x01\0\0\0" + b",\0\0\0\0\1\0\1\0\0\2\2D\1\0"
    return head + frame * frames + b";"


def test_an_animation_of_countless_tiny_frames_is_refused_before_they_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(images, "MAX_FRAMES", 20)

    with pytest.raises(InvalidInput) as refused:
        images.sanitize(BytesIO(_gif(21)), "image/gif")

    assert refused.value.code == "image_too_large"
    assert images.sanitize(BytesIO(_gif(20)), "image/gif").width == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_whatever_is_changed_in_a_picture_it_is_read_or_refused(kind: str) -> None:
    out = BytesIO()
    Image.effect_noise((120, 90), 50).save(out, kind)
    mime = f"image/{kind.lower()}"
    chance = random.Random(7)
    for _ in range(12):
        changed = bytearray(out.getvalue())
        for _ in range(chance.randrange(1, 30)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        with suppress(InvalidInput):
            images.sanitize(BytesIO(bytes(changed)), mime)

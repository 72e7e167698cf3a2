"""Files that were made to cost more than they weigh, or to break whoever opens them."""

from __future__ import annotations

import struct
import zipfile
from io import BytesIO

import pytest

from messaging.services import filetypes, pictures
from whatsflow.core.errors import InvalidInput


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


def _gif(frames: int) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"!\xf9\x04\0\x01\0\0\0" + b",\0\0\0\0\1\0\1\0\0\2\2D\1\0"
    return head + frame * frames + b";"


def test_an_animation_of_countless_tiny_frames_is_refused_before_they_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures, "MAX_FRAMES", 20)

    with pytest.raises(InvalidInput) as refused:
        pictures.clean(BytesIO(_gif(21)), "image/gif")

    assert refused.value.code == "image_too_large"
    assert pictures.clean(BytesIO(_gif(20)), "image/gif").width == 1


@pytest.mark.parametrize("error", [RuntimeError, TypeError, struct.error, OverflowError, ZeroDivisionError])
def test_whatever_a_decoder_raises_the_picture_is_damaged(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def broken(*args: object) -> None:
        raise error("made up bytes")

    monkeypatch.setattr(pictures, "_still", broken)

    with pytest.raises(InvalidInput) as refused:
        pictures.clean(BytesIO(_gif(1)), "image/gif")

    assert refused.value.code == "broken_image"

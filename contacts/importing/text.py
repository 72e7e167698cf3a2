"""Detect the encoding of a text file, and read it without failing halfway."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, cast

from contacts.importing.limits import MAX_LINES, Unreadable, too_many_rows

SAMPLE = 256 * 1024
LINE_LENGTH = 1_000_000
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CHOICES = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16 (Outlook)",
    "cp1252": "Western European (Windows)",
    "cp1250": "Central European (Windows)",
    "cp1251": "Cyrillic (Windows)",
    "cp1253": "Greek (Windows)",
    "cp1254": "Turkish (Windows)",
    "cp1255": "Hebrew (Windows)",
    "cp1256": "Arabic (Windows)",
    "cp1257": "Baltic (Windows)",
    "cp874": "Thai (Windows)",
    "mac_roman": "Western European (Mac)",
    "koi8_r": "Cyrillic (KOI8-R)",
    "cp932": "Japanese (Shift JIS)",
    "gb18030": "Chinese, simplified",
    "big5": "Chinese, traditional",
    "cp949": "Korean",
}
"""Encodings to choose from when the detection is wrong."""
FALLBACK = "cp1252"
BINARIES = (
    (b"%PDF", "a PDF"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a packed file"),
    (b"7z\xbc\xaf", "a packed file"),
    (b"Rar!", "a packed file"),
    (b"SQLite format 3", "a database"),
)


def encoding_of(file: IO[bytes]) -> str:
    """Detect the encoding of a file.

    By byte order mark, valid UTF-8, zero bytes, or the likeliest language.
    """
    file.seek(0)
    head = file.read(SAMPLE)
    refuse_binary(head)
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return encoding
    if encoding := _by_zeros(head):
        return encoding
    if _is_utf8(file):
        return "utf-8"
    return _by_language(head)


def refuse_binary(head: bytes) -> None:
    """Raise Unreadable for a file that is not text."""
    for magic, what in BINARIES:
        if head.startswith(magic):
            raise Unreadable(
                "not_a_table", f"This is {what}, not a table. Upload a CSV, XLSX or vCard (VCF) file."
            )


def _by_zeros(head: bytes) -> str:
    """Detect UTF-16 without a mark: every second byte of Latin text is zero."""
    half = max(len(head) // 2, 1)
    if head[1::2].count(0) > 0.4 * half and head[0::2].count(0) < 0.1 * half:
        return "utf-16-le"
    if head[0::2].count(0) > 0.4 * half and head[1::2].count(0) < 0.1 * half:
        return "utf-16-be"
    return ""


def _is_utf8(file: IO[bytes]) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := file.read(1024 * 1024):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _by_language(head: bytes) -> str:
    from charset_normalizer import from_bytes  # not loaded before somebody needs it

    usable = [name for name in CHOICES if name not in ("utf-8", "utf-16")]
    best = from_bytes(head[:65536], cp_isolation=usable, preemptive_behaviour=False).best()
    return best.encoding if best is not None else FALLBACK


@dataclass
class Damage:
    """Damage that `lines` repaired."""

    nuls: int = 0
    replaced: int = 0

    @property
    def notes(self) -> list[str]:
        """Return the repairs as texts."""
        texts = []
        if self.nuls:
            texts.append("The file holds NUL characters; they were left out.")
        if self.replaced:
            texts.append(
                "Some characters do not fit the file's encoding and are shown as “�”. Choose another encoding if names "
                "look wrong."
            )
        return texts


def lines(file: IO[bytes], encoding: str, damage: Damage) -> Iterator[str]:
    """Yield the lines with their ends.

    NULs are left out; undecodable bytes become "�".
    """
    file.seek(0)
    reader = io.TextIOWrapper(cast(Any, file), encoding, "replace", newline="")
    try:
        for number, line in enumerate(iter(partial(reader.readline, LINE_LENGTH), "")):
            if number >= MAX_LINES:
                raise too_many_rows()
            if len(line) >= LINE_LENGTH:
                raise Unreadable("line_too_long", "A line of the file is longer than a million characters.")
            damage.replaced += line.count("\ufffd")
            nuls = line.count("\x00")
            damage.nuls += nuls
            yield line.replace("\x00", "") if nuls else line
    finally:
        with suppress(ValueError):  # the file was closed before its reader
            reader.detach()

"""Validation of untrusted ZIP archives (DOCX, XLSX, PPTX) before any library reads them.

`zipfile` creates an object of 500 bytes for each entry of the central directory, whatever count the archive states. So
the directory is parsed here first, at the offset where libraries expect it, and all stated counts and sizes must match.
"""

from __future__ import annotations

import struct
import zipfile
from typing import IO

MAX_ENTRIES = 10_000
MAX_DIRECTORY = 2 * 1024 * 1024
"""Bytes of the central directory."""
RATIO_FREE_SIZE = 1024 * 1024
"""Bytes up to which a part may have any compression ratio."""
MAX_RATIO = 200
"""Largest ratio of unpacked to packed size of a part."""
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_FULL = 0xFFFFFFFF


class BadArchive(ValueError):
    """No archive, damaged, or inconsistent with its own directory."""


class ArchiveTooLarge(ValueError):
    """Too many entries, or too large when unpacked."""


def open_archive(
    file: IO[bytes], *, max_entries: int = MAX_ENTRIES, max_unpacked: int | None = None
) -> zipfile.ZipFile:
    """Open an archive after checking its central directory. Nothing is unpacked.

    max_unpacked: bytes of all parts together, with no compression ratio above MAX_RATIO; None if no part will be
    unpacked. Raises BadArchive, ArchiveTooLarge.
    """
    total = 0
    for packed, size in _entries(file, max_entries):
        total += size
        if max_unpacked is not None and (
            total > max_unpacked or (size > RATIO_FREE_SIZE and size > MAX_RATIO * max(packed, 1))
        ):
            raise ArchiveTooLarge
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, struct.error) as error:
        raise BadArchive from error


def _entries(file: IO[bytes], max_entries: int) -> list[tuple[int, int]]:
    """Parse (packed size, unpacked size) of each entry."""
    count, directory = _directory(file, max_entries)
    sizes: list[tuple[int, int]] = []
    at = 0
    while at < len(directory):
        if len(directory) - at < _ENTRY.size:
            raise BadArchive
        entry = _ENTRY.unpack_from(directory, at)
        if entry[0] != b"PK\x01\x02":
            raise BadArchive
        packed, size, name, extra, comment = entry[8:13]
        start = at + _ENTRY.size + name
        if _FULL in (packed, size):
            packed, size = _large_sizes(directory[start : start + extra], packed, size)
        sizes.append((packed, size))
        if len(sizes) > max_entries:
            raise ArchiveTooLarge
        at = start + extra + comment
    if at != len(directory) or len(sizes) != count:
        raise BadArchive
    return sizes


def _directory(file: IO[bytes], max_entries: int) -> tuple[int, bytes]:
    """Read the stated number of entries, and the central directory."""
    size = file.seek(0, 2)
    begin = max(size - 65_535 - _END.size, 0)
    file.seek(begin)
    tail = file.read()
    position = tail.rfind(b"PK\x05\x06")
    if position < 0 or len(tail) - position < _END.size:
        raise BadArchive
    _, _, _, _, count, length, start, _ = _END.unpack_from(tail, position)
    end = begin + position
    if tail[max(position - _LOCATOR_64.size, 0) : position].startswith(b"PK\x06\x07"):
        end = _LOCATOR_64.unpack_from(tail, position - _LOCATOR_64.size)[2]
        file.seek(end)
        record = file.read(_END_64.size)
        if end + _END_64.size != begin + position - _LOCATOR_64.size or not record.startswith(b"PK\x06\x06"):
            raise BadArchive
        plain = ((count, 0xFFFF), (length, _FULL), (start, _FULL))
        count, length, start = large = _END_64.unpack(record)[7:10]
        if any(value not in (large[at], full) for at, (value, full) in enumerate(plain)):
            raise BadArchive  # the ZIP64 record contradicts: two directories
    if count > max_entries or length > MAX_DIRECTORY:
        raise ArchiveTooLarge
    if start + length != end:  # libraries would disagree about its offset
        raise BadArchive
    file.seek(start)
    return count, file.read(length)


def _large_sizes(extra: bytes, packed: int, size: int) -> tuple[int, int]:
    """Read the 64-bit sizes of an entry from its extra field (ZIP64)."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            numbers = struct.unpack_from(f"<{min(length, len(extra) - at - 4) // 8}Q", extra, at + 4)
            fields = iter(numbers)
            size = next(fields, _FULL) if size == _FULL else size
            packed = next(fields, _FULL) if packed == _FULL else packed
        at += 4 + length
    return packed, size

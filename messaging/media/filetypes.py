"""Classify files by their content.

A browser may show what is on the list of pictures, sound and film; everything else is a document: kept as it came and
only ever downloaded. A name decides nothing but which text or unknown document it is.
"""

from __future__ import annotations

import codecs
import mimetypes
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any

import filetype

from core.errors import InvalidInput
from core.files import archives
from messaging.models import Message

Type = Message.Type
HEAD = 8192
"""Bytes that tell a binary format."""
UNKNOWN = "application/octet-stream"


@dataclass(frozen=True)
class FileType:
    """kind: the message's type. extensions: the first one is given to files that came with another; empty: any."""

    kind: str
    mime: str
    extensions: tuple[str, ...] = ()

    def as_document(self) -> FileType:
        """Return the same content to be downloaded only."""
        return FileType(Type.DOCUMENT, self.mime, self.extensions)


def _type(kind: str, mime: str, *extensions: str) -> FileType:
    return FileType(kind, mime, extensions)


_BINARY = {
    "image/jpeg": _type(Type.IMAGE, "image/jpeg", "jpg", "jpeg"),
    "image/png": _type(Type.IMAGE, "image/png", "png"),
    "image/webp": _type(Type.IMAGE, "image/webp", "webp"),
    "image/gif": _type(Type.IMAGE, "image/gif", "gif"),
    "video/mp4": _type(Type.VIDEO, "video/mp4", "mp4", "m4v"),
    "video/x-m4v": _type(Type.VIDEO, "video/mp4", "mp4", "m4v"),
    "video/3gpp": _type(Type.VIDEO, "video/3gpp", "3gp"),
    "video/webm": _type(Type.VIDEO, "video/webm", "webm"),
    "audio/mpeg": _type(Type.AUDIO, "audio/mpeg", "mp3"),
    "audio/ogg": _type(Type.AUDIO, "audio/ogg", "ogg", "opus", "oga"),
    "audio/mp4": _type(Type.AUDIO, "audio/mp4", "m4a"),
    "audio/x-m4a": _type(Type.AUDIO, "audio/mp4", "m4a"),
    "audio/aac": _type(Type.AUDIO, "audio/aac", "aac"),
    "audio/amr": _type(Type.AUDIO, "audio/amr", "amr"),
    "audio/x-wav": _type(Type.AUDIO, "audio/wav", "wav"),
    "image/heic": _type(Type.DOCUMENT, "image/heic", "heic", "heif"),
    "application/pdf": _type(Type.DOCUMENT, "application/pdf", "pdf"),
}
JPEG, HEIC = _BINARY["image/jpeg"], _BINARY["image/heic"]
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN_XML = {
    "word/document.xml": _type(Type.DOCUMENT, _OFFICE + "wordprocessingml.document", "docx"),
    "xl/workbook.xml": _type(Type.DOCUMENT, _OFFICE + "spreadsheetml.sheet", "xlsx"),
    "ppt/presentation.xml": _type(Type.DOCUMENT, _OFFICE + "presentationml.presentation", "pptx"),
}
_TEXTS = {
    "txt": _type(Type.DOCUMENT, "text/plain", "txt"),
    "csv": _type(Type.DOCUMENT, "text/csv", "csv"),
}
_WRITTEN = {
    b"%PDF-": _BINARY["application/pdf"],
    b"{\\rtf": _type(Type.DOCUMENT, "application/rtf", "rtf"),
}
"""Formats that can be text from beginning to end, by their first bytes."""
INLINE = frozenset(found.mime for found in _BINARY.values() if found.kind != Type.DOCUMENT)
"""Types that a browser may show in place, if the file is of such a kind too."""
_BY_CONTENT = frozenset(found.mime for found in (*_BINARY.values(), *_OPEN_XML.values()))
DECLARED = _BY_CONTENT | {found.mime for found in _TEXTS.values()}
"""Types that a download may be declared as; others go out as UNKNOWN."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_BYTE_ORDER_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_NAMES = mimetypes.MimeTypes()
"""The types that Python knows by extension; the machine's own lists are not read."""


def identify(file: IO[bytes], name: str) -> FileType:
    """Classify `file` by its content, and by `name` where the content does not tell.

    Text comes first: what has not one control character is text, whatever format its first letters belong to.
    Raises InvalidInput("empty_file").
    """
    file.seek(0)
    head = file.read(HEAD)
    if not head:
        raise InvalidInput("empty_file", "This file is empty.", field="file")
    if _is_text(file, head):
        found = _text(head, name)
    else:
        found = (head.startswith(b"PK") and _open_xml(file)) or _binary(head, name)
    file.seek(0)
    return found


def _binary(head: bytes, name: str) -> FileType:
    guess = filetype.guess(head)
    if guess is None:
        named = _by_name(name)
        known = named.startswith("application/") and named not in _BY_CONTENT
        return FileType(Type.DOCUMENT, named if known else UNKNOWN)
    return _BINARY.get(guess.mime) or FileType(Type.DOCUMENT, guess.mime)


def _by_name(name: str) -> str:
    return _NAMES.guess_type(f"file.{extension(name)}")[0] or UNKNOWN


def _open_xml(file: IO[bytes]) -> FileType | None:
    """A document of Word, Excel or PowerPoint without macros. Nothing is unpacked."""
    try:
        with archives.open_archive(file) as archive:
            names = set(archive.namelist())
    except (archives.BadArchive, archives.ArchiveTooLarge):
        return None
    if "[Content_Types].xml" not in names or any(name.endswith("vbaProject.bin") for name in names):
        return None
    return next((found for part, found in _OPEN_XML.items() if part in names), None)


def _text(head: bytes, name: str) -> FileType:
    """A document whose format is written as text, unless it is named a plain text; else what the name says."""
    ending = extension(name)
    if ending in _TEXTS:
        return _TEXTS[ending]
    written = next((found for mark, found in _WRITTEN.items() if head.startswith(mark)), None)
    named = _by_name(name)
    return written or FileType(Type.DOCUMENT, named if named.startswith("text/") else _TEXTS["txt"].mime)


def _is_text(file: IO[bytes], head: bytes) -> bool:
    """Text from beginning to end: in UTF-8, UTF-16 with its mark, or one byte a letter as in CSV files of old Excel."""
    encoding = _BYTE_ORDER_MARKS.get(head[:2], "utf-8")
    return _decodes(file, encoding) or _decodes(file, "latin-1")


def _decodes(file: IO[bytes], encoding: str) -> bool:
    """Whether all of it is `encoding` without control characters."""
    file.seek(0)
    decoder: Any = codecs.getincrementaldecoder(encoding)()
    try:
        while chunk := file.read(65_536):
            if _CONTROL.search(decoder.decode(chunk)):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def extension(name: str) -> str:
    """ "Report.PDF" -> "pdf"; "" when there is none."""
    return PurePosixPath(name.replace("\\", "/")).suffix.lstrip(".").lower()


def proper_name(name: str, found: FileType) -> str:
    """`name` with an extension that tells the truth: "photo.exe", a JPEG -> "photo.exe.jpg"."""
    if not name or not found.extensions or extension(name) in found.extensions:
        return name
    return f"{name[: 250 - len(found.extensions[0])]}.{found.extensions[0]}"

"""Classify files by their content.

Listed types of images, audio and video may be shown by a browser; everything else is a document, kept unchanged and
only downloaded. The name only decides which type a text or an unknown document has.
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
"""Bytes read to detect a binary format."""
UNKNOWN = "application/octet-stream"


@dataclass(frozen=True)
class FileType:
    """Type of a file. kind: message type. extensions: allowed ones, of which the first replaces others; empty: any."""

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
_TEXT_SIGNATURES = {
    b"%PDF-": _BINARY["application/pdf"],
    b"{\\rtf": _type(Type.DOCUMENT, "application/rtf", "rtf"),
}
"""Formats that may consist of text only, by their first bytes."""
INLINE = frozenset(file_type.mime for file_type in _BINARY.values() if file_type.kind != Type.DOCUMENT)
"""MIME types that may be shown inline if the file's kind allows it too."""
_BY_CONTENT = frozenset(file_type.mime for file_type in (*_BINARY.values(), *_OPEN_XML.values()))
DECLARED = _BY_CONTENT | {file_type.mime for file_type in _TEXTS.values()}
"""MIME types that a download may declare; others are declared as UNKNOWN."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_BYTE_ORDER_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_NAMES = mimetypes.MimeTypes()
"""Python's own types by extension, without the lists of the machine."""


def identify(file: IO[bytes], name: str) -> FileType:
    """Classify a file by its content, and by its name where the content is ambiguous.

    A file without control characters is text, even if it begins like another format. Raises
    InvalidInput("empty_file").
    """
    file.seek(0)
    head = file.read(HEAD)
    if not head:
        raise InvalidInput("empty_file", "This file is empty.", field="file")
    if _is_text(file, head):
        file_type = _text(head, name)
    else:
        file_type = (head.startswith(b"PK") and _open_xml(file)) or _binary(head, name)
    file.seek(0)
    return file_type


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
    """Detect a Word, Excel or PowerPoint document without macros, without unpacking it."""
    try:
        with archives.open_archive(file) as archive:
            names = set(archive.namelist())
    except (archives.BadArchive, archives.ArchiveTooLarge):
        return None
    if "[Content_Types].xml" not in names or any(name.endswith("vbaProject.bin") for name in names):
        return None
    return next((file_type for part, file_type in _OPEN_XML.items() if part in names), None)


def _text(head: bytes, name: str) -> FileType:
    """Return the type of a text file: plain text if so named, a text-based format, or the type of its name."""
    ending = extension(name)
    if ending in _TEXTS:
        return _TEXTS[ending]
    by_signature = next(
        (file_type for mark, file_type in _TEXT_SIGNATURES.items() if head.startswith(mark)), None
    )
    named = _by_name(name)
    return by_signature or FileType(Type.DOCUMENT, named if named.startswith("text/") else _TEXTS["txt"].mime)


def _is_text(file: IO[bytes], head: bytes) -> bool:
    """Return True if all of the file is text: UTF-8, UTF-16 with BOM, or single-byte as in old CSV exports."""
    encoding = _BYTE_ORDER_MARKS.get(head[:2], "utf-8")
    return _decodes(file, encoding) or _decodes(file, "latin-1")


def _decodes(file: IO[bytes], encoding: str) -> bool:
    """Return True if all of the file is valid in `encoding` and has no control characters."""
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
    """Return the lower-case extension without its dot, or ""."""
    return PurePosixPath(name.replace("\\", "/")).suffix.lstrip(".").lower()


def proper_name(name: str, file_type: FileType) -> str:
    """Append the extension of the type if the name lacks it: "photo.exe", a JPEG -> "photo.exe.jpg"."""
    if not name or not file_type.extensions or extension(name) in file_type.extensions:
        return name
    return f"{name[: 250 - len(file_type.extensions[0])]}.{file_type.extensions[0]}"

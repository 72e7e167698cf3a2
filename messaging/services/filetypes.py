"""What a file is, by its content. What is not on the list is refused, whatever its name or its sender says."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any

import filetype

from messaging.models import Message
from whatsflow.core import archives
from whatsflow.core.errors import InvalidInput

Type = Message.Type
HEAD = 8192
"""Bytes that tell a binary format."""
ALLOWED = (
    "JPEG, PNG, WebP, GIF, MP4, 3GP, WebM, MP3, OGG, M4A, AAC, AMR, WAV, PDF, DOCX, XLSX, PPTX, TXT or CSV"
)


@dataclass(frozen=True)
class FileType:
    """kind: the message's type. extensions: the first one is given to files that came with another."""

    kind: str
    mime: str
    extensions: tuple[str, ...]


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
    "application/pdf": _type(Type.DOCUMENT, "application/pdf", "pdf"),
}
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
_MARKUP = re.compile(
    rb"\A[\s\xef\xbb\xbf]*(<|#!|%!)|<(!doctype|html|svg|script|iframe|\?xml|\?php)", re.IGNORECASE
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")


def identify(file: IO[bytes], name: str) -> FileType:
    """The type of `file`. `name` only tells text files apart. Raises InvalidInput("forbidden_type", "empty_file")."""
    file.seek(0)
    head = file.read(HEAD)
    if not head:
        raise InvalidInput("empty_file", "This file is empty.", field="file")
    found = _open_xml(file) if head.startswith(b"PK") else _binary(head) or _text(file, head, name)
    file.seek(0)
    if found is None:
        raise InvalidInput(
            "forbidden_type", f"Files of this type are not accepted. Use {ALLOWED}.", field="file"
        )
    return found


def _binary(head: bytes) -> FileType | None:
    guess = filetype.guess(head)
    return _BINARY.get(guess.mime) if guess else None


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


def _text(file: IO[bytes], head: bytes, name: str) -> FileType | None:
    """Plain text from beginning to end, by name .txt or .csv, and no markup or script at its head."""
    found = _TEXTS.get(extension(name) or "txt")
    if found is None or _MARKUP.search(head) or filetype.guess(head):
        return None
    file.seek(0)
    decoder: Any = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := file.read(65_536):
            if _CONTROL.search(decoder.decode(chunk)):
                return None
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return found if _is_single_byte_text(file) else None
    return found


def _is_single_byte_text(file: IO[bytes]) -> bool:
    """An old Windows encoding, as Excel still writes CSV files: no control characters at all."""
    file.seek(0)
    while chunk := file.read(65_536):
        if _CONTROL.search(chunk.decode("latin-1")):
            return False
    return True


def extension(name: str) -> str:
    """ "Report.PDF" -> "pdf"; "" when there is none."""
    return PurePosixPath(name.replace("\\", "/")).suffix.lstrip(".").lower()


def proper_name(name: str, found: FileType) -> str:
    """`name` with an extension that tells the truth: "photo.exe", a JPEG -> "photo.exe.jpg"."""
    if not name or extension(name) in found.extensions:
        return name
    return f"{name[: 250 - len(found.extensions[0])]}.{found.extensions[0]}"

"""Export contacts as vCard 4.0."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import IO

from contacts.models import Contact

CONTENT_TYPE = "text/vcard; charset=utf-8"
WIDTH = 75
"""Bytes of a line; longer lines are folded."""


class VcardWriter:
    """Writes vCards into a binary file."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def write(self, contact: Contact, tags: Sequence[str]) -> None:
        name = contact.name or contact.push_name or contact.phone_number or ""
        lines = ["BEGIN:VCARD", "VERSION:4.0", f"FN:{_escaped(name)}"]
        if contact.phone_number:
            lines.append(f"TEL;VALUE=uri;TYPE=cell:tel:{contact.phone_number}")
        if contact.email:
            lines.append(f"EMAIL:{_escaped(contact.email)}")
        if tags:
            lines.append(f"CATEGORIES:{','.join(map(_escaped, tags))}")
        lines += [f"UID:urn:uuid:{contact.pk}", "END:VCARD"]
        self._out.write(b"".join(map(_folded, lines)))


def _escaped(text: str) -> str:
    """Escape a value, so that nothing in it ends the line or begins another value."""
    one_line = re.sub(r"[\r\n\x00-\x1f]+", " ", text)
    return re.sub(r"([\\,;])", r"\\\1", one_line)


def _folded(line: str) -> bytes:
    """Fold a line into pieces of at most 75 bytes, never within a character."""
    pieces: list[bytes] = []
    current = b""
    for letter in line:
        encoded = letter.encode("utf-8", "replace")
        if len(current) + len(encoded) > WIDTH - (1 if pieces else 0):
            pieces.append(current)
            current = b""
        current += encoded
    return b"\r\n ".join([*pieces, current]) + b"\r\n"

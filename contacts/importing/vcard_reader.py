"""Read vCard 2.1, 3.0 and 4.0 as a stream, one card in memory at a time.

Each card becomes a row: its names, up to five numbers (the preferred one first, then mobile ones; no faxes and pagers),
two e-mail addresses and what else a contact can use. Pictures are skipped.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from contacts.importing import text
from contacts.importing.limits import CELL_LENGTH, MAX_CARD_LINES, MAX_RECORD, Unreadable
from contacts.importing.tables import Options, Row, Table

NUMBERS = 5
ADDRESSES = 2
COLUMNS = [
    "Name",
    *(f"Phone {number}" for number in range(1, NUMBERS + 1)),
    *(f"E-mail {number}" for number in range(1, ADDRESSES + 1)),
    "Company", "Title", "Birthday", "Categories", "Address", "Website", "Note",
]  # fmt: skip
_LEFT_OUT = {"PHOTO", "LOGO", "SOUND", "KEY", "AGENT"}
_PROPERTY = re.compile(r"(?:[A-Za-z0-9-]+\.)?([A-Za-z0-9-]+)((?:;(?:\"[^\"]*\"|[^\":;])*)*):(.*)", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_FIRST = re.compile(rb"[^a-z]{0,16}begin\s*:\s*vcard", re.IGNORECASE)
_LONGEST = CELL_LENGTH * 3


@dataclass(frozen=True)
class Property:
    """One unfolded line of a card.

    params: upper-case words, like PREF or CELL, whatever their keys are.
    """

    name: str
    params: frozenset[str]
    value: str
    charset: str = ""


def looks_like_cards(head: bytes) -> bool:
    """Return whether a file with this beginning is a vCard."""
    return _FIRST.match(head.replace(b"\x00", b"")) is not None


def open_vcard(file: IO[bytes], options: Options) -> Table:
    """Open a vCard file as a table. Raises Unreadable."""
    encoding = options.encoding or text.encoding_of(file)
    damage = text.Damage()
    if next(_cards(file, encoding, damage), None) is None:
        raise Unreadable("empty_file", "There is no complete card (BEGIN:VCARD … END:VCARD) in the file.")

    def read() -> Iterator[Row]:
        for number, card in enumerate(_cards(file, encoding, text.Damage()), 1):
            if card:
                yield number, _row(card)

    return Table("vcard", list(COLUMNS), read, True, encoding, "", damage.notes)


def _cards(file: IO[bytes], encoding: str, damage: text.Damage) -> Iterator[list[Property]]:
    depth = characters = 0
    card: list[Property] = []
    for line in _unfolded(file, encoding, damage):
        upper = line[:20].strip("\ufeff \t\r\n").upper().replace(" ", "")
        if upper.startswith("BEGIN:VCARD"):
            depth += 1
            if depth == 1:
                card, characters = [], 0
        elif upper.startswith("END:VCARD"):
            depth = max(depth - 1, 0)
            if depth == 0:
                yield card
                card = []
        elif depth == 1 and len(card) < MAX_CARD_LINES and characters < MAX_RECORD:
            prop = _property(line[:_LONGEST])
            if prop is not None:
                card.append(prop)
                characters += len(prop.value)


def _unfolded(file: IO[bytes], encoding: str, damage: text.Damage) -> Iterator[str]:
    """Yield unfolded lines of limited length.

    A line is continued by a blank (3.0, 4.0) or a trailing = in quoted-printable (2.1).
    """
    current, soft = "", False
    try:
        for raw in text.lines(file, encoding, damage):
            line = raw.rstrip("\r\n")
            if soft:
                current = current[:-1] + line
            elif line[:1] in (" ", "\t") and current:
                if len(current) < _LONGEST and not _is_left_out(current):
                    current += line[1:]
            else:
                if current:
                    yield current
                current = line
            soft = (
                len(current) < _LONGEST
                and current.endswith("=")
                and "QUOTED-PRINTABLE" in current[:200].upper()
            )
    except (LookupError, UnicodeError):
        raise Unreadable(
            "wrong_encoding", "The file cannot be read in this encoding. Choose another one."
        ) from None
    if current:
        yield current


def _is_left_out(line: str) -> bool:
    name = re.split("[:;]", line[:40], maxsplit=1)[0].rpartition(".")[2].upper()
    return name in _LEFT_OUT


def _property(line: str) -> Property | None:
    match = _PROPERTY.fullmatch(line)
    if match is None:
        return None
    name, raw, value = match[1].upper(), match[2], match[3]
    if name in _LEFT_OUT or not value.strip():
        return None
    words, charset, quoted = _parameters(raw)
    if quoted:
        value = _decoded(value, charset)
    return Property(name, words, value)


def _parameters(raw: str) -> tuple[frozenset[str], str, bool]:
    """Return the parameters' words, charset, and whether quoted-printable."""
    words: set[str] = set()
    charset = "utf-8"
    for part in re.findall(r';((?:"[^"]*"|[^";])*)', raw):
        key, _, values = part.rpartition("=")
        if key.upper() == "CHARSET":
            charset = values.strip('" ') or charset
        words.update(word.strip().upper() for word in values.replace('"', "").split(","))
        if key.upper() == "PREF":
            words.add("PREF")
    return frozenset(words), charset, "QUOTED-PRINTABLE" in words


def _decoded(value: str, charset: str) -> str:
    raw = quopri.decodestring(value.encode("latin-1", "replace"))
    try:
        return raw.decode(charset, "replace").replace("\x00", "")
    except LookupError:
        return raw.decode("utf-8", "replace").replace("\x00", "")


def _plain(value: str) -> str:
    """Unescape a value."""
    return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], value).strip()[:CELL_LENGTH]


def _parts(value: str) -> list[str]:
    """Split a structured value (N, ORG, ADR) at ; that is not escaped."""
    return [_plain(part) for part in re.split(r"(?<!\\);", value)]


@dataclass
class _Found:
    name: str = ""
    structured: str = ""
    phones: list[tuple[int, str]] = field(default_factory=list)
    emails: list[tuple[int, str]] = field(default_factory=list)
    other: dict[str, str] = field(default_factory=dict)


def _row(card: list[Property]) -> list[str]:
    fields = _Found()
    for place, one in enumerate(card):
        _take(fields, one, place)
    phones = [value for _, value in sorted(fields.phones, key=lambda item: item[0])][:NUMBERS]
    emails = [value for _, value in sorted(fields.emails, key=lambda item: item[0])][:ADDRESSES]
    phones += [""] * (NUMBERS - len(phones))
    emails += [""] * (ADDRESSES - len(emails))
    tail = [fields.other.get(name, "") for name in COLUMNS[1 + NUMBERS + ADDRESSES :]]
    return [fields.name or fields.structured or fields.other.get("Company", ""), *phones, *emails, *tail]


def _take(fields: _Found, one: Property, place: int) -> None:
    if one.name == "FN":
        fields.name = fields.name or _plain(one.value)
    elif one.name == "N":
        family, given, middle, prefix, suffix, *_ = [*_parts(one.value), "", "", "", "", ""]
        fields.structured = " ".join(part for part in (prefix, given, middle, family, suffix) if part)
    elif one.name == "TEL":
        if not one.params & {"FAX", "PAGER", "MODEM"} or one.params & {"CELL", "PREF"}:
            fields.phones.append((_rank(one), _number(one.value)))
    elif one.name == "EMAIL":
        fields.emails.append((0 if "PREF" in one.params else 1, _plain(one.value).removeprefix("mailto:")))
    elif column := _OTHER.get(one.name):
        joined = " ".join if one.name == "ADR" else ", ".join
        value = (
            joined(part for part in _parts(one.value) if part)
            if one.name in ("ORG", "ADR")
            else _plain(one.value)
        )
        fields.other.setdefault(column, value)


_OTHER = {
    "ORG": "Company", "TITLE": "Title", "BDAY": "Birthday", "CATEGORIES": "Categories", "ADR": "Address",
    "URL": "Website", "NOTE": "Note",
}  # fmt: skip


def _rank(one: Property) -> int:
    """Return the sort key of a number: lower ones are tried first."""
    if "PREF" in one.params:
        return 0
    if one.params & {"CELL", "IPHONE", "MOBILE"}:
        return 1
    return 3 if "WORK" in one.params else 2


def _number(value: str) -> str:
    """Return the number in "tel:+44-7700-900123;ext=5"."""
    return re.sub(r"^tel:", "", _plain(value), flags=re.IGNORECASE).split(";")[0].strip()

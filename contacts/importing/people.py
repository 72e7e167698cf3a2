"""Parse the rows of a file into people, or rejects with a reason."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from contacts import custom_field_values
from contacts.models import CustomField
from core.errors import InvalidInput
from core.files import spreadsheets
from core.phone import phone
from core.phone.fast_parser import NumberReader
from core.text import printable

NAME_LENGTH = 255
EMAIL_LENGTH = 254
TAG_LENGTH = 100
TAGS_OF_ONE = 50
_EMAIL = re.compile(r"[^@\s<>\"(),:;]{1,64}@[^@\s<>\"(),:;.]+(\.[^@\s<>\"(),:;.]+)+")
_SEVERAL = " ::: "
"""Separator of several values in one cell of Google's."""
_BETWEEN_NUMBERS = re.compile(r"[;,|\n]|\s/\s|\s(?:und|oder|and|or|y|e|o|ou|et)\s", re.IGNORECASE)
_SYSTEM_LABELS = frozenset({"mycontacts", "my contacts", "starred", "coworkers"})


@dataclass(frozen=True, slots=True)
class Person:
    """A person to import. number: E.164. canonical: its identity.

    fields: values of custom fields by key.
    """

    line: int
    number: str
    canonical: str
    country: str
    name: str = ""
    email: str = ""
    tags: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that cannot be imported, with the reason as text."""

    line: int
    reason: str
    cells: Sequence[str]


class RowReader:
    """Parses the rows of one file by its mapping.

    country: for numbers without a country code. full_numbers: see NumberReader.full.
    """

    def __init__(
        self,
        columns: Sequence[str],
        mapping: Sequence[str],
        fields: Sequence[CustomField],
        country: str = "",
        *,
        full_numbers: bool = False,
    ) -> None:
        self._width = len(columns)
        self._numbers = NumberReader(country, full=full_numbers)
        self._places = {target: _places(mapping, target) for target in set(mapping) if target}
        self._labels = _number_labels(columns)
        self._mobile = {place for place, name in enumerate(columns) if _says_mobile(name)}
        known = {field.key: field for field in fields}
        self._fields = [
            (known[target.removeprefix("field:")], places[0])
            for target, places in self._places.items()
            if target.startswith("field:") and target.removeprefix("field:") in known
        ]

    def read(self, line: int, cells: Sequence[str]) -> Person | Reject:
        """Parse a row."""
        padded = [*cells, *[""] * (self._width - len(cells))]
        if any(padded[self._width :]):
            return Reject(line, "The row has more cells than there are columns.", cells)
        try:
            return self._person(line, padded)
        except InvalidInput as error:
            return Reject(line, error.message, cells)

    def _person(self, line: int, cells: Sequence[str]) -> Person:
        number = self._number(cells)
        return Person(
            line,
            number,
            phone.canonical(number),
            self._numbers.country(number),
            self._name(cells),
            self._email(cells),
            self._tags(cells),
            self._custom(cells) if self._fields else {},
            self._opted_out(cells),
        )

    def _number(self, cells: Sequence[str]) -> str:
        """Return the first usable number.

        Mobile ones, by the column's name or Google's label, come first.
        """
        candidates: list[tuple[bool, str]] = []
        for place in self._places["phone"]:
            if cells[place]:
                label = self._labels.get(place)
                mobile = place in self._mobile or (label is not None and _says_mobile(cells[label]))
                candidates += [(not mobile, text) for text in cells[place].split(_SEVERAL)]
        error: InvalidInput | None = None
        for _, text in sorted(candidates, key=lambda item: item[0]):
            try:
                return self._first_of(spreadsheets.unescape(text))
            except InvalidInput as raised:
                error = error or raised
        raise error or InvalidInput("no_number", "There is no phone number in this row.")

    def _first_of(self, text: str) -> str:
        """Return the first number of a cell, which may hold several.

        Raises InvalidInput for the cell as a whole.
        """
        try:
            return self._numbers.read(text)
        except InvalidInput:
            for part in _BETWEEN_NUMBERS.split(text)[:10]:
                if part != text:
                    with suppress(InvalidInput):
                        return self._numbers.read(part)
            raise

    def _name(self, cells: Sequence[str]) -> str:
        words = [
            cells[place]
            for target in ("name", "first_name", "middle_name", "last_name")
            for place in self._places.get(target, ())
        ]
        name = _line(" ".join(filter(None, map(spreadsheets.unescape, words))))
        if len(name) > NAME_LENGTH:
            raise InvalidInput("name_too_long", f"The name has more than {NAME_LENGTH} characters.")
        return name

    def _email(self, cells: Sequence[str]) -> str:
        for place in self._places.get("email", ()):
            for text in cells[place].split(_SEVERAL):
                address = _line(spreadsheets.unescape(text))
                if not address:
                    continue
                if len(address) > EMAIL_LENGTH or not _EMAIL.fullmatch(address):
                    raise InvalidInput("invalid_email", f"“{address[:100]}” is no e-mail address.")
                return address
        return ""

    def _tags(self, cells: Sequence[str]) -> tuple[str, ...]:
        names: dict[str, str] = {}
        for place in self._places.get("tags", ()):
            for text in re.split(r" ::: |[,;|]", cells[place]):
                name = _line(spreadsheets.unescape(text.strip())).removeprefix("* ")
                if len(name) > TAG_LENGTH:
                    raise InvalidInput("tag_too_long", f"A tag has more than {TAG_LENGTH} characters.")
                if name and name.casefold() not in _SYSTEM_LABELS:
                    names.setdefault(name.casefold(), name)
        if len(names) > TAGS_OF_ONE:
            raise InvalidInput("too_many_tags", f"The row has more than {TAGS_OF_ONE} tags.")
        return tuple(names.values())

    def _custom(self, cells: Sequence[str]) -> dict[str, Any]:
        values = {}
        for custom, place in self._fields:
            if cells[place]:
                values[custom.key] = custom_field_values.clean(custom, spreadsheets.unescape(cells[place]))
        return values

    def _opted_out(self, cells: Sequence[str]) -> bool:
        for place in self._places.get("opted_out", ()):
            text = cells[place].casefold()
            if text in custom_field_values.YES:
                return True
            if text and text not in custom_field_values.NO:
                raise InvalidInput("invalid_opt_out", f"“{cells[place][:50]}” is neither yes nor no.")
        return False


def _places(mapping: Sequence[str], target: str) -> list[int]:
    return [place for place, one in enumerate(mapping) if one == target]


def _number_labels(columns: Sequence[str]) -> dict[int, int]:
    """Map the columns "Phone 1 - Value" to "Phone 1 - Label", as Google writes them."""
    by_name = {name: place for place, name in enumerate(columns)}
    labels = {}
    for name, place in by_name.items():
        if name.endswith(" - Value"):
            stem = name.removesuffix(" - Value")
            label = by_name.get(f"{stem} - Label", by_name.get(f"{stem} - Type"))
            if label is not None:
                labels[place] = label
    return labels


def _says_mobile(text: str) -> bool:
    return re.search("mobil|cell|handy|whatsapp|celular|movil|móvil", text.casefold()) is not None


def _line(text: str) -> str:
    """Return `text` on one line, without control characters."""
    return " ".join(text.split()) if text.isprintable() else printable(text)

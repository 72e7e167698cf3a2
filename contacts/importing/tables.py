"""A file as a table: names of columns and rows of text, whatever format it came in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from contacts.importing.limits import MAX_COLUMNS, too_many_columns
from core.text import printable

Cells = list[str]
Row = tuple[int, Cells]
"""The number of the row in the file, as a person counts (for vCard: of the card), and its cells."""


@dataclass(frozen=True)
class Options:
    """How the file is to be read, where a person knows better than we do. "" and None: find out."""

    encoding: str = ""
    delimiter: str = ""
    header: bool | None = None
    owner: object = None
    """Whose file it is: workbooks are decoded one at a time for each."""


@dataclass
class Table:
    """An opened file. `rows()` reads it from the beginning, as often as it is called, one row at a time."""

    format: str
    columns: list[str]
    read: Callable[[], Iterator[Row]]
    header: bool = True
    encoding: str = ""
    delimiter: str = ""
    notes: list[str] = field(default_factory=list)
    """What was noticed and put right, in words."""
    count: int | None = None
    """Rows down to the last one with a cell, where the format tells without reading them."""

    def rows(self) -> Iterator[Row]:
        """Every row that is not blank."""
        return ((number, cells) for number, cells in self.read() if any(cells))


def name_columns(first: Sequence[str], has_header: bool) -> tuple[list[str], list[str]]:
    """Names for the columns, each once, and notes about those that had to be changed."""
    if len(first) > MAX_COLUMNS:
        raise too_many_columns()
    names: list[str] = []
    notes: list[str] = []
    for place, text in enumerate(first):
        name = printable(text)[:100] if has_header else ""
        name = name or f"Column {letters(place)}"
        if name in names:
            number = 2
            while f"{name} ({number})" in names:
                number += 1
            notes.append(
                f"Several columns are called “{name}”. A further one is shown as “{name} ({number})”."
            )
            name = f"{name} ({number})"
        names.append(name)
    return names, notes


def letters(place: int) -> str:
    """0 -> A, 25 -> Z, 26 -> AA: how spreadsheet programs call their columns."""
    text, place = "", place + 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(65 + rest) + text
    return text


def looks_like_names(cells: Sequence[str]) -> bool:
    """Whether a file's first row holds the names of its columns: words, no numbers and no addresses."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled:
        return False
    return not any("@" in cell or sum(letter.isdigit() for letter in cell) > 4 for cell in filled)


Opener = Callable[[IO[bytes], Options], Table]

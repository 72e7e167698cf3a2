"""An uploaded file as a table of column names and text rows, whatever its format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from contacts.importing.limits import MAX_COLUMNS, too_many_columns
from core.text import printable

Cells = list[str]
Row = tuple[int, Cells]
"""The number of the row as people count (for vCard: of the card), and its cells."""


@dataclass(frozen=True)
class Options:
    """Options of reading a file. "" and None: detect."""

    encoding: str = ""
    delimiter: str = ""
    header: bool | None = None
    owner: object = None
    """Owner of the file; workbooks are decoded one at a time for each owner."""


@dataclass
class Table:
    """An opened file.

    `rows()` streams it from the beginning, as often as it is called.
    """

    format: str
    columns: list[str]
    read: Callable[[], Iterator[Row]]
    header: bool = True
    encoding: str = ""
    delimiter: str = ""
    notes: list[str] = field(default_factory=list)
    """What was repaired, as texts."""
    count: int | None = None
    """Number of the last row with a cell, if the format says so without reading all rows."""

    def rows(self) -> Iterator[Row]:
        """Yield every row that is not blank."""
        return ((number, cells) for number, cells in self.read() if any(cells))


def name_columns(first: Sequence[str], has_header: bool) -> tuple[list[str], list[str]]:
    """Return unique names of the columns, and notes about those that were changed."""
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
    """Return a column's letters as in spreadsheets: A for 0, Z for 25, AA for 26."""
    text, place = "", place + 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(65 + rest) + text
    return text


def looks_like_names(cells: Sequence[str]) -> bool:
    """Return whether a first row holds names of columns.

    Words, no numbers or addresses.
    """
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled:
        return False
    return not any("@" in cell or sum(letter.isdigit() for letter in cell) > 4 for cell in filled)


Opener = Callable[[IO[bytes], Options], Table]

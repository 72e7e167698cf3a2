"""Read CSV: detect delimiter and encoding, and report what is wrong."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import IO

from contacts.importing import text
from contacts.importing.limits import CELL_LENGTH, MAX_COLUMNS, MAX_RECORD, Unreadable, too_many_columns
from contacts.importing.tables import Options, Row, Table, looks_like_names, name_columns

DELIMITERS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Vertical bar"}
SAMPLE_LINES = 50
csv.field_size_limit(CELL_LENGTH * 4)


def open_csv(file: IO[bytes], options: Options) -> Table:
    """Open a CSV file as a table. Raises Unreadable."""
    encoding = options.encoding or text.encoding_of(file)
    damage = text.Damage()
    sample = _sample(file, encoding, damage)
    if not any(line.strip() for line in sample):
        raise Unreadable("empty_file", "The file is empty. Choose one with at least one contact.")
    sep = _sep_line(sample)
    delimiter = options.delimiter or sep or _delimiter_of(sample)
    first = _first_row(file, encoding, delimiter, bool(sep))
    header = looks_like_names(first) if options.header is None else options.header
    columns, notes = name_columns(first, header)

    def read() -> Iterator[Row]:
        skipped = int(header) + int(bool(sep))
        return _rows(file, encoding, delimiter, skipped, text.Damage())

    return Table("csv", columns, read, header, encoding, delimiter, notes + damage.notes)


def _lines(file: IO[bytes], encoding: str, damage: text.Damage) -> Iterator[str]:
    try:
        yield from text.lines(file, encoding, damage)
    except (LookupError, UnicodeError):
        raise Unreadable(
            "wrong_encoding", "The file cannot be read in this encoding. Choose another one."
        ) from None


def _sample(file: IO[bytes], encoding: str, damage: text.Damage) -> list[str]:
    """Return the first lines, fewer if they are long."""
    sample: list[str] = []
    characters = 0
    for line in islice(_lines(file, encoding, damage), SAMPLE_LINES):
        sample.append(line)
        characters += len(line)
        if characters > MAX_RECORD:
            break
    return sample


class _Records:
    """Lines for `csv.reader`, with a limit on the length of a row.

    It would buffer the cells of an endless row until memory is full.
    """

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._characters = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self._characters += len(line)
            if self._characters > MAX_RECORD:
                raise Unreadable("line_too_long", "A row of the file is longer than a million characters.")
            yield line

    def next_record(self) -> None:
        """Start counting the characters of the next row."""
        self._characters = 0


def _sep_line(sample: list[str]) -> str:
    """Return the delimiter of a first line "sep=;" (Excel); "" without one."""
    head = sample[0].strip("\ufeff\r\n ").lower()
    return head[4] if head.startswith("sep=") and len(head) == 5 else ""


def _delimiter_of(sample: list[str]) -> str:
    """Return the delimiter that splits most lines into equally many cells.

    At least two.
    """
    best, best_score = ",", 0.0
    for candidate in DELIMITERS:
        try:
            widths = Counter(len(row) for row in csv.reader(sample, delimiter=candidate) if row)
        except csv.Error:
            continue
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        score = count / max(sum(widths.values()), 1) * min(width, 20) ** 0.5
        if width > 1 and score > best_score:
            best, best_score = candidate, score
    return best


def _first_row(file: IO[bytes], encoding: str, delimiter: str, skip: bool) -> list[str]:
    for _, cells in _rows(file, encoding, delimiter, int(skip), text.Damage()):
        if any(cells):
            return cells
    raise Unreadable("empty_file", "The file is empty. Choose one with at least one contact.")


def _rows(file: IO[bytes], encoding: str, delimiter: str, skipped: int, damage: text.Damage) -> Iterator[Row]:
    records = _Records(_lines(file, encoding, damage))
    reader = csv.reader(records, delimiter=delimiter)
    start = 1
    try:
        for cells in reader:
            records.next_record()
            line, start = start, reader.line_num + 1
            if skipped and cells:
                skipped -= 1
                continue
            if len(cells) > MAX_COLUMNS:
                raise too_many_columns()
            yield line, [unwrapped(cell) for cell in cells]
    except csv.Error:
        raise Unreadable(
            "broken_quotes",
            f"The file cannot be read from line {start} on: a quotation mark is not closed, or a cell is far too long.",
        ) from None


def unwrapped(cell: str) -> str:
    """Strip a cell, also of the spelling ="0049…" that keeps Excel from calculating."""
    cell = cell.strip()
    if cell.startswith('="') and cell.endswith('"') and cell.count('"') == 2:
        cell = cell[2:-1].strip()
    return cell[:CELL_LENGTH]

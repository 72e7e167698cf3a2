"""Limits of an uploaded file, and the error for unreadable files."""

from __future__ import annotations

from core.errors import InvalidInput

MAX_BYTES = 50 * 1024 * 1024
MAX_ROWS = 500_000
MAX_COLUMNS = 200
CELL_LENGTH = 32_767
"""Characters of a cell, as in Excel; the rest is cut off."""
MAX_UNZIPPED = 400 * 1024 * 1024
MAX_PARTS = 2_000
"""Files inside an XLSX."""
MAX_CARD_LINES = 1_000
"""Lines of one vCard."""
MAX_RECORD = 1_000_000
"""Characters of one row or card, over all its lines."""
MAX_LINES = 800_000
"""Lines of a text file, including blank ones."""


class Unreadable(InvalidInput):
    """A file is refused and nothing of it was imported. The message says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message, field="file")


def too_many_rows() -> Unreadable:
    """Return the error for a file with too many rows."""
    return Unreadable(
        "too_many_rows", f"The file has more than {MAX_ROWS:,} rows. Split it and import the parts."
    )


def too_many_columns() -> Unreadable:
    """Return the error for a file with too many columns."""
    return Unreadable(
        "too_many_columns",
        f"The file has more than {MAX_COLUMNS} columns. Leave out those that are not about your contacts.",
    )

"""The texts by which a search finds a contact."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from core.db.search_text import fold

SHORTEST = 3
"""Letters of the shortest ending that finds its word."""
LONGEST = 30
"""Letters of the longest word whose endings are indexed."""


def searchable_texts(
    name: str, push_name: str, number: str | None, email: str, fields: Mapping[str, Any]
) -> Iterator[str]:
    """Yield the texts of a contact, and the endings of its words.

    Names, number, e-mail address and values of custom fields.
    """
    yield from (name, push_name, number or "", email)
    for value in fields.values() if isinstance(fields, Mapping) else ():
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            yield str(value)
    yield _endings(f"{name} {push_name} {email}")


def _endings(text: str) -> str:
    """Return the endings of all words.

    People also remember the middle of a name.
    """
    words = dict.fromkeys(re.findall(r"[^\W\d_]+", fold(text)))
    return " ".join(
        word[start:] for word in words for start in range(1, min(len(word), LONGEST) - SHORTEST + 1)
    )

"""By which of a contact's texts a search finds them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from core.db.search_text import fold

SHORTEST = 3
"""Letters of an ending that finds its word."""
LONGEST = 30
"""Letters of a word whose endings are written down."""


def texts(contact: Any) -> Iterator[str]:
    """Names, number, e-mail address and values of custom fields of a row of contacts."""
    return of(contact.name, contact.push_name, contact.phone_number, contact.email, contact.metadata)


def of(name: str, push_name: str, number: str | None, email: str, fields: Mapping[str, Any]) -> Iterator[str]:
    """The same, where there is no row yet."""
    yield from (name, push_name, number or "", email)
    for value in fields.values() if isinstance(fields, Mapping) else ():
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            yield str(value)
    yield _endings(f"{name} {push_name} {email}")


def _endings(text: str) -> str:
    """The ends of all words: people remember the middle of a name, too."""
    words = dict.fromkeys(re.findall(r"[^\W\d_]+", fold(text)))
    return " ".join(
        word[start:] for word in words for start in range(1, min(len(word), LONGEST) - SHORTEST + 1)
    )

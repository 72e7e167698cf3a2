"""Text that strangers wrote, made fit for one line of a page, a file's name or a database."""

import unicodedata

_JOINERS = "\u200c\u200d"
"""Parts of words and emoji, although they are control characters."""


def printable(text: str) -> str:
    """`text` on one line, without control characters, direction overrides or half characters."""
    kept = (
        " " if unicodedata.category(letter) in ("Cc", "Cs", "Cf") and letter not in _JOINERS else letter
        for letter in text
    )
    return " ".join("".join(kept).split())


def camel(name: str) -> str:
    """`last_message_at` -> `lastMessageAt`."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)

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


def boundary(text: str, at: int, *, forward: bool = False) -> int:
    """The place at or before `at` (or after it) that does not cut a letter from its marks, nor an emoji in two."""
    step = 1 if forward else -1
    while 0 < at < len(text) and _joined(text, at):
        at += step
    return at


def _joined(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if unicodedata.category(after)[0] == "M" or after in _JOINERS or before == _JOINERS[1]:
        return True
    if (
        "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f"
    ):  # skin tones, tags of flags
        return True
    return _flag(before) and _flag(after) and _flags_before(text, at) % 2 == 1


def _flag(letter: str) -> bool:
    """Half a flag: two such letters make one."""
    return "\U0001f1e6" <= letter <= "\U0001f1ff"


def _flags_before(text: str, at: int) -> int:
    count = 0
    while at > count and _flag(text[at - count - 1]):
        count += 1
    return count


def camel(name: str) -> str:
    """`last_message_at` -> `lastMessageAt`."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)

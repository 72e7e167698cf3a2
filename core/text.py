"""Sanitizing, truncating and abbreviating text from outside."""

import regex

_UNPRINTABLE = regex.compile(
    r"(?P<flag>\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f)|(?![\u200c\u200d])[\p{Cc}\p{Cs}\p{Cf}]"
)
"""Exempt are joiners (parts of words and emoji) and tags of regional flags, although they are control characters."""


def printable(text: str) -> str:
    """Put `text` on one line, without control characters, direction overrides and lone surrogates."""
    return " ".join(_UNPRINTABLE.sub(lambda found: found["flag"] or " ", text).split())


def camel(name: str) -> str:
    """Convert `last_message_at` to `lastMessageAt`."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


_CLUSTER = regex.compile(r"\X")
_EMOJI = regex.compile(
    r"\p{RI}{2}|[0-9#*]\ufe0f?\u20e3"
    r"|(?![©®™])\p{Extended_Pictographic}[\ufe0f\p{Emoji_Modifier}\U000e0020-\U000e007f]*"
    r"(?:\u200d\p{Extended_Pictographic}[\ufe0f\p{Emoji_Modifier}]*)*"
)
LONGEST_EMOJI = 40
"""Code points; families with skin tones have 11, flags of regions 7."""
_WINDOW = 4 * LONGEST_EMOJI
"""Code points on both sides that decide whether a text can be cut at an index; for flags in a row, all before it."""
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
LONGEST_INITIAL = 8
_FIRST_COMBINING = "\u0300"
"""Below it no character combines with the one before, except a line feed after a carriage return."""


def boundary(text: str, at: int, *, forward: bool = False, known: int = 0) -> int:
    """Return the last index up to `at` that does not split an emoji, a flag or an accented letter of `text`.

    forward: return the first such index from `at` on. known: an earlier result up to `at`, which speeds up a series of
    calls. Letters with more marks than LONGEST_EMOJI are cut anywhere: nobody can read them.
    """
    if at <= 0 or at >= len(text):
        return max(0, min(at, len(text)))
    if "\n" < text[at] < _FIRST_COMBINING:
        return at
    begin = _before(text, at, known)
    for cluster in _CLUSTER.finditer(
        text[begin : at + _WINDOW]
    ):  # a slice: with `pos`, \X counts flag letters from the start of the text
        start, end = begin + cluster.start(), begin + cluster.end()
        if end >= at:
            break
    else:
        return at
    if end == at or end - start > LONGEST_EMOJI:
        return at
    return int(end if forward else start)


def _before(text: str, at: int, known: int) -> int:
    """Return the index from which to segment, so that all boundaries from `at` on are right.

    Whether two flag letters form a pair depends on how many precede them; everything else is decided nearby.
    """
    start = max(known, at - _WINDOW)
    blank = text.rfind(" ", start, at)  # no cluster spans a blank
    if blank >= 0 or start == known or text[start - 1] not in _FLAG_LETTERS:
        return max(blank, start)
    before = text[known:start]
    return start - (len(before) - len(before.rstrip(_FLAG_LETTERS))) % 2


def clip(text: str, limit: int) -> str:
    """Truncate `text` to `limit` code points, ellipsis included."""
    if len(text) <= limit:
        return text
    return text[: boundary(text, limit - 1)].rstrip() + "…"


def first_emoji(text: str) -> str:
    """Return the emoji, or else the grapheme cluster, at the start of `text`."""
    match = _EMOJI.match(text) or _CLUSTER.match(text)
    return match.group()[:LONGEST_EMOJI] if match else ""


def is_emoji(text: str, most: int) -> bool:
    """Whether `text` is nothing but one to `most` emoji."""
    count, end = 0, 0
    text = "".join(text[: most * LONGEST_EMOJI + 1].split())
    while count < most and (match := _EMOJI.match(text, end)):
        count, end = count + 1, match.end()
    return bool(count) and end == len(text)


def initials(name: str) -> str:
    """Return one or two letters for an avatar; an emoji or a digit for names without letters, else nothing."""
    letters = [letter for word in name.split()[:20] if (letter := _initial(word))]
    if letters:
        return "".join(letters[:2]).upper()
    emoji = _EMOJI.search(name)
    digit = next((letter for letter in name if letter.isalnum()), "")
    return emoji.group()[:LONGEST_EMOJI] if emoji else digit


def _initial(word: str) -> str:
    """Return the first letter of `word`, punctuation skipped; empty if a digit comes first."""
    position = next((position for position, letter in enumerate(word) if letter.isalnum()), None)
    if position is None or not word[position].isalpha():
        return ""
    match = _CLUSTER.match(word, position)
    return match.group()[:LONGEST_INITIAL] if match else ""

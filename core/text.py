"""Text that strangers wrote, made fit for one line of a page, a file's name or a database."""

import regex

_UNPRINTABLE = regex.compile(
    r"(?P<flag>\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f)|(?![\u200c\u200d])[\p{Cc}\p{Cs}\p{Cf}]"
)
"""Joiners are parts of words and emoji, and tags those of a region's flag, although they are control characters."""


def printable(text: str) -> str:
    """`text` on one line, without control characters, direction overrides or half characters."""
    return " ".join(_UNPRINTABLE.sub(lambda found: found["flag"] or " ", text).split())


def camel(name: str) -> str:
    """`last_message_at` -> `lastMessageAt`."""
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
"""Code points before and after a place that decide whether a text can be cut there; of flags in a row, all before."""
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
LONGEST_INITIAL = 8
_FIRST_COMBINING = "\u0300"
"""No character below it belongs to the one before, but for a line feed after a carriage return."""


def boundary(text: str, at: int, *, forward: bool = False, known: int = 0) -> int:
    """Return the last place up to `at` where `text` can be cut without splitting an emoji, a flag or an accent.

    forward: the first such place from `at` on instead. known: one such place up to `at`, which makes it faster to find
    the next of many. Letters with more marks than LONGEST_EMOJI are cut anywhere:
    nobody can read them.
    """
    if at <= 0 or at >= len(text):
        return max(0, min(at, len(text)))
    if "\n" < text[at] < _FIRST_COMBINING:
        return at
    begin = _before(text, at, known)
    for cluster in _CLUSTER.finditer(
        text[begin : at + _WINDOW]
    ):  # a part: it would count flags from the start
        start, end = begin + cluster.start(), begin + cluster.end()
        if end >= at:
            break
    else:
        return at
    if end == at or end - start > LONGEST_EMOJI:
        return at
    return int(end if forward else start)


def _before(text: str, at: int, known: int) -> int:
    """Where to begin looking for the places before `at`, so that all found from `at` on are right.

    Whether two letters of flags belong together depends on how many stand before them; all else is near.
    """
    start = max(known, at - _WINDOW)
    blank = text.rfind(" ", start, at)  # nothing is joined across one
    if blank >= 0 or start == known or text[start - 1] not in _FLAG_LETTERS:
        return max(blank, start)
    before = text[known:start]
    return start - (len(before) - len(before.rstrip(_FLAG_LETTERS))) % 2


def clip(text: str, limit: int) -> str:
    """Return `text`, or as much of it as fits into `limit` code points with an ellipsis at its end."""
    if len(text) <= limit:
        return text
    return text[: boundary(text, limit - 1)].rstrip() + "…"


def first_emoji(text: str) -> str:
    """Return the emoji (or other character as people see it) with which `text` begins."""
    found = _EMOJI.match(text) or _CLUSTER.match(text)
    return found.group()[:LONGEST_EMOJI] if found else ""


def is_emoji(text: str, most: int) -> bool:
    """Whether `text` is nothing but one to `most` emoji."""
    count, place = 0, 0
    text = "".join(text[: most * LONGEST_EMOJI + 1].split())
    while count < most and (found := _EMOJI.match(text, place)):
        count, place = count + 1, found.end()
    return bool(count) and place == len(text)


def initials(name: str) -> str:
    """Return one or two letters for an avatar; an emoji or a digit for names without letters, else nothing."""
    letters = [letter for word in name.split()[:20] if (letter := _initial(word))]
    if letters:
        return "".join(letters[:2]).upper()
    emoji = _EMOJI.search(name)
    digit = next((letter for letter in name if letter.isalnum()), "")
    return emoji.group()[:LONGEST_EMOJI] if emoji else digit


def _initial(word: str) -> str:
    """The letter with which `word` begins, after what is no letter and no digit."""
    place = next((index for index, letter in enumerate(word) if letter.isalnum()), None)
    if place is None or not word[place].isalpha():
        return ""
    found = _CLUSTER.match(word, place)
    return found.group()[:LONGEST_INITIAL] if found else ""

"""One normal form for everything that is searched and everything that is typed into a search, in any script.

A text becomes terms: words as they are; two characters at a time where words are not set apart (Chinese, Japanese,
Korean, Thai, Lao, Khmer, Burmese, Tibetan) or carry their article and prepositions in front (Arabic, Hebrew); three
digits at a time, after a term for the beginning of the number; every other sign by itself. PostgreSQL indexes the terms
by array_to_tsvector, SQLite by FTS5: neither a locale nor a parser decides what a letter is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import regex

from core.text import boundary

LONGEST = 100_000
"""Characters of one text that are indexed: their terms fit into a tsvector, which holds a megabyte."""
MARKED = 20_000
"""Characters of one text in which words are marked."""
DIGITS = 3
LETTERS = 2
BEGINNING = "^"
"""Before the first digits of a number in the term for its beginning. One or two typed digits find only beginnings: they
are somewhere in most numbers.
"""

_ALIKE = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′´`ʹʻʼʽˈ׳՚", "'"),
        **dict.fromkeys("“”„‟″«»״", '"'),
        **dict.fromkeys("‐‑‒–—―−﹘﹣－־", "-"),
        **{"ı": "i", "ø": "o", "Ø": "o", "đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "ł": "l", "Ł": "l"},
        **{"ħ": "h", "Ħ": "h", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "þ": "th", "Þ": "th"},
        **{"ی": "ي", "ى": "ي", "ک": "ك", "ة": "ه", "ـ": ""},
    }
)
"""What keyboards write differently and people do not tell apart; of letters, those that Unicode does not take apart."""
_IGNORED = re.compile(
    "["
    "\u00ad\u0600-\u0605\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible
    "\U000e0000-\U000e01ef\ufe00-\ufe0f\U0001f3fb-\U0001f3ff"  # variants, tags and skin tones of emoji
    "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"  # accents
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew points
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u08ca-\u08ff"  # Arabic vowels
    "]"
)
"""Not the vowel signs of Thai, Hindi and their relatives, nor the voicing marks of kana: they make other words."""
_FOREIGN_DIGIT = re.compile(r"[^\D0-9]")
_UNSPACED = (
    "\u0590-\u06ff\u0750-\u077f\u0870-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"  # Hebrew, Arabic
    "\u0e00-\u109f\u1780-\u17ff"  # Thai, Lao, Tibetan, Burmese, Khmer
    "\u1100-\u11ff\uac00-\ud7ff\u3005-\u3007\u3040-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_INDIAN = "\u0900-\u0963\u0966-\u0dff"
_RUN = re.compile(
    rf"([0-9]+)|([{_UNSPACED}]+)|"
    rf"([^\W0-9{_UNSPACED}{_INDIAN}\u0964\u0965]{{1,64}}|[{_INDIAN}]{{1,64}}|[^\s\x00-\x1f\x7f-\x9f])"
)
"""Digits, letters of which some make a term, or a term: a word (cut at 64 characters: a lexeme of PostgreSQL has up to
2,046 bytes) or a sign. The signs of Indian scripts are letters to people, though not to Python."""
_ASCII_RUN = re.compile(r"([0-9]+)|()([a-z_]{1,64}|[!-~])")
_AROUND = r"[.,;:!?'\"()\[\]{}¡¿،؛؟。、।]+"
_PUNCTUATION = re.compile(rf"^{_AROUND}(?=.)|(?<=.){_AROUND}$")
"""What stands around a typed word and is not part of it."""

MARKS = 30
"""Combining marks in a row that are looked at, as in the stream-safe text format of UAX #15. Sorting longer rows takes
the square of their length, and nobody can read them.
"""
_MARK = r"[\p{M}\uff9e\uff9f]"
"""What is a combining mark, or becomes one as the voicing marks of halfwidth kana do."""
_MARKS = regex.compile(rf"({_MARK}{{{MARKS}}}){_MARK}+")
_CLUSTER = regex.compile(
    r"(?s:[\u1100-\u115f][\u1160-\u11a7]?[\u11a8-\u11ff]?|.)" rf"(?:{_IGNORED.pattern}|{_MARK}|\u0640)*+"
)
"""Characters that are folded together: no mark is apart from those that it is sorted or cut with."""


@dataclass(frozen=True)
class Phrase:
    """The terms of one typed word, which stand one after the other in a text. open: the last one may go on there."""

    terms: tuple[str, ...]
    open: bool

    @property
    def text(self) -> str:
        """As it stands in a `search_text`."""
        return " ".join(self.terms)


def search_text(*texts: str) -> str:
    """The terms of all texts, one space between two of them: what the databases index."""
    return " ".join([term for text in texts if text for term in _terms(_runs(text))])


def phrases(query: str) -> tuple[Phrase, ...]:
    """What a text must contain, in any order, to be found: every typed word. Empty when nothing searchable is typed."""
    words = (_runs(_PUNCTUATION.sub("", word)) or _runs(word) for word in fold(query).split())
    return tuple(dict.fromkeys(_phrase(runs) for runs in words if runs))


def _phrase(runs: list[tuple[str, str, str]]) -> Phrase:
    """A typed word: without what only the beginning or the end of a number, or of letters in a row, has in a text."""
    terms = _terms(runs)
    if len(runs[0][0]) >= DIGITS:
        del terms[0]
    digits, letters, term = runs[-1]
    if term:
        return Phrase(tuple(terms), open=len(term) > 1 or term.isalnum())
    if 0 < len(digits) < DIGITS:
        return Phrase(tuple(terms[: len(terms) - len(digits)]), open=True)
    size = DIGITS if digits else LETTERS
    shorter = min(len(digits or letters), size) - 1
    return Phrase(tuple(terms[: len(terms) - shorter]), open=shorter < size - 1)


def places(text: str, words: Collection[Phrase]) -> Iterator[tuple[int, int]]:
    """Where `text` has one of the words, from start to end, whole characters as people see them; none overlaps.

    They are found one by one: who needs the first only does not wait for the others.
    """
    folded, origins = _traced(text[:MARKED])
    terms, starts = [], []
    for run in (_ASCII_RUN if folded.isascii() else _RUN).finditer(folded):
        found = _terms([(run[1] or "", run[2] or "", run[3] or "")])
        terms += found
        starts += [
            run.end() - place if run.lastindex != 3 else run.start() for place in range(len(found), 0, -1)
        ]
    start = end = known = 0
    for at in range(len(terms)):
        for word in words:
            if not _stands(word, terms, at):
                continue
            first = starts[at] + _begins(word.terms[0])
            last = starts[at + len(word.terms) - 1] + len(word.terms[-1]) - 1
            known = boundary(text, origins[first][0], known=known)
            if known >= end:
                if end:
                    yield start, end
                start = known
            end = max(end, boundary(text, origins[last][1], forward=True, known=known))
    if end:
        yield start, end


def _begins(term: str) -> bool:
    """Whether it is the term for the beginning of a number, one character before it."""
    return len(term) > 1 and term[0] == BEGINNING


def _stands(word: Phrase, terms: list[str], at: int) -> bool:
    """Whether the text's terms from there on are the word's."""
    *before, last = word.terms
    there = terms[at : at + len(word.terms)]
    return there[:-1] == before and (there[-1].startswith(last) if word.open else there[-1] == last)


def _traced(text: str) -> tuple[str, list[tuple[int, int]]]:
    """`text` folded, and for each of its characters from where to where that one was in `text`."""
    pieces, origins = [], []
    for cluster in _CLUSTER.finditer(text):
        folded = fold(cluster[0])
        pieces.append(folded)
        origins += [cluster.span()] * len(folded)
    return "".join(pieces), origins


def fold(text: str) -> str:
    """`text` without what people leave out when they search: capitals, accents, widths, kinds of quotes and dashes."""
    if text.isascii():
        return text.replace("`", "'").lower()
    text = unicodedata.normalize("NFKD", _readable(text.translate(_ALIKE))).casefold()
    text = _IGNORED.sub("", unicodedata.normalize("NFKD", text).translate(_ALIKE))
    text = _FOREIGN_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)
    return unicodedata.normalize("NFC", _readable(text))


def _readable(text: str) -> str:
    """`text` with at most MARKS marks in a row. Also needed after characters between marks were taken away."""
    return str(_MARKS.sub(r"\1", text))


def _runs(text: str) -> list[tuple[str, str, str]]:
    folded = fold(text[:LONGEST])[:LONGEST]
    return (_ASCII_RUN if folded.isascii() else _RUN).findall(folded)


def _terms(runs: list[tuple[str, str, str]]) -> list[str]:
    """A term begins at every digit and at every letter of a script whose words are not set apart."""
    terms: list[str] = []
    for digits, letters, term in runs:
        if term:
            terms.append(term)
        elif digits:
            terms.append(BEGINNING + digits[: DIGITS - 1])
            terms += [digits[start : start + DIGITS] for start in range(len(digits))]
        else:
            terms += [letters[start : start + LETTERS] for start in range(len(letters))]
    return terms

"""Tokenizer for indexed texts and search queries in any script.

Terms are whole words; bigrams for scripts without spaces between words (Chinese, Japanese, Korean, Thai, Lao, Khmer,
Burmese, Tibetan) or with articles and prepositions attached (Arabic, Hebrew); trigrams of digits, after a term for the
beginning of the number; and single signs. PostgreSQL indexes the terms with array_to_tsvector, SQLite with FTS5:
neither a locale nor a parser decides what a letter is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import regex

from core.text import boundary

MAX_INDEXED = 100_000
"""Indexed characters of one text: their terms fit into a tsvector of at most 1 MB."""
MAX_HIGHLIGHTED = 20_000
"""Characters of one text in which matches are highlighted."""
DIGITS = 3
LETTERS = 2
BEGINNING = "^"
"""Prefix of the term for the beginning of a number. One or two typed digits match only beginnings, because most numbers
contain them somewhere.
"""

_EQUIVALENT = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′´`ʹʻʼʽˈ׳՚", "'"),
        **dict.fromkeys("“”„‟″«»״", '"'),
        **dict.fromkeys("‐‑‒–—―−﹘﹣－־", "-"),
        **{"ı": "i", "ø": "o", "Ø": "o", "đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "ł": "l", "Ł": "l"},
        **{"ħ": "h", "Ħ": "h", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "þ": "th", "Þ": "th"},
        **{"ی": "ي", "ى": "ي", "ک": "ك", "ة": "ه", "ـ": ""},
    }
)
"""Characters that people do not distinguish; of letters, those that Unicode does not decompose."""
_IGNORED = re.compile(
    "["
    "\u00ad\u0600-\u0605\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible
    "\U000e0000-\U000e01ef\ufe00-\ufe0f\U0001f3fb-\U0001f3ff"  # variants, tags and skin tones of emoji
    "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"  # accents
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew points
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u08ca-\u08ff"  # Arabic vowels
    "]"
)
"""Not the vowel signs of Thai, Hindi and related scripts, nor the voicing marks of kana: they distinguish words."""
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
"""Groups: digits, letters to be split into bigrams, or a term, which is a word (cut at 64 characters: a lexeme of
PostgreSQL has up to 2,046 bytes) or a sign. The signs of Indian scripts are part of words, though not to Python."""
_ASCII_RUN = re.compile(r"([0-9]+)|()([a-z_]{1,64}|[!-~])")
_AROUND = r"[.,;:!?'\"()\[\]{}¡¿،؛؟。、।]+"
_PUNCTUATION = re.compile(rf"^{_AROUND}(?=.)|(?<=.){_AROUND}$")
"""Punctuation around a typed word."""

MARKS = 30
"""Longest sequence of combining marks, as in the stream-safe text format of UAX #15. Normalizing longer ones takes time
quadratic in their length, and nobody can read them.
"""
_MARK = r"[\p{M}\uff9e\uff9f]"
"""Combining mark, or a character that normalizes to one (voicing marks of halfwidth kana)."""
_MARKS = regex.compile(rf"({_MARK}{{{MARKS}}}){_MARK}+")
_CLUSTER = regex.compile(
    r"(?s:[\u1100-\u115f][\u1160-\u11a7]?[\u11a8-\u11ff]?|.)" rf"(?:{_IGNORED.pattern}|{_MARK}|\u0640)*+"
)
"""Characters that are folded together, because normalization reorders and MARKS limits the marks among them."""


@dataclass(frozen=True)
class Phrase:
    """Terms of one typed word, adjacent in a matching text. open: the last one may be a prefix."""

    terms: tuple[str, ...]
    open: bool

    @property
    def text(self) -> str:
        """The terms as in a `search_text`."""
        return " ".join(self.terms)


def search_text(*texts: str) -> str:
    """Tokenize the texts for the index: terms separated by one space."""
    return " ".join([term for text in texts if text for term in _terms(_runs(text))])


def phrases(query: str) -> tuple[Phrase, ...]:
    """Parse a query: a text matches if it contains all phrases, in any order. Empty without a searchable word."""
    words = (_runs(_PUNCTUATION.sub("", word)) or _runs(word) for word in fold(query).split())
    return tuple(dict.fromkeys(_phrase(runs) for runs in words if runs))


def _phrase(runs: list[tuple[str, str, str]]) -> Phrase:
    """Build the phrase of a word, without the terms that mark the beginning or end of a run of digits or letters."""
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


def matches(text: str, phrases: Collection[Phrase]) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each occurrence of a phrase in `text`: grapheme clusters, in order, none overlaps.

    Lazy, so that the first one costs no more than it has to.
    """
    folded, origins = _fold_with_origins(text[:MAX_HIGHLIGHTED])
    terms, starts = [], []
    for run in (_ASCII_RUN if folded.isascii() else _RUN).finditer(folded):
        run_terms = _terms([(run[1] or "", run[2] or "", run[3] or "")])
        terms += run_terms
        starts += [
            run.end() - distance if run.lastindex != 3 else run.start()
            for distance in range(len(run_terms), 0, -1)
        ]
    start = end = known = 0
    for at in range(len(terms)):
        for phrase in phrases:
            if not _occurs(phrase, terms, at):
                continue
            first = starts[at] + _is_beginning(phrase.terms[0])
            last = starts[at + len(phrase.terms) - 1] + len(phrase.terms[-1]) - 1
            known = boundary(text, origins[first][0], known=known)
            if known >= end:
                if end:
                    yield start, end
                start = known
            end = max(end, boundary(text, origins[last][1], forward=True, known=known))
    if end:
        yield start, end


def _is_beginning(term: str) -> bool:
    """Whether `term` marks the beginning of a number, with one character more than the digits."""
    return len(term) > 1 and term[0] == BEGINNING


def _occurs(phrase: Phrase, terms: list[str], at: int) -> bool:
    """Whether the phrase's terms occur in `terms` at index `at`."""
    *before, last = phrase.terms
    window = terms[at : at + len(phrase.terms)]
    return window[:-1] == before and (window[-1].startswith(last) if phrase.open else window[-1] == last)


def _fold_with_origins(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Fold `text`, and return for each resulting character its (start, end) in `text`."""
    pieces, origins = [], []
    for cluster in _CLUSTER.finditer(text):
        folded = fold(cluster[0])
        pieces.append(folded)
        origins += [cluster.span()] * len(folded)
    return "".join(pieces), origins


def fold(text: str) -> str:
    """Normalize case, accents, widths, quotes and dashes, which people leave out in queries."""
    if text.isascii():
        return text.replace("`", "'").lower()
    text = unicodedata.normalize("NFKD", _limit_marks(text.translate(_EQUIVALENT))).casefold()
    text = _IGNORED.sub("", unicodedata.normalize("NFKD", text).translate(_EQUIVALENT))
    text = _FOREIGN_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)
    return unicodedata.normalize("NFC", _limit_marks(text))


def _limit_marks(text: str) -> str:
    """Limit sequences of combining marks to MARKS. Needed again after characters between marks were removed."""
    return str(_MARKS.sub(r"\1", text))


def _runs(text: str) -> list[tuple[str, str, str]]:
    folded = fold(text[:MAX_INDEXED])[:MAX_INDEXED]
    return (_ASCII_RUN if folded.isascii() else _RUN).findall(folded)


def _terms(runs: list[tuple[str, str, str]]) -> list[str]:
    """Split runs into terms; n-grams start at every digit, and at every letter of scripts without spaces."""
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

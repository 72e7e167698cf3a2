"""Match keywords in messages, and the built-in keywords that opt out and in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

from core.errors import InvalidInput

LANGUAGES = {
    "en": "English",
    "ar": "Arabic",
    "de": "German",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "id": "Indonesian",
    "it": "Italian",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "tr": "Turkish",
}
STOP: dict[str, list[str]] = {
    "en": ["stop", "stop all", "unsubscribe", "opt out"],
    "ar": ["توقف", "إيقاف", "إلغاء الاشتراك"],
    "de": ["stopp", "abmelden", "abbestellen"],
    "es": ["parar", "baja", "cancelar suscripción"],
    "fr": ["arrêt", "arrêter", "désabonner", "se désabonner"],
    "hi": ["रोकें", "बंद करो"],
    "id": ["berhenti", "henti"],
    "it": ["ferma", "cancellami", "disiscrivimi"],
    "nl": ["afmelden", "uitschrijven"],
    "pl": ["wypisz", "rezygnuję"],
    "pt": ["parar", "sair", "descadastrar", "cancelar inscrição"],
    "ru": ["стоп", "отписаться"],
    "tr": ["dur", "iptal et", "abonelikten çık"],
}
"""Whole messages that opt out, unless a business changes them. "Cancel" is not among them: it may mean an order."""
START: dict[str, list[str]] = {
    "en": ["start", "subscribe", "opt in"],
    "ar": ["ابدأ", "اشتراك"],
    "de": ["anmelden"],
    "es": ["alta", "suscribir"],
    "fr": ["démarrer", "abonner"],
    "hi": ["शुरू करें"],
    "id": ["mulai"],
    "it": ["iscrivimi"],
    "nl": ["aanmelden"],
    "pl": ["zapisz"],
    "pt": ["começar", "assinar"],
    "ru": ["старт", "подписаться"],
    "tr": ["başlat"],
}
MAX_LENGTH = 60
MAX_KEYWORDS = 30
"""Keywords of one language."""


MATCHED_LENGTH = 65_536
"""Characters of a text that are matched: as many as a message has at most."""
_PIECE = 256
_NO_WORD = re.compile(r"[^a-z0-9]+")


def plain(text: str) -> str:
    """Return `text` without case, accents, punctuation and emoji.

    "arret" for "  Arrêt!! 🙏".
    """
    if text.isascii():
        return " ".join(_NO_WORD.sub(" ", text.lower()).split())
    kept = (
        letter if unicodedata.category(letter)[0] in "LN" or _is_vowel_sign(letter) else " "
        for letter in _decomposed(text[:MATCHED_LENGTH].casefold())
        if unicodedata.category(letter) not in ("Mn", "Cf") or _is_vowel_sign(letter)
    )
    return " ".join("".join(kept).split())


def _decomposed(text: str) -> str:
    """Decompose a text (NFKD) in pieces.

    The time for a piece grows with the square of the number of accents in a row.
    """
    starts = range(0, len(text), _PIECE)
    return "".join(unicodedata.normalize("NFKD", text[start : start + _PIECE]) for start in starts)


def _is_vowel_sign(letter: str) -> bool:
    """Return whether a mark is part of the word, as in Indic scripts, and no accent."""
    return unicodedata.category(letter) in ("Mn", "Mc") and "\u0900" <= letter <= "\u0dff"


def plain_keywords(words: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """Return the keywords of all languages in plain form."""
    return frozenset(filter(None, (plain(word) for some in words.values() for word in some)))


def contains(text: str, keywords: Iterable[str]) -> str:
    """Return the first keyword that occurs in the plain `text`; "" for none.

    Only whole words count.
    """
    padded = f" {text} "
    return next((word for word in keywords if f" {_plain_word(word)} " in padded), "")


_plain_word = lru_cache(maxsize=4096)(plain)


def clean(lines: str | Iterable[str], what: str) -> list[str]:
    """Parse keywords, one a line or separated by commas.

    Raises InvalidInput with `what` as its field.
    """
    parts = re.split(r"[\n,]", lines) if isinstance(lines, str) else list(lines)
    keywords = list(dict.fromkeys(" ".join(part.split()) for part in parts if part.strip()))
    if len(keywords) > MAX_KEYWORDS:
        raise InvalidInput("too_many_words", f"At most {MAX_KEYWORDS} words can be given.", field=what)
    for word in keywords:
        if len(word) > MAX_LENGTH or not plain(word):
            raise InvalidInput(
                "invalid_word",
                f"{word[:MAX_LENGTH]}: a word has letters, and at most {MAX_LENGTH} of them.",
                field=what,
            )
    return keywords

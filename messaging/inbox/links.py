"""Find URLs and e-mail addresses in texts by the rules of linkify-it, in time linear in the length."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from linkify_it import LinkifyIt


@dataclass(frozen=True, slots=True)
class Link:
    """Position of a link in a text, and its target (http, https or mailto)."""

    start: int
    end: int
    url: str


_HINT = re.compile(r"://|\.[^\W\d_]|@")
"""A text that does not match has no link: the fast path of most texts."""
_WORD = re.compile(r"\S+")
_SCHEME = re.compile(r"(?<![a-z0-9])(https?:)//", re.IGNORECASE)
_MARKS = "*_~"
LONGEST = 2048
"""Maximum length of a word without a scheme that is searched; longer ones are no domains."""
_SLACK = 256
_TRAILING = "\u200c\u200d\ufe0e\ufe0f"
_GENERIC = [
    "app",
    "dev",
    "online",
    "store",
    "shop",
    "site",
    "xyz",
    "link",
    "live",
    "cloud",
    "page",
    "blog",
    "club",
    "agency",
    "studio",
    "world",
    "tech",
    "media",
]
"""Common top-level domains in addition to linkify-it's. Not all 1,500, because many are ordinary words."""
_BRACKETS = dict(
    zip(
        "（）［］｛｝「」『』【】〔〕〖〗《》〈〉“”„‟«»‹›‘’‚",
        '()[]{}[][][][][]<><>""""""""\'\'\'',
        strict=True,
    )
)
"""Brackets and quotation marks of other scripts, mapped to ASCII ones with the same rules."""
_BREAKS = "，、。；：？！…،؛؟۔।॥።၊။\u00a0\u00ad\u200b\u200e\u200f\u2060\ufeff" + "".join(
    map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
)
"""Characters that end a link: punctuation of other scripts and zero-width characters."""
_NORMALIZED = str.maketrans(_BRACKETS | dict.fromkeys(_BREAKS, " "))


@cache
def _linkify() -> LinkifyIt:
    """Return the configured library, compiled on first use because that is slow."""
    linkify = LinkifyIt()
    for scheme in ("ftp:", "//"):
        linkify.add(scheme, None)
    return linkify.tlds(_GENERIC, True)


def find(text: str) -> Iterator[Link]:
    """Yield the links of a text from left to right: http and https URLs, bare domains and e-mail addresses."""
    if not _HINT.search(text):
        return
    normalized = text.translate(_NORMALIZED)
    for match in _WORD.finditer(normalized):
        word = match.group()
        if "://" in word:
            yield from _with_scheme(text, normalized, match.start(), match.end())
        elif len(word) <= LONGEST and _HINT.search(word):
            yield from _bare(text, word, match.start())


def _with_scheme(text: str, normalized: str, start: int, end: int) -> Iterator[Link]:
    """Yield the URLs with a scheme within one word, matching each position once."""
    while scheme := _SCHEME.search(normalized, start, end):
        length = _length(normalized[scheme.start() : end], scheme[1])
        start = scheme.end()
        if length:
            start = scheme.start() + length
            url = text[scheme.start() : start].rstrip(_TRAILING)
            yield Link(scheme.start(), scheme.start() + len(url), url)


def _length(word: str, scheme: str) -> int:
    """Return the length of the URL at the beginning of `word`; 0 if there is none.

    An opening bracket makes the library scan for the closing one to the end, so it gets more of a long word only when
    the URL continues there.
    """
    window = LONGEST
    while True:
        length = _linkify().test_schema_at(word[:window], scheme.lower(), len(scheme))
        if window >= len(word) or length < window - _SLACK:
            return len(scheme) + length if length else 0
        window *= 2


def _bare(text: str, word: str, start: int) -> Iterator[Link]:
    """Yield the domains and e-mail addresses in a word without a scheme, ignoring formatting marks around it."""
    marks = len(word) - len(word.lstrip(_MARKS))
    inner = word[marks:]
    for mark in word[:marks]:
        inner = inner.removesuffix(mark)
    for match in _linkify().match(inner) or ():
        address = text[start + marks + match.index : start + marks + match.last_index].rstrip(_TRAILING)
        prefix = match.url[: len(match.url) - len(match.raw)]
        if prefix or match.schema == "mailto:":
            yield Link(
                start + marks + match.index,
                start + marks + match.index + len(address),
                prefix + address,
            )

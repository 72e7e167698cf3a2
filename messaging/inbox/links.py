"""Find addresses in what people write, where linkify-it finds them and in time linear in the text's length."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from linkify_it import LinkifyIt


@dataclass(frozen=True, slots=True)
class Link:
    """Where an address stands in the text, and where it leads (http, https or mailto)."""

    start: int
    end: int
    url: str


_HINT = re.compile(r"://|\.[^\W\d_]|@")
"""Without any of these a text has no address: most texts are done here."""
_WORD = re.compile(r"\S+")
_SCHEME = re.compile(r"(?<![a-z0-9])(https?:)//", re.IGNORECASE)
_MARKS = "*_~"
LONGEST = 2048
"""Characters of a word without a scheme in which addresses are looked for; longer ones are no domains."""
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
"""Top-level domains of shops beside those that linkify-it knows: of all 1,500 many are words of sentences."""
_BRACKETS = dict(
    zip(
        "（）［］｛｝「」『』【】〔〕〖〗《》〈〉“”„‟«»‹›‘’‚",
        '()[]{}[][][][][]<><>""""""""\'\'\'',
        strict=True,
    )
)
"""Brackets and quotation marks of other scripts as the ASCII ones whose rules they follow."""
_BREAKS = "，、。；：？！…،؛؟۔।॥።၊။\u00a0\u00ad\u200b\u200e\u200f\u2060\ufeff" + "".join(
    map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
)
"""What stands in no address: punctuation of other scripts, and characters without width."""
_READ_AS = str.maketrans(_BRACKETS | dict.fromkeys(_BREAKS, " "))


@cache
def _linkify() -> LinkifyIt:
    """The library's rules. Made when the first address is looked for: compiling them takes a while."""
    linkify = LinkifyIt()
    for scheme in ("ftp:", "//"):
        linkify.add(scheme, None)
    return linkify.tlds(_GENERIC, True)


def find(text: str) -> Iterator[Link]:
    """Yield the addresses in `text` from left to right: http and https, domains without them, and e-mail."""
    if not _HINT.search(text):
        return
    read = text.translate(_READ_AS)
    for word in _WORD.finditer(read):
        written = word.group()
        if "://" in written:
            yield from _with_scheme(text, read, word.start(), word.end())
        elif len(written) <= LONGEST and _HINT.search(written):
            yield from _bare(text, written, word.start())


def _with_scheme(text: str, read: str, start: int, end: int) -> Iterator[Link]:
    """Addresses of one word, each from its scheme; the library looks at every place once."""
    while found := _SCHEME.search(read, start, end):
        length = _length(read[found.start() : end], found[1])
        start = found.end()
        if length:
            start = found.start() + length
            url = text[found.start() : start].rstrip(_TRAILING)
            yield Link(found.start(), found.start() + len(url), url)


def _length(word: str, scheme: str) -> int:
    """How long the address is with which `word` begins, 0 when it is none.

    An opening bracket makes the library look for the closing one to the end, so it is shown more of a long word only
    when the address goes on there.
    """
    shown = LONGEST
    while True:
        length = _linkify().test_schema_at(word[:shown], scheme.lower(), len(scheme))
        if shown >= len(word) or length < shown - _SLACK:
            return len(scheme) + length if length else 0
        shown *= 2


def _bare(text: str, written: str, start: int) -> Iterator[Link]:
    """Domains and e-mail addresses of one word without a scheme, in or outside of formatting marks."""
    marks = len(written) - len(written.lstrip(_MARKS))
    inner = written[marks:]
    for mark in written[:marks]:
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

"""What people write, as safe HTML: WhatsApp's *bold*, _italic_, ~strike~, `code` and ```mono```, and links.

One pass over the text, linear in its length whatever it holds. Everything that is not one of our own tags is escaped,
and only http and https addresses become links.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache

from markupsafe import Markup, escape

_TOKEN = re.compile(r"(?P<url>https?://[^\s<>\"'`]+)|(?P<mark>[*_~`])|(?P<newline>\n)", re.IGNORECASE)
_FENCE = "```"
_MARKS = re.compile(r"[*_~`]")
_TAGS = {
    "*": ("<strong>", "</strong>"),
    "_": ("<em>", "</em>"),
    "~": ("<s>", "</s>"),
    "`": ("<code>", "</code>"),
}
_CLOSERS = ".,;:!?)]}*_~"
_EMOJI_PARTS = "\u200d\ufe0f\u20e3"
_JUMBO_LENGTH = 14
"""Code points that a message of only emoji may have and still be shown large (families are long)."""


def to_html(text: str) -> Markup:
    """`text` with WhatsApp's marks as tags and its addresses as links; line breaks stay (white-space: pre-wrap)."""
    return _kept_html(text) if len(text) <= _KEPT_LENGTH else _html(text)


def _html(text: str) -> Markup:
    parts = text.replace("\r\n", "\n").split(_FENCE)
    if len(parts) % 2 == 0:  # the last fence has no partner: it is only text
        parts[-2:] = [parts[-2] + _FENCE + parts[-1]]
    pieces = [
        f"<code class=message-mono>{escape(part)}</code>" if index % 2 else _inline(part)
        for index, part in enumerate(parts)
        if part
    ]
    return Markup("".join(pieces))  # noqa: S704 - every piece was escaped above


_KEPT_LENGTH = 500
"""Texts up to this length are taken apart once, and then kept for as long as they are shown often.

By type too: a Markup equals the same text that nobody escaped.
"""
_kept_html = lru_cache(maxsize=2048, typed=True)(_html)


def plain(text: str, limit: int) -> str:
    """One line of at most `limit` characters without marks, for quotes and previews."""
    start = text[: limit * 4]
    return _kept_plain(start, limit) if len(start) <= _KEPT_LENGTH else _plain(start, limit)


def _plain(text: str, limit: int) -> str:
    line = " ".join(text.split())
    if _MARKS.search(line):
        line = Markup(_inline(line)).striptags()  # noqa: S704 - escaped by _inline, and taken apart again at once
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


_kept_plain = lru_cache(maxsize=2048, typed=True)(_plain)


def is_jumbo(text: str) -> bool:
    """Whether a message is nothing but one to three or so emoji, shown large."""
    letters = text.strip()
    if not letters or len(letters) > _JUMBO_LENGTH:
        return False
    return all(_is_emoji_part(letter) for letter in letters) and any(
        unicodedata.category(letter) == "So" for letter in letters
    )


def _is_emoji_part(letter: str) -> bool:
    return letter in _EMOJI_PARTS or unicodedata.category(letter) in ("So", "Sk")


@dataclass
class _Line:
    """Pieces written so far, and the marks that wait for their partner: (mark, its place in `pieces`)."""

    pieces: list[str] = field(default_factory=list)
    waiting: list[tuple[str, int]] = field(default_factory=list)

    def waits_for(self, mark: str) -> bool:
        return any(mark == waiting for waiting, _ in self.waiting)

    def open(self, mark: str) -> None:
        self.waiting.append((mark, len(self.pieces)))
        self.pieces.append(mark)

    def close(self, mark: str) -> None:
        """Turn the waiting mark into its tag; marks that were opened inside and never closed stay text."""
        while True:
            waiting, place = self.waiting.pop()
            if waiting == mark:
                break
        self.pieces[place] = _TAGS[mark][0]
        self.pieces.append(_TAGS[mark][1])


def _inline(text: str) -> str:
    line, end = _Line(), 0
    while match := _TOKEN.search(text, end):
        line.pieces.append(str(escape(text[end : match.start()])))
        end = match.end()
        if match["url"]:
            end = match.start() + _link(line, match["url"])
        elif match["newline"]:
            line.waiting.clear()
            line.pieces.append("\n")
        else:
            _mark(line, text, match.start())
    line.pieces.append(str(escape(text[end:])))
    return "".join(line.pieces)


def _link(line: _Line, found: str) -> int:
    """Write a link; returns how much of `found` it took. Punctuation at the end belongs to the sentence."""
    url = found.rstrip(_CLOSERS)
    if "(" in url and found[len(url) : len(url) + 1] == ")":
        url += ")"
    if len(url) <= len("https://"):
        line.pieces.append(str(escape(found)))
        return len(found)
    line.pieces.append(
        f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer nofollow">{escape(url)}</a>'
    )
    return len(url)


def _mark(line: _Line, text: str, place: int) -> None:
    mark = text[place]
    before = text[place - 1] if place else " "
    after = text[place + 1] if place + 1 < len(text) else " "
    inside_code = mark != "`" and line.waits_for("`")
    if (
        not inside_code
        and line.waits_for(mark)
        and not before.isspace()
        and before != mark
        and not after.isalnum()
    ):
        line.close(mark)
    elif (
        not inside_code
        and not line.waits_for(mark)
        and not before.isalnum()
        and not after.isspace()
        and after != mark
    ):
        line.open(mark)
    else:
        line.pieces.append(mark)

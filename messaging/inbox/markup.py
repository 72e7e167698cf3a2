"""What people write, as safe HTML: WhatsApp's marks, lists, quotes and code, and links.

One pass over the text, linear in its length whatever it holds. Everything that is not one of our own tags is escaped,
and only http, https and e-mail addresses become links.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from markupsafe import Markup, escape

from core.text import clip, is_emoji
from messaging.inbox import links

_FENCE = "```"
_TOKEN = re.compile(r"`(?P<code>[^`\n]*[^`\s][^`\n]*)`|(?P<mark>[*_~])")
_MARKS = re.compile(r"[*_~`]")
_BLOCK = re.compile(r"(?P<quote>> )|(?P<bullet>[*-] )|(?P<number>[0-9]{1,9})\. ")
_TAGS = {
    "*": ("<strong>", "</strong>"),
    "_": ("<em>", "</em>"),
    "~": ("<s>", "</s>"),
}
_JUMBO = 3
"""Emoji that a message of nothing else may have and still be shown large."""


def to_html(text: str) -> Markup:
    """`text` with WhatsApp's marks as tags and its addresses as links; line breaks stay (white-space: pre-wrap)."""
    return _kept_html(text) if len(text) <= _KEPT_LENGTH else _html(text)


def _html(text: str) -> Markup:
    pieces = [
        f"<code class=message-mono>{escape(part)}</code>" if code else _blocks(part, begins)
        for code, begins, part in _parts(text.replace("\r\n", "\n"))
    ]
    return Markup("".join(pieces))  # noqa: S704 - every piece was escaped


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
        line = "".join(part if code else _inline(part, html=False) for code, _, part in _parts(line))
    return clip(line, limit)


_kept_plain = lru_cache(maxsize=2048, typed=True)(_plain)


def is_jumbo(text: str) -> bool:
    """Whether a message is nothing but one to three emoji, shown large."""
    return is_emoji(text, _JUMBO)


def _parts(text: str) -> Iterator[tuple[bool, bool, str]]:
    """Yield (code, begins a line, text) for what is between fences and outside of them. An empty fence is text."""
    written, looked = 0, 0
    while (start := text.find(_FENCE, looked)) >= 0 and (end := text.find(_FENCE, start + 3)) >= 0:
        looked = end
        inside = text[start + 3 : end]
        if not inside.strip("`\n\t "):
            continue
        if start > written:
            yield False, written == 0, text[written:start]
        yield True, False, inside
        written = looked = end + 3
    if written < len(text):
        yield False, written == 0, text[written:]


# -- lines ------------------------------------------------------------------------------------------


def _blocks(text: str, begins: bool) -> str:
    """Lines with their lists and quotes. begins: the first line is one, not the rest of another."""
    pieces: list[str] = []
    kind, breaks, empty = "", False, False
    for index, line in enumerate(text.split("\n")):
        found = _BLOCK.match(line) if index or begins else None
        if found and not line[found.end() :].strip():
            found = None
        now = str(found.lastgroup) if found else ""
        if kind and now != kind:
            pieces.append(_CLOSING[kind])
        if not found:
            pieces += ["\n"] * (breaks and not kind) + [_inline(line)]
        else:
            pieces += ["\n"] * empty + [_item(found, line, first=now != kind)]
        kind, breaks, empty = now, True, not line
    if kind:
        pieces.append(_CLOSING[kind])
    return "".join(pieces)


_CLOSING = {"quote": "</blockquote>", "bullet": "</ul>", "number": "</ol>"}


def _item(found: re.Match[str], line: str, first: bool) -> str:
    text = _inline(line[found.end() :])
    match found.lastgroup:
        case "quote":
            return f"<blockquote>{text}" if first else f"\n{text}"
        case "bullet":
            return f"{'<ul>' if first else ''}<li>{text}</li>"
    return f'{"<ol>" if first else ""}<li value="{int(found["number"])}">{text}</li>'


# -- marks and links within a line -------------------------------------------------------------------


@dataclass
class _Line:
    """Pieces written so far, and the marks that wait for their partner: (mark, its place in `pieces`)."""

    html: bool
    pieces: list[str] = field(default_factory=list)
    waiting: list[tuple[str, int]] = field(default_factory=list)

    def write(self, text: str) -> None:
        if text:
            self.pieces.append(str(escape(text)) if self.html else text)

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
        start, end = _TAGS[mark] if self.html else ("", "")
        self.pieces[place] = start
        self.pieces.append(end)


def _inline(text: str, html: bool = True) -> str:
    line, end = _Line(html), 0
    found = links.find(text)
    link, token = next(found, None), _TOKEN.search(text)
    while link or token:
        if link and link.start < end:
            link = next(found, None)
        elif token and token.start() < end:
            token = _TOKEN.search(text, end)
        elif link and (not token or link.start <= token.start()):
            line.write(text[end : link.start])
            end = _link(line, link, text)
        elif token:
            line.write(text[end : token.start()])
            end = _token(line, token, text)
    line.write(text[end:])
    return "".join(line.pieces)


def _token(line: _Line, token: re.Match[str], text: str) -> int:
    """Write code or a mark; returns where it ends."""
    if token["mark"]:
        _mark(line, text, token.start())
    elif line.html:
        line.pieces.append(f"<code>{escape(token['code'])}</code>")
    else:
        line.pieces.append(token["code"])
    return token.end()


def _link(line: _Line, link: links.Link, text: str) -> int:
    """Write a link; returns where it ends. Marks at its end that close what was opened before it are not part of it."""
    cut, closed = 0, ""
    while (mark := text[link.end - cut - 1]) in _TAGS and mark not in closed and line.waits_for(mark):
        cut, closed = cut + 1, closed + mark
    end = link.end - cut
    if line.html:
        url = escape(link.url[: len(link.url) - cut])
        shown = escape(text[link.start : end])
        line.pieces.append(f'<a href="{url}" target="_blank" rel="noopener noreferrer nofollow">{shown}</a>')
    else:
        line.write(text[link.start : end])
    return end


def _mark(line: _Line, text: str, place: int) -> None:
    mark = text[place]
    before = text[place - 1] if place else " "
    after = text[place + 1] if place + 1 < len(text) else " "
    if line.waits_for(mark):
        if not before.isspace() and before != mark and not _joins(after):
            line.close(mark)
        else:
            line.pieces.append(mark)
    elif not _joins(before) and not after.isspace() and after != mark:
        line.open(mark)
    else:
        line.pieces.append(mark)


def _joins(letter: str) -> bool:
    """Whether a mark beside it is part of a word: digits, and letters of scripts with capitals.

    The others (Arabic, Chinese, Thai, ...) join words without spaces, so marks stand between their letters.
    """
    return letter.isdigit() or letter.lower() != letter.upper()

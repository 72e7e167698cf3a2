"""Convert WhatsApp's markup (marks, lists, quotes, code) and links to safe HTML.

A single pass, linear in the length of the text. Everything but our own tags is escaped, and only http, https and
e-mail addresses become links.
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
"""Maximum emoji of an emoji-only message that is shown large."""


def to_html(text: str) -> Markup:
    """Convert a text to HTML. Line breaks stay (white-space: pre-wrap)."""
    return _cached_html(text) if len(text) <= _CACHED_LENGTH else _html(text)


def _html(text: str) -> Markup:
    pieces = [
        f"<code class=message-mono>{escape(part)}</code>" if code else _blocks(part, begins)
        for code, begins, part in _parts(text.replace("\r\n", "\n"))
    ]
    return Markup("".join(pieces))  # noqa: S704 - every piece was escaped


_CACHED_LENGTH = 500
"""Maximum length of cached texts. The caches are typed, because a Markup equals the same unescaped text."""
_cached_html = lru_cache(maxsize=2048, typed=True)(_html)


def plain(text: str, limit: int) -> str:
    """Return one line of at most `limit` characters without marks, for quotes and previews."""
    start = text[: limit * 4]
    return _cached_plain(start, limit) if len(start) <= _CACHED_LENGTH else _plain(start, limit)


def _plain(text: str, limit: int) -> str:
    line = " ".join(text.split())
    if _MARKS.search(line):
        line = "".join(part if code else _inline(part, html=False) for code, _, part in _parts(line))
    return clip(line, limit)


_cached_plain = lru_cache(maxsize=2048, typed=True)(_plain)


def is_jumbo(text: str) -> bool:
    """Return True for a message of one to three emoji and nothing else, which is shown large."""
    return is_emoji(text, _JUMBO)


def _parts(text: str) -> Iterator[tuple[bool, bool, str]]:
    """Yield (is_code, begins_line, text) for the parts inside and outside of fences. An empty fence is text."""
    yielded, searched = 0, 0
    while (start := text.find(_FENCE, searched)) >= 0 and (end := text.find(_FENCE, start + 3)) >= 0:
        searched = end
        inside = text[start + 3 : end]
        if not inside.strip("`\n\t "):
            continue
        if start > yielded:
            yield False, yielded == 0, text[yielded:start]
        yield True, False, inside
        yielded = searched = end + 3
    if yielded < len(text):
        yield False, yielded == 0, text[yielded:]


# -- lines ------------------------------------------------------------------------------------------


def _blocks(text: str, begins: bool) -> str:
    """Convert lines with lists and quotes. begins: the text starts at the beginning of a line."""
    pieces: list[str] = []
    kind, breaks, empty = "", False, False
    for index, line in enumerate(text.split("\n")):
        match = _BLOCK.match(line) if index or begins else None
        if match and not line[match.end() :].strip():
            match = None
        line_kind = str(match.lastgroup) if match else ""
        if kind and line_kind != kind:
            pieces.append(_CLOSING[kind])
        if not match:
            pieces += ["\n"] * (breaks and not kind) + [_inline(line)]
        else:
            pieces += ["\n"] * empty + [_item(match, line, first=line_kind != kind)]
        kind, breaks, empty = line_kind, True, not line
    if kind:
        pieces.append(_CLOSING[kind])
    return "".join(pieces)


_CLOSING = {"quote": "</blockquote>", "bullet": "</ul>", "number": "</ol>"}


def _item(block: re.Match[str], line: str, first: bool) -> str:
    text = _inline(line[block.end() :])
    match block.lastgroup:
        case "quote":
            return f"<blockquote>{text}" if first else f"\n{text}"
        case "bullet":
            return f"{'<ul>' if first else ''}<li>{text}</li>"
    return f'{"<ol>" if first else ""}<li value="{int(block["number"])}">{text}</li>'


# -- marks and links within a line -------------------------------------------------------------------


@dataclass
class _Line:
    """Output of a line. waiting: opened marks as (mark, index in `pieces`)."""

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
        """Turn a waiting mark into its tag; unclosed marks inside stay text."""
        while True:
            waiting, index = self.waiting.pop()
            if waiting == mark:
                break
        start, end = _TAGS[mark] if self.html else ("", "")
        self.pieces[index] = start
        self.pieces.append(end)


def _inline(text: str, html: bool = True) -> str:
    line, end = _Line(html), 0
    remaining = links.find(text)
    link, token = next(remaining, None), _TOKEN.search(text)
    while link or token:
        if link and link.start < end:
            link = next(remaining, None)
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
    """Write code or a mark. Returns its end."""
    if token["mark"]:
        _mark(line, text, token.start())
    elif line.html:
        line.pieces.append(f"<code>{escape(token['code'])}</code>")
    else:
        line.pieces.append(token["code"])
    return token.end()


def _link(line: _Line, link: links.Link, text: str) -> int:
    """Write a link. Returns its end. Trailing marks that close an earlier one are not part of it."""
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


def _mark(line: _Line, text: str, index: int) -> None:
    mark = text[index]
    before = text[index - 1] if index else " "
    after = text[index + 1] if index + 1 < len(text) else " "
    if line.waits_for(mark):
        if not before.isspace() and before != mark and not _joins(after):
            line.close(mark)
        else:
            line.pieces.append(mark)
    elif not _joins(before) and not after.isspace() and after != mark:
        line.open(mark)
    else:
        line.pieces.append(mark)


def _joins(char: str) -> bool:
    """Return True if a mark beside the character is part of a word: digits, and letters of scripts with capitals.

    Other scripts (Arabic, Chinese, Thai, ...) may join words without spaces, so a mark between their letters counts.
    """
    return char.isdigit() or char.lower() != char.upper()

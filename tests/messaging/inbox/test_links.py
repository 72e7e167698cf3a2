"""Addresses end where linkify-it ends them, whatever stands beside them, in time linear in the text's length."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.inbox import links

CASES = json.loads((Path(__file__).parents[2] / "cases" / "links.json").read_text())


def urls(text: str) -> list[str]:
    return [link.url for link in links.find(text)]


@pytest.mark.parametrize(("text", "url"), CASES)
def test_the_address_of_each_case(text: str, url: str) -> None:
    assert urls(text) == [url]


@pytest.mark.parametrize("before", ["", "*", "(", "（", "«", "„", "看", "see:", "\u202b", "\u00a0"])
@pytest.mark.parametrize(
    "after", ["", ".", "?", "!", ")", "）", "」。", "、", "؟", "”", "।", "\u200b", "\u2069", "\u00a0", "\n"]
)
def test_what_stands_beside_an_address_is_not_part_of_it(before: str, after: str) -> None:
    assert urls(f"{before}https://ex.com/a{after}") == ["https://ex.com/a"]


@pytest.mark.parametrize(
    "url",
    [
        "https://ex.com/a(b)c",
        "https://ex.com/a[1]",
        "https://en.wikipedia.org/wiki/Bar_(unit)",
        "https://ex.com/?q=a_b*c&r=2#d~e",
        "https://youtu.be/abcdefghi_",
        "https://例え.jp/パス",
        "https://ex.com/مرحبا",
        "http://192.168.0.1:8000/x",
        "HTTPS://EX.COM/A",
        "https://ex.com/a,b;c!d",
    ],
)
def test_an_address_is_whole(url: str) -> None:
    assert urls(url) == urls(f"Look: {url}, thanks") == [url]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("shop at example.com/x, please", ["http://example.com/x"]),
        ("www.example.com。好", ["http://www.example.com"]),
        ("*example.com*", ["http://example.com"]),
        ("example.shop", ["http://example.shop"]),
        ("mail ann@example.com.", ["mailto:ann@example.com"]),
        ("two: https://a.com and b.com", ["https://a.com", "http://b.com"]),
        ("https://a.com，https://b.com", ["https://a.com", "https://b.com"]),
        ("1.2.3 or 10.50, e.g.this", []),
        ("word.Next sentence", []),
        ("javascript:alert(1) data:text/html,x ftp://a.com //a.com file:///etc/passwd", []),
        ("https:// http://", []),
        ("@ann", []),
    ],
)
def test_what_is_an_address_and_what_is_none(text: str, found: list[str]) -> None:
    assert urls(text) == found


PIECES = st.sampled_from(
    [
        "https://",
        "a.com",
        "/",
        "(",
        ")",
        "（",
        "」",
        "*",
        "_",
        "@",
        ".",
        "é",
        "好",
        "\u200b",
        "\u200d",
        " ",
        "\n",
        "🎂",
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_addresses_are_stretches_of_the_text_from_left_to_right(text: str) -> None:
    end = 0
    for link in links.find(text):
        assert end <= link.start < link.end <= len(text)
        assert link.url.endswith(text[link.start : link.end])
        assert link.url.lower().startswith(("http://", "https://", "mailto:"))
        end = link.end


LENGTH = 65_536


@pytest.mark.parametrize(
    "piece",
    [
        *[
            "https://",
            "(https://a.b/",
            '"https://a.b/',
            "https://a.com:",
            "https://a.com/(",
            "https://a.com/()",
        ],
        *[
            "a.b",
            "a@",
            "a.com,",
            "www.",
            "a@b.com ",
            "https://a.b/ ",
            "。https://",
            "*https://a.b/_",
            "//",
            "@",
        ],
        *["a." * 1000 + " ", "a@" * 1000 + " ", "(a.com" * 300 + " ", "a-" * 1000 + ".com "],
    ],
)
@pytest.mark.parametrize("start", ["", "https://a.com/", "https://a.com/("])
def test_no_text_takes_long(piece: str, start: str) -> None:
    text = (start + piece * LENGTH)[:LENGTH]
    began = time.process_time()
    for _ in links.find(text):
        pass
    assert time.process_time() - began < 2

"""What people write, as HTML: WhatsApp's marks and links, and nothing else."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from messaging.formatting import is_jumbo, plain, to_html
from messaging.rendering import marked

ALLOWED = {
    "strong": set(),
    "em": set(),
    "s": set(),
    "code": {"class"},
    "a": {"href", "target", "rel"},
    "mark": set(),
}


class Reader(HTMLParser):
    """Checks that there is only what we make, properly nested, and collects the text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED
        assert {name for name, _ in attrs} <= ALLOWED[tag]
        for name, value in attrs:
            if name == "href":
                assert value
                assert value.lower().startswith(("http://", "https://"))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment got through")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError("a declaration got through")


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert not reader.open
    return reader


SPICE = st.sampled_from(
    [
        *[
            "*",
            "_",
            "~",
            "`",
            "```",
            "<",
            ">",
            '"',
            "'",
            "&",
            "&lt;",
            "a",
            "ß",
            "א",
            "é",
            ")",
            ".",
            "https://",
            "http://a.b/c",
        ],
        *["<script>", "</a>", "javascript:alert(1)", "onerror="],
        *(" ", "\n", "\u202e", "\x00"),
    ]
)


@given(st.one_of(st.text(max_size=200), st.lists(SPICE, max_size=60).map("".join)))
@example("https://a.b/\"onmouseover='x'<script>")
@example("*_~`*_~`")
@example("```<b>``` *<i>*")
def test_nothing_but_our_own_tags_ever_comes_out(text: str) -> None:
    read(str(to_html(text)))


@given(st.lists(st.sampled_from(["word", "<", "&", "é", " ", "\n", "1"]), max_size=40).map("".join))
def test_text_without_marks_comes_out_as_it_went_in(text: str) -> None:
    assert read(str(to_html(text))).text == text


@given(st.text(max_size=80), st.text(max_size=20))
def test_marking_what_was_found_only_adds_marks(text: str, search: str) -> None:
    visible = "".join(letter for letter in text if letter not in "\r\x00")
    assert read(str(marked(visible, search))).text == visible


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold*", "<strong>bold</strong>"),
        ("_it_ and ~gone~", "<em>it</em> and <s>gone</s>"),
        ("*a _b_ c*", "<strong>a <em>b</em> c</strong>"),
        ("*a _b*", "<strong>a _b</strong>"),
        ("2*3*4", "2*3*4"),
        ("snake_case_name", "snake_case_name"),
        ("* not bold *", "* not bold *"),
        ("**", "**"),
        ("*over\nlines*", "*over\nlines*"),
        ("`*x*`", "<code>*x*</code>"),
        ("```a *b*\nc```", "<code class=message-mono>a *b*\nc</code>"),
        ("```open", "```open"),
        ("<b>&", "&lt;b&gt;&amp;"),
    ],
)
def test_the_marks_of_whatsapp(text: str, html: str) -> None:
    assert str(to_html(text)) == html


def test_links_are_http_only_and_tell_nobody_where_they_come_from() -> None:
    html = str(to_html("see *https://a.b/x_y_z?q=1&r=2*, javascript:alert(1) and ftp://a.b"))
    assert 'href="https://a.b/x_y_z?q=1&amp;r=2"' in html
    assert 'rel="noopener noreferrer nofollow"' in html
    assert html.count("<a ") == 1
    assert "<strong>" in html


def test_a_full_stop_after_a_link_is_not_part_of_it() -> None:
    assert ">https://a.b/c</a>." in str(to_html("https://a.b/c."))


@pytest.mark.parametrize("hostile", ["*a " * 20_000, "_*~`" * 16_000, "https://" * 8_000, "```" * 20_000])
def test_a_message_of_full_length_is_formatted_in_no_time(hostile: str) -> None:
    start = time.process_time()
    to_html(hostile)
    assert time.process_time() - start < 2


def test_only_a_few_emoji_alone_are_shown_large() -> None:
    assert is_jumbo("🎂🎉")
    assert is_jumbo("👨‍👩‍👧")
    assert not is_jumbo("🎂 yes")
    assert not is_jumbo("")
    assert not is_jumbo("🎂" * 40)


def test_a_quote_is_one_short_line() -> None:
    assert plain("a\n\n  b", 10) == "a b"
    assert plain("x" * 50, 10) == "x" * 9 + "…"
    assert plain("*big* <b> & _small_ 2*3", 50) == "big <b> & small 2*3"

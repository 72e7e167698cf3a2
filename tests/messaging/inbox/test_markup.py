"""What people write, as HTML: WhatsApp's marks and links, and nothing else."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from messaging.inbox.fragments import highlight
from messaging.inbox.markup import is_jumbo, plain, to_html

ALLOWED = {
    "strong": set(),
    "em": set(),
    "s": set(),
    "code": {"class"},
    "a": {"href", "target", "rel"},
    "mark": set(),
    "ul": set(),
    "ol": set(),
    "li": {"value"},
    "blockquote": set(),
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
                assert value.lower().startswith(("http://", "https://", "mailto:"))
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
    assert read(str(highlight(visible, search))).text == visible


ANCHOR = '<a href="https://a.com/b_" target="_blank" rel="noopener noreferrer nofollow">https://a.com/b_</a>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold*", "<strong>bold</strong>"),
        ("_it_ and ~gone~", "<em>it</em> and <s>gone</s>"),
        ("*a _b_ c*", "<strong>a <em>b</em> c</strong>"),
        ("*a _b*", "<strong>a _b</strong>"),
        ("2*3*4", "2*3*4"),
        ("snake_case_name", "snake_case_name"),
        ("a * not bold *", "a * not bold *"),
        ("**", "**"),
        ("*over\nlines*", "*over\nlines*"),
        ("*_~x~_*", "<strong><em><s>x</s></em></strong>"),
        ("_a *b ~c~*_", "<em>a <strong>b <s>c</s></strong></em>"),
        ("*a _b* c_", "<strong>a _b</strong> c_"),
        ("你好*粗体*吧", "你好<strong>粗体</strong>吧"),
        ("これは_大事_です", "これは<em>大事</em>です"),
        ("مرحبا*عريض*يا", "مرحبا<strong>عريض</strong>يا"),
        ("ราคา~เก่า~ใหม่", "ราคา<s>เก่า</s>ใหม่"),
        ("«*x*», (*y*)!", "«<strong>x</strong>», (<strong>y</strong>)!"),
        ("🎂*x*🎂", "🎂<strong>x</strong>🎂"),
        ("٢*٣*٤", "٢*٣*٤"),
        ("*https://a.com/b_*", f"<strong>{ANCHOR}</strong>"),
        ("`https://a.com`", "<code>https://a.com</code>"),
        ("`*x*`", "<code>*x*</code>"),
        ("```a *b*\nc```", "<code class=message-mono>a *b*\nc</code>"),
        ("```open", "```open"),
        ("`````", "`````"),
        ("``````", "``````"),
        ("```` ` ````", "```` ` ````"),
        ("```\n```", "```\n```"),
        ("x ``````y", "x ``````y"),
        ("`` ` ``", "`` ` ``"),
        ("<b>&", "&lt;b&gt;&amp;"),
    ],
)
def test_the_marks_of_whatsapp(text: str, html: str) -> None:
    assert str(to_html(text)) == html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("* a\n* *b*\nend", "<ul><li>a</li><li><strong>b</strong></li></ul>end"),
        ("- a\n* b", "<ul><li>a</li><li>b</li></ul>"),
        ("1. a\n3. b", '<ol><li value="1">a</li><li value="3">b</li></ol>'),
        ("- a\n1. b", '<ul><li>a</li></ul><ol><li value="1">b</li></ol>'),
        ("> q <b>\n> r\nx", "<blockquote>q &lt;b&gt;\nr</blockquote>x"),
        ("x\n> q", "x<blockquote>q</blockquote>"),
        ("```a``` > b", "<code class=message-mono>a</code> &gt; b"),
        ("-a\n>b\n1.c\n- \n> ", "-a\n&gt;b\n1.c\n- \n&gt; "),
        ("1234567890. a", "1234567890. a"),
        ("3 > 2\n2 - 1", "3 &gt; 2\n2 - 1"),
    ],
)
def test_lists_and_quotes(text: str, html: str) -> None:
    assert str(to_html(text)) == html


def test_links_are_http_only_and_tell_nobody_where_they_come_from() -> None:
    html = str(to_html("see *https://a.b/x_y_z?q=1&r=2*, javascript:alert(1) and ftp://a.b"))
    assert 'href="https://a.b/x_y_z?q=1&amp;r=2"' in html
    assert 'rel="noopener noreferrer nofollow"' in html
    assert html.count("<a ") == 1
    assert "<strong>" in html


def test_a_full_stop_after_a_link_is_not_part_of_it() -> None:
    assert ">https://a.b/c</a>." in str(to_html("https://a.b/c."))


@pytest.mark.parametrize(
    "hostile",
    [
        "*a " * 20_000,
        "_*~`" * 16_000,
        "https://" * 8_000,
        "```" * 20_000,
        "> a\n" * 16_000,
        "1. *a\n" * 10_000,
        "` " * 32_000,
    ],
)
def test_a_message_of_full_length_is_formatted_in_no_time(hostile: str) -> None:
    start = time.process_time()
    to_html(hostile)
    assert time.process_time() - start < 2


def test_only_a_few_emoji_alone_are_shown_large() -> None:
    assert is_jumbo("🎂🎉")
    assert is_jumbo("👨‍👩‍👧")
    assert is_jumbo("🇩🇪🇫🇷 1️⃣")
    assert is_jumbo("❤️")
    assert not is_jumbo("1")
    assert not is_jumbo("©")
    assert not is_jumbo("🎂 yes")
    assert not is_jumbo("")
    assert not is_jumbo("🎂" * 40)


def test_a_quote_is_one_short_line() -> None:
    assert plain("a\n\n  b", 10) == "a b"
    assert plain("x" * 50, 10) == "x" * 9 + "…"
    assert plain("*big* <b> & _small_ 2*3", 50) == "big <b> & small 2*3"
    assert plain("``````", 10) == "``````"
    assert plain("see ```*x*``` and `_y_`", 50) == "see *x* and _y_"


@pytest.mark.parametrize("whole", ["🇩🇪", "👨‍👩‍👧", "1️⃣", "👍🏽", "e\u0301", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"])
def test_a_quote_is_never_cut_within_a_character(whole: str) -> None:
    for limit in range(2, 40):
        assert plain(whole * 40, limit).removesuffix("…").replace(whole, "") == ""

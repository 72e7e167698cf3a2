"""The normal form of searching: what is the same, what finds what, and where it stands."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import text as text_module
from core.db.search_text import (
    MARKS,
    MAX_HIGHLIGHTED,
    MAX_INDEXED,
    _fold_with_origins,
    fold,
    matches,
    phrases,
    search_text,
)
from core.text import LONGEST_EMOJI, boundary

TEXTS = (
    "It's about C++ and 50% off, O’Brien — order #A-1034!",
    "São João pediu pão à l'eau, naïve Straße İzmir ISPARTA",
    "ผมต้องการข้อมูล กรุณาส่งที่อยู่",
    "明日東京に行きますか 中文測試 iPhone手機殼",
    "안녕하세요 한국어 메시지를 보내 주세요",
    "مُحَمَّد يريد الكتابَ الجديد ـــ ٢٣ ريالاً",
    "שָׁלוֹם עולם",
    "नमस्ते, हिन्दी में लिखिए।",
    "👍🏽 thanks 👩‍🚀 🇩🇪 ❤️ 1️⃣",
    "mail ann.lee+shop@example.com or https://example.com/a?b=c_d#e",
    "ＦＵＬＬ ｗｉｄｔｈ １２３ می‌خواهم",
    "Łódź Øresund Đà Nẵng",
)


def found(query, text):
    """Whether a text with these terms has all the words: what both databases are asked."""
    terms = f" {search_text(text)} "
    words = phrases(query)
    return bool(words) and all(f" {word.text}{'' if word.open else ' '}" in terms for word in words)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("हिन्दी", "नमस्ते, हिन्दी में"),
        ("한국", "안녕하세요 한국어"),
        (unicodedata.normalize("NFD", "한국어"), "안녕하세요 한국어"),
        ("50%", "Now 50% off"),
        ("50％", "Now 50% off"),
        ("שלום", "שָׁלוֹם עולם"),
        ("שָׁלוֹם", "שלום"),
        ("عولم", "والعولمة"),
        ("كتاب", "أريد الكتاب"),
        ("احمد", "أحمد"),
        ("strasse", "Hauptstraße 3 in der Straße"),
        ("STRASSE", "Straße"),
        ("straße", "STRASSE"),
        ("izmir", "İZMİR"),
        ("İzmir", "izmir"),
        ("ısparta", "ISPARTA"),
        ("isparta", "Isparta"),
        ("abc 123", "ＡＢＣ １２３"),
        ("ＡＢＣ", "abc"),
        ("٢٣", "ticket 2345"),
        ("2345", "رقم ٢٣٤٥"),
        ("۲۳۴۵", "2345"),
        ("२३", "23"),
        ("l'eau", "de l’eau"),
        ("l’eau", "de l'eau"),
        ("eau", "de l'eau"),
        ("O'Brien", "Mr O’Brien"),
        ("brien", "Mr O’Brien"),
        ("wheel‑throwing", "a wheel-throwing course"),
        ("ann@example.com", "Write to Ann@Example.com."),
        ("example.com", "Write to Ann@Example.com."),
        ("#A-1034", "order #A-1034!"),
        ("A-1034", "order #A–1034"),
        ("1034", "order #A-1034"),
        ("034", "order A1034"),
        ("https://example.com/a?b=c", "see https://example.com/a?b=c_d"),
        ("x", "x"),
        ("person 1", "Person 12"),
        ("12", "Person 12"),
        ("cc-10", "CC-109148"),
        ("cc-109148", "Order CC-109148"),
        ("09148", "Order CC-109148"),
        ("50%", "50%"),
        ("12a", "12a"),
        ("123a", "0123a"),
        ("測", "中文測試"),
        ("試", "中文測試"),
        ("手機", "iPhone手機殼"),
        ("iphone手機", "iPhone手機殼"),
        ("?", "Really?"),
        ("order bowl blue", "The blue bowl of my order"),
        ("hello,", "hello there"),
        ("«hello»", "hello there"),
        ("میخواهم", "می‌خواهم"),
        ("می‌خواهم", "میخواهم"),
        ("👍", "👍🏽 thanks"),
        ("👍🏽", "👍 thanks"),
        ("👩‍🚀", "our 👩‍🚀"),
        ("❤", "❤️"),
        ("がく", "がくせい"),
        (unicodedata.normalize("NFD", "が"), "が"),
        ("lodz", "Łódź"),
        ("Ελλασ", "ΕΛΛΑΣ"),
        ("soft", "so\u00adft"),
        ("right", "\u202eright\u202c"),
        ("a" * 200, "a" * 300),
    ],
)
def test_what_people_type_finds_what_they_mean(query, text):
    assert found(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("C++", "Come and see"),
        ("C++", "C + D"),
        ("50%", "50 of them"),
        ("文試", "中文測試"),
        ("かくせい", "がくせい"),
        ("कि", "का"),
        ("ขา", "ข้า"),
        ("1043", "1034"),
        ("blue teapot", "the blue bowl"),
        ("person 1", "Person 21, +4917012345678"),
        ("50%", "5 0%"),
        ("\u200d", "anything"),
        ("   ", "anything"),
    ],
)
def test_other_words_are_not_found(query, text):
    assert not found(query, text)


WORDS = st.lists(st.text(max_size=12), max_size=6).map(" ".join) | st.sampled_from(TEXTS)


@settings(max_examples=300, deadline=None)
@given(WORDS, st.data())
def test_every_stretch_of_whole_words_finds_its_text_in_any_order(text, data):
    words = text.split()
    first = data.draw(st.integers(0, len(words)))
    last = data.draw(st.integers(first, len(words)))
    stretch = data.draw(st.permutations(words[first:last]))
    query = data.draw(st.sampled_from([" ".join(stretch), " ".join(stretch).upper()]))
    query = unicodedata.normalize(data.draw(st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"])), query)
    if search_text(query) and fold(query) == fold(" ".join(stretch)):
        assert found(query, text)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80) | st.sampled_from(TEXTS))
def test_terms_are_whole_and_one_space_apart(text):
    terms = search_text(text)
    assert terms == " ".join(terms.split())
    assert all(0 < len(term.encode()) <= 2046 for term in terms.split())
    assert fold(fold(text)) == fold(text)


def test_the_terms_of_the_longest_text_fit_into_a_tsvector():
    text = "".join(chr(0x20000 + number % 0xA000) for number in range(2 * MAX_INDEXED))
    distinct = set(search_text(text + "\ufdfa" * MAX_INDEXED).split())
    assert sum(len(term.encode()) for term in distinct) < 1_048_575


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40) | st.sampled_from(TEXTS), st.data())
def test_a_found_word_is_marked_without_cutting_a_character(text, data):
    words = text.split()
    if not words:
        return
    word = data.draw(st.sampled_from(words))
    spans = list(matches(text, phrases(word)))
    assert all(start < end for start, end in spans)
    assert all(boundary(text, place) == place for span in spans for place in span)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("cafe", "Un cafe\u0301!", ["cafe\u0301"]),
        ("cafe", "CAFÉ au lait, café", ["CAFÉ", "café"]),
        ("strasse", "die Straße", ["Straße"]),
        ("👍", "so 👍🏽!", ["👍🏽"]),
        ("測試", "中文測試", ["測試"]),
        ("c++", "about C++.", ["C++"]),
        ("50% 1", "50% of 100, not 1000 or 21", ["50%", "1", "1"]),
        ("#a-10", "#A-1034", ["#A-10"]),
        ("محمد", "مُحَمَّد", ["مُحَمَّد"]),
        ("한국", unicodedata.normalize("NFD", "한국어"), [unicodedata.normalize("NFD", "한국")]),
        ("471", "CC-4711", ["471"]),
        ("4711", "CC-4711", ["4711"]),
        ("au la", "CAFÉ au lait", ["au", "la"]),
        ("ab abc", "abcd", ["abc"]),
        ("ガ", "ｶﾞ", ["ｶﾞ"]),
        ("เก", "เ" + "ก" + "\u0e48" * 100 + "ข", ["เก" + "\u0e48" * 100]),
        ("🇩🇪", "aus 🇩🇪🇫🇷", ["🇩🇪"]),
        ("nothing", "here", []),
    ],
)
def test_what_was_found_is_marked_as_it_is_written(query, text, marked):
    assert [text[start:end] for start, end in matches(text, phrases(query))] == marked


LONG = 300_000
"""Marks that are cut at once, but take minutes to sort."""


@pytest.mark.parametrize(
    "text",
    [
        "a" + "\u0301" * LONG + "\u0323" * LONG,
        "a" + "\u0301\u0323" * LONG,
        "a" + "\u0344\u0323" * LONG,
        "\uff9e\u0301" * LONG,
        "\u0e48\u0640\u0e38\u0640" * LONG,
        "\u0e48\u200d\u0e38\u200d" * LONG,
        "\u0e48\ufe77\u0e38\ufe77" * LONG,
    ],
    ids=[
        "sorted",
        "alternating",
        "two in one",
        "kana",
        "tatweel between",
        "joiner between",
        "tatweel inside",
    ],
)
def test_marks_without_end_are_cut(text):
    folded = fold(text)
    assert len(folded) <= 1 + 2 * MARKS
    assert fold(folded) == folded


def test_every_character_that_becomes_a_mark_is_cut():
    for character in map(chr, range(0x110000)):
        if unicodedata.combining(unicodedata.normalize("NFKD", character)[0]):
            assert len(fold("a" + character * 100)) <= 1 + 3 * MARKS, hex(ord(character))


@given(st.text(st.sampled_from("aกｶ가\u0301\u0323\u0e48\u0e38\uff9e\u3099\u200d\u0640 "), max_size=120))
def test_marking_sees_what_searching_sees(text):
    assert _fold_with_origins(text)[0] == fold(text)


@pytest.mark.parametrize("character", ["你", "🇩🇪", "👩\u200d", "あ\u3099", "a "])
def test_marking_looks_at_every_character_a_few_times_only(character, monkeypatch):
    plain, sizes = text_module._CLUSTER, []

    class Counted:
        def finditer(self, text):
            sizes.append(len(text))
            return plain.finditer(text)

    monkeypatch.setattr(text_module, "_CLUSTER", Counted())
    text = character * (MAX_HIGHLIGHTED // len(character))
    words = phrases(character)
    assert next(matches(text, words)) == (0, len(character.strip()))
    assert len(sizes) <= 4
    assert len(list(matches(text, words))) > 9000
    assert max(sizes, default=0) <= 10 * LONGEST_EMOJI

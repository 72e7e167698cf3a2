"""Texts are cut between characters as people see them: flags, families, keycaps and accents stay whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import text as text_module
from core.text import LONGEST_EMOJI, boundary, clip, first_emoji, initials, is_emoji, printable

SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
WHOLE = ("🇩🇪", SCOTLAND, "👨‍👩‍👧‍👦", "👩🏽‍🚀", "1️⃣", "#️⃣", "❤️", "👍🏽", "e\u0301", "\u1112\u1161\u11ab", "\r\n")


@pytest.mark.parametrize("whole", WHOLE)
def test_a_character_is_never_cut(whole: str) -> None:
    text = f"ab {whole}{whole} cd"
    inside = {3 + len(whole) * n + at for n in (0, 1) for at in range(1, len(whole))}
    for at in range(len(text) + 1):
        assert (boundary(text, at) == at) == (at not in inside)
        assert (boundary(text, at, forward=True) == at) == (at not in inside)
        assert boundary(text, at) <= at <= boundary(text, at, forward=True)


@pytest.mark.parametrize("before", ["", "a", "a ", "你" * 1000])
def test_flags_in_a_long_row_stay_whole(before: str) -> None:
    text, start = before + "🇩🇪" * 65_536, len(before)
    for at in (start + 160, start + 161, start + 1001, start + 70_000, len(text) - 1):
        whole = at - (at - start) % 2
        assert boundary(text, at) == boundary(text, at, known=start) == whole
        assert boundary(text, at, known=whole) == whole


@pytest.mark.parametrize("whole", WHOLE)
def test_only_what_is_near_is_looked_at(whole: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, sizes = text_module._CLUSTER, []

    class Counted:
        def finditer(self, text: str) -> object:
            sizes.append(len(text))
            return plain.finditer(text)

    monkeypatch.setattr(text_module, "_CLUSTER", Counted())
    text = whole * 10_000
    for at in range(50_000 // len(whole) * len(whole), 50_000 + 10):
        at %= len(text)
        assert boundary(text, at) == at - at % len(whole)
    assert max(sizes, default=0) <= 10 * LONGEST_EMOJI


@given(st.text(st.sampled_from("aé \u0301\u200d🇩🇪👍🏽👩️⃣1\n"), max_size=60), st.integers(1, 60))
def test_clipping_fits_and_takes_from_the_end_only(text: str, limit: int) -> None:
    short = clip(text, limit)
    assert len(short) <= limit
    assert short == text or text.startswith(short.removesuffix("…"))


def test_marks_without_end_are_cut_anywhere() -> None:
    assert len(clip("a" + "\u0301" * 5000, 100)) == 100


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ada Lovelace", "AL"),
        ("ada", "A"),
        ("🇩🇪 Bernd 🇫🇷", "B"),
        ("🇩🇪", "🇩🇪"),
        ("👨‍👩‍👧‍👦 👍🏽", "👨‍👩‍👧‍👦"),
        (SCOTLAND, SCOTLAND),
        ("1️⃣", "1️⃣"),
        ("+49 170", "4"),
        ("(Dr.) Ann-Lee O’Hara", "DA"),
        ("محمد علي", "مع"),
        ("王小明", "王"),
        ("E\u0301lodie Z", "E\u0301Z"),
        ("हिन्दी", "हि"),
        ("~*.", ""),
        ("", ""),
        ("2nd Floor", "F"),
        ("a" + "\u0301" * 500, "A" + "\u0301" * 7),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


@pytest.mark.parametrize("emoji", ["🇩🇪", SCOTLAND, "👨‍👩‍👧‍👦", "👩🏽‍🚀", "1️⃣", "❤️", "❤", "👍🏽"])
def test_a_reaction_is_one_whole_emoji(emoji: str) -> None:
    assert first_emoji(emoji) == first_emoji(f"{emoji}🎂 and more") == emoji
    assert is_emoji(emoji, 1)
    assert is_emoji(f"{emoji} {emoji}", 2)
    assert not is_emoji(f"{emoji}{emoji}", 1)
    assert not is_emoji(f"{emoji} ok", 3)


@pytest.mark.parametrize("text", ["", "1", "#", "©", "ok", " ", "\u200d", "🇩"])
def test_what_is_no_emoji(text: str) -> None:
    assert not is_emoji(text, 3)


def test_names_keep_joiners_and_flags_and_lose_controls() -> None:
    assert printable(f"\u202eAnn\x00\u2066 {SCOTLAND} 👨‍👩‍👧\ud83d\n") == f"Ann {SCOTLAND} 👨‍👩‍👧"
    assert printable("\U000e0067x\U000e007f") == "x"

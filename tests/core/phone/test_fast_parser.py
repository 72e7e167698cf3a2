"""Many numbers at once: the same answers as one by one."""

from __future__ import annotations

import random

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.phone import phone
from core.phone.fast_parser import NumberReader, is_written_in_full


def one_by_one(text: str, country: str = "") -> str:
    try:
        return phone.to_e164(text, country or None)
    except InvalidInput:
        return "refused"


def at_once(text: str, country: str = "") -> str:
    try:
        return NumberReader(country).read(text)
    except InvalidInput:
        return "refused"


EXAMPLES = sorted(
    {
        phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        for region in phonenumbers.SUPPORTED_REGIONS
        for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
        if (example := phonenumbers.example_number_for_type(region, kind))
    }
)


def test_an_example_of_every_country_is_read_the_same() -> None:
    assert len(EXAMPLES) > 400
    reader = NumberReader()
    for number in EXAMPLES:
        assert reader.read(number) == one_by_one(number), number
        assert reader.country(number) == phone.country(number), number


def test_damaged_examples_are_read_the_same() -> None:
    chance = random.Random(7)
    for number in EXAMPLES:
        for _ in range(3):
            place = chance.randrange(1, len(number))
            for damaged in (
                number[:place] + number[place + 1 :],
                number[:place] + chance.choice("0123456789") + number[place:],
                number[:place] + "0" + number[place:],
            ):
                assert at_once(damaged) == one_by_one(damaged), damaged


def spellings(number: str) -> list[tuple[str, str]]:
    """A number as people and programs write it, with the country of the business."""
    parsed = phonenumbers.parse(number)
    region = phonenumbers.region_code_for_number(parsed) or ""
    international = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    national = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    digits = number.removeprefix("+")
    full = [
        number, international, f" ({number[:3]}) {number[3:]}", f"\u202a{international}\u202c", f"'{number}",
        f"tel:{number}", f"{international} ext. 12", f"00{digits}", f"https://wa.me/{digits}",
        f"{digits}@s.whatsapp.net",
        international.replace(" ", "."), international.replace(" ", "\u2011"), number.replace("+", "\uff0b"),
        "".join(chr(0x0660 + int(sign)) if sign.isdigit() else sign for sign in number),
    ]  # fmt: skip
    return [(text, "") for text in full] + [(text, region) for text in (*full, national, digits)]


def test_every_spelling_of_every_countrys_examples_is_read_the_same() -> None:
    readers: dict[str, NumberReader] = {}
    for number in EXAMPLES:
        for text, country in spellings(number):
            try:
                read = readers.setdefault(country, NumberReader(country)).read(text)
            except InvalidInput:
                read = "refused"
            assert read == one_by_one(text, country), (text, country)


def test_every_countrys_examples_are_understood_in_full_spelling() -> None:
    for number in EXAMPLES:
        for text, country in spellings(number):
            if country == "" and text not in (number.replace("+", "00"),):
                assert one_by_one(text) == number, text


def test_every_countrys_mobile_numbers_are_understood_as_they_are_dialled_there() -> None:
    misread = []
    for region in phonenumbers.SUPPORTED_REGIONS:
        example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        if example is None:
            continue
        number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        national = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
        for text in (national, number.removeprefix("+")):
            if one_by_one(text, region) != number and text != "821020000000":  # which looks shortened
                misread.append((region, text, one_by_one(text, region)))
    assert misread == []


@settings(max_examples=300)
@given(
    st.text("+0123456789 ()-./xX@", max_size=25), st.sampled_from(["", "GB", "DE", "BR", "IT", "US", "MX"])
)
def test_any_text_is_read_the_same(text: str, country: str) -> None:
    assert at_once(text, country) == one_by_one(text, country)


@pytest.mark.parametrize(
    ("texts", "full"),
    [
        (["919876543210", "919876543211"], True),
        (["919876543210", "+919876543211", "", "919876543212"], True),
        (["919876543210"], True),
        (["919876543210", "12345"], False),
        (["13800138000", "13900139000"], False),
        (["15123456789", "15123456780"], False),
        (["11987654321", "21987654321"], False),
        (["6175550123", "6125550123"], False),
        (["(51) 98765-4321", "(51) 98765-4322"], False),
        (["447701000000", "+447400123456"], False),
        ([], False),
        ([*["5511987654321"] * 10, "n/a"], True),
        ([*["5511987654321"] * 8, "n/a"], False),
    ],
)
def test_a_column_shows_by_itself_that_only_the_plus_is_missing(texts: list[str], full: bool) -> None:
    assert is_written_in_full(texts) is full


def test_numbers_of_such_a_column_get_their_plus_and_shorter_ones_are_refused() -> None:
    reader = NumberReader(full=True)
    assert reader.read("91 98765-43210") == "+919876543210"
    assert reader.read("+44 7400 123456") == "+447400123456"
    for text in ("9876543210", "09876543210", "447701000000"):
        with pytest.raises(InvalidInput):
            reader.read(text)


@settings(max_examples=300)
@given(st.from_regex(r"\+[1-9][0-9]{5,15}", fullmatch=True))
def test_any_full_number_is_read_the_same(text: str) -> None:
    assert at_once(text) == one_by_one(text)


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("+44 (0)7700 900123", "", "+447700900123"),
        ("07700 900123", "GB", "+447700900123"),
        ("0151/23456789", "DE", "+4915123456789"),
        ("00447700900123", "DE", "+447700900123"),
        ("36301234567", "GB", "+36301234567"),
        ("+999 300-0000001", "", "+9993000000001"),
        ("\u202a+44 7700 900123\u202c", "", "+447700900123"),
    ],
)
def test_spellings_of_lists(text: str, country: str, expected: str) -> None:
    assert NumberReader(country).read(text) == expected


@pytest.mark.parametrize("text", ["4.47701E+11", "4,47701E+11", "+4.47701e+11", "4.477E11", "4E+11"])
def test_numbers_that_excel_mangled_are_refused_with_the_reason(text: str) -> None:
    with pytest.raises(InvalidInput, match="last digits are lost") as refusal:
        NumberReader("GB").read(text)
    assert refusal.value.code == "mangled_number"


@pytest.mark.parametrize("text", ["", "Anna", "12", "+", "+44", "123456789012345678", "#REF!", "n/a", "0"])
def test_what_is_no_number_is_refused(text: str) -> None:
    assert at_once(text, "GB") == "refused"

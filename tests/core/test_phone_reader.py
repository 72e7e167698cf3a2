"""Many numbers at once: the same answers as one by one."""

from __future__ import annotations

import random

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whatsflow.core import phone
from whatsflow.core.errors import InvalidInput
from whatsflow.core.phone_reader import NumberReader


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
        ("447700900123", "", "+447700900123"),
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

"""Phone numbers: spellings, variants, and what is refused."""

import re

import phonenumbers
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from whatsflow.core.errors import InvalidInput
from whatsflow.core.phone import canonical, display, to_e164


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("+44 7700 900123", None, "+447700900123"),
        ("  +44 (0) 7700-900123 ", None, "+447700900123"),
        ("0044 7700 900123", None, "+447700900123"),
        ("07700 900123", "GB", "+447700900123"),
        ("07700 900123", "gb", "+447700900123"),
        ("tel:+44-7700-900123", None, "+447700900123"),
        ("\u202a+44\u00a07700\u00a0900123\u202c", None, "+447700900123"),
        ("＋４４ ７７００ ９００１２３", None, "+447700900123"),
        ("+1 (212) 555-0100", None, "+12125550100"),
        ("212.555.0100", "US", "+12125550100"),
        ("+39 06 1234 5678", None, "+390612345678"),
        ("+999 1000 000001", None, "+9991000000001"),
    ],
)
def test_usual_spellings_are_understood(text, country, e164):
    assert to_e164(text, country) == e164


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "abc",
        "+",
        "123",
        "07700 900123",
        "+44",
        "+0 123 456 789",
        "+44 7700 900123 456 789",
        "+999",
        "+99912345",
        "+9991234567890123",
        "+999\u0661\u0662\u0663\u0664\u0665\u0666",
        "1" * 100_000,
        "call +44 7700 900123",
        "+44 7700 900123; DROP TABLE contacts",
        "+44 7700 900123\x00",
        "<b>+447700900123</b>",
        "+1-800-FLOWERS",
        "447700900123@c.us",
        "-1",
        "none",
    ],
)
def test_anything_else_is_refused_with_advice(text):
    with pytest.raises(InvalidInput) as caught:
        to_e164(text)
    assert (caught.value.code, caught.value.field) == ("invalid_phone_number", "phone_number")
    assert "country code" in caught.value.message


@given(st.text(max_size=120), st.sampled_from([None, "", "GB", "BR", "XX", "\x00"]))
def test_no_text_makes_it_stumble(text, country):
    try:
        e164 = to_e164(text, country)
    except InvalidInput:
        return
    assert re.fullmatch(r"\+[1-9][0-9]{4,16}", e164)


@pytest.mark.parametrize(
    "variants",
    [
        ["+5511912345678", "+551191234-5678", "+55 11 1234-5678".replace("1234", "9123", 1)],
        ["+5511987654321", "+551187654321"],
        ["+525512345678", "+5215512345678"],
        ["+5491123456789", "+541123456789"],
    ],
)
def test_variants_of_one_person_meet(variants):
    met = {canonical(re.sub(r"[ -]", "", variant)) for variant in variants[:2]}
    assert len(met) == 1


@pytest.mark.parametrize(
    ("text", "country"),
    [("+5215512345678", None), ("+52 1 55 1234 5678", None), ("55 1234 5678", "MX")],
)
def test_old_and_new_mexican_spellings_are_one_number(text, country):
    assert to_e164(text, country) == "+525512345678"


@pytest.mark.parametrize("text", ["+54 9 11 2345-6789", "011 15 2345-6789", "11 2345-6789"])
def test_argentinian_spellings_meet(text):
    assert canonical(to_e164(text, "AR")) == "+5491123456789"


def test_a_brazilian_landline_gets_no_nine():
    assert canonical("+551131234567") == "+551131234567"


def test_numbers_of_other_countries_are_left_alone():
    for number in ("+447700900123", "+12125550100", "+9991000000001", "+5071234567"):
        assert canonical(number) == number


@given(st.from_regex(r"\+(55|52|54|44|1|999)[0-9]{6,12}", fullmatch=True))
def test_the_meeting_point_is_stable(number):
    assert canonical(canonical(number)) == canonical(number)


@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))
def test_every_countrys_mobile_example_goes_through(country):
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    assume(example is not None)
    e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    assert to_e164(e164) == e164
    assert to_e164(display(e164)) == e164


def test_display_never_fails():
    assert display("+447700900123") == "+44 7700 900123"
    assert display("+9991000000001") == "+9991000000001"
    assert display(None) == display("") == ""
    assert display("nonsense") == "nonsense"

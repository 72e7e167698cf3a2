"""Phone numbers: spellings, variants, and what is refused."""

import re

import phonenumbers
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.phone.phone import canonical, display, to_e164


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
        ("+999\u0661\u0662\u0663\u0664\u0665\u0666", None, "+999123456"),
        ("00999 1000 000001", None, "+9991000000001"),
        ("(+44) 7700 900123", None, "+447700900123"),
        ("447700900123@c.us", None, "+447700900123"),
        ("447700900123:12@s.whatsapp.net", None, "+447700900123"),
        ("wa.me/447700900123", None, "+447700900123"),
        ("https://wa.me/+447700900123?text=Hi", None, "+447700900123"),
        ("https://api.whatsapp.com/send?phone=%2B447700900123&text=Hi", None, "+447700900123"),
        ("https://web.whatsapp.com/send/?text=Hi&phone=447700900123", None, "+447700900123"),
        ("whatsapp://send?phone=447700900123", None, "+447700900123"),
        ("WhatsApp: +44 7700 900123", None, "+447700900123"),
        ("Tel.: 0151 23456737", "DE", "+4915123456737"),
        ("\u20180151 23456736\u2019", "DE", "+4915123456736"),
        ('="015123456742"', "DE", "+4915123456742"),
        ("+49 30 901853 ext. 12", None, "+4930901853"),
        ("tel:+44-7700-900123;ext=5", None, "+447700900123"),
        ("030 901854-12", "DE", "+493090185412"),
        ("0011 44 7911 123456", "AU", "+447911123456"),
        ("011 44 7911 123456", "US", "+447911123456"),
        ("0044 7911 123456", "AU", "+447911123456"),
        ("447911123456", "DE", "+447911123456"),
        ("491721112223.0", "DE", "+491721112223"),
        ("\u06f0\u06f9\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6\u06f7\u06f8\u06f9", "IR", "+989123456789"),
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
        "1" * 100_000,
        "call +44 7700 900123",
        "+44 7700 900123; DROP TABLE contacts",
        "+44 7700 900123\x00",
        "<b>+447700900123</b>",
        "+1-800-FLOWERS",
        "447700900123@lid",
        "4915123456738@g.us",
        "https://wa.me/message/ABCDEF",
        "https://example.com/?phone=4915123456738",
        "+15550177",
        "+44 1234",
        "0" * 15,
        "44+7700900123",
        "-1",
        "none",
    ],
)
def test_anything_else_is_refused_with_advice(text):
    with pytest.raises(InvalidInput) as caught:
        to_e164(text)
    assert (caught.value.code, caught.value.field) == ("invalid_phone_number", "phone_number")
    assert "country code" in caught.value.message


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        (
            "491512301000",
            "DE",
            "+491512301000",
        ),  # of a range that is not in use, and no landline in Leer either
        ("3901234567", "IT", "+393901234567"),  # a mobile number goes before a landline with its country code
        ("390612345678", "IT", "+390612345678"),
        ("9198765432", "IN", "+919198765432"),
        ("919876543210", "IN", "+919876543210"),
        ("55999999999", "BR", "+5555999999999"),
        ("79161234567", "RU", "+79161234567"),
        ("8 916 123-45-67", "RU", "+79161234567"),
        ("1 617 555 0123", "US", "+16175550123"),
    ],
)
def test_the_countrys_own_code_is_read_first_unless_the_digits_are_a_mobile_number_without(
    text, country, e164
):
    assert to_e164(text, country) == e164


@pytest.mark.parametrize(
    ("text", "country", "reason"),
    [
        ("07700 900123", None, "no country code"),
        ("15123456789", None, "no country code"),
        ("5550199", "US", "area code is missing"),
        ("+52 8765 4321", None, "area code is missing"),
        ("97777-7777", "BR", "area code may be missing"),
        ("2345678", "DE", "area code may be missing"),
        ("90185412", "DE", "area code may be missing"),
        ("01012345678", "DE", "area code may be missing"),
        ("+44 7700 900123 456", None, "too many digits"),
        ("+49 1", None, "too few digits"),
        ("+999 12", None, "No country has"),
        ("+55977777777", None, "begin with"),
        ("lunch", None, "not a phone number"),
    ],
)
def test_a_refusal_says_what_is_wrong(text, country, reason):
    with pytest.raises(InvalidInput, match=reason):
        to_e164(text, country)


@pytest.mark.parametrize("text", ["4.47701E+11", "4,47701E+11", "'4.47701e+11", "447701000000"])
def test_a_shortened_number_is_refused_at_every_door(text):
    with pytest.raises(InvalidInput) as refused:
        to_e164(text, "GB")
    assert refused.value.code == "mangled_number"


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

"""Phone numbers: the one place that knows what E.164 is.

`phonenumbers` (Google's libphonenumber data) parses; the rules about variants come from the countries' numbering
plans: Brazil added a 9 to mobile numbers, Mexico dropped the 1 after +52, Argentina's mobiles carry a 9 after +54.
WhatsApp still uses the old spelling for accounts made before, so variants of one person must meet in one identity.
"""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

from whatsflow.core.errors import InvalidInput

SANDBOX_PREFIX = "+999"
"""Numbers of the sandbox: country code 999 is unassigned (ITU E.164), so none can belong to a person."""

_SANDBOX = re.compile(r"\+999[0-9]{6,12}")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Direction marks and the like, which come along when a number is copied from a phone book or a chat."""
_OLD_MEXICAN = re.compile(r"\+521[0-9]{10}")
"""What WhatsApp still says for many; no longer a number by the numbering plan."""
_SPELLING = re.compile(r"[+\uff0b]?[\d\s()./\u2010-\u2015-]{3,40}")


def to_e164(text: str, country: str | None = None) -> str:
    """`text` in any usual spelling -> "+447700900123". `country`: ISO 3166 code for numbers without a country code.

    Raises InvalidInput("invalid_phone_number") with what to do.
    """
    cleaned = _INVISIBLE.sub("", text[:100]).strip().removeprefix("tel:")
    if not _SPELLING.fullmatch(cleaned):
        raise _invalid("This is not a phone number we can read.")
    compact = re.sub(r"[\s().-]", "", cleaned)
    if _SANDBOX.fullmatch(compact):
        return compact
    if compact.startswith("00"):
        cleaned = "+" + compact[2:]
    elif _OLD_MEXICAN.fullmatch(compact):
        cleaned = canonical(compact)
    try:
        number = phonenumbers.parse(cleaned, (country or "").upper() or None)
    except phonenumbers.NumberParseException:
        raise _invalid("This is not a phone number we can read.") from None
    if not phonenumbers.is_possible_number(number):
        raise _invalid("This phone number has too few or too many digits.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _invalid(why: str) -> InvalidInput:
    advice = "Write it with its country code, like +44 7700 900123."
    return InvalidInput("invalid_phone_number", f"{why} {advice}", field="phone_number")


def canonical(e164: str) -> str:
    """The one spelling under which all variants of an E.164 number meet (used as identity, not for sending)."""
    if e164.startswith("+55") and len(e164) == 13 and e164[5] in "6789":
        return f"{e164[:5]}9{e164[5:]}"
    if e164.startswith("+521") and len(e164) == 14:
        return f"+52{e164[4:]}"
    if e164.startswith("+54") and len(e164) == 13 and e164[3] != "9":
        return f"+549{e164[3:]}"
    return e164


@lru_cache(maxsize=4096)
def display(e164: str | None) -> str:
    """The number as people write it, "+44 7700 900123"; anything unreadable comes back as it is."""
    if not e164:
        return ""
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return e164
    if not phonenumbers.is_possible_number(number):
        return e164
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def country(e164: str | None) -> str:
    """ISO 3166 code of the country whose number it is, "GB"; "" where none can be told (none given, the sandbox's).

    Where countries share a code and the number tells no more, the largest of them.
    """
    if not e164 or e164.startswith(SANDBOX_PREFIX):
        return ""
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return ""
    region = phonenumbers.region_code_for_number(number)
    if region is None:
        region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    return region if region.isalpha() and region != "ZZ" else ""

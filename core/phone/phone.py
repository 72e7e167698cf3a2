"""Parser, normal form and formatter of phone numbers from people, files and programs.

`phonenumbers` (Google's libphonenumber data) decides; see docs/decisions/phone-number.md. The variants come from the
countries' numbering plans: Brazil added a 9 to mobile numbers, Mexico dropped the 1 after +52, Argentina's mobile
numbers have a 9 after +54. WhatsApp keeps the old form for older accounts, so all variants need one canonical form.
"""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType, ValidationResult

from core.errors import InvalidInput

TEXT_LENGTH = 500
"""Characters of an input; the longest is a link with a prepared message."""

SANDBOX_PREFIX = "+999"
"""Numbers of the sandbox: country code 999 is unassigned (ITU E.164), so none can belong to a person."""

_SANDBOX = re.compile(r"\+999[0-9]{6,12}")
_OLD_MEXICAN = re.compile(r"\+521[0-9]{10}")
"""Form that WhatsApp still uses for older accounts, though no longer part of the numbering plan."""
_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
_FULL_LENGTH = 11
"""Digits from which a number of another country is recognised without its +."""

_SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_INVISIBLE = "\xad\ufeff" + "".join(
    map(chr, (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A)))
)
"""Direction marks and similar characters, which are copied along from phone books and chats."""
_PUNCTUATION = (
    "()[].-/~\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc\uff08\uff09\uff0d\uff0e\uff0f\uff3b\uff3d\uff5e"
)
SEPARATORS = str.maketrans("\uff0b", "+", _SPACES + _INVISIBLE + _PUNCTUATION)
"""Table for str.translate that drops separators between digits."""
_MARKS = str.maketrans("", "", _INVISIBLE)
_QUOTES = "'\"`\u00b4\u2018\u2019\u201a\u201b\u201c\u201d\u201e"

_LINK = re.compile(
    r"(?:https?://)?(?:www\.)?(?:wa\.me/|(?:(?:api|web)\.)?whatsapp\.com/send/?\?(?:[^#]*&)?phone=)"
    r"(?:\+|%2B)?([0-9]{5,20})/?(?:[?&#].*)?|whatsapp://send/?\?(?:[^#]*&)?phone=(?:\+|%2B)?([0-9]{5,20})(?:[&#].*)?",
    re.IGNORECASE | re.DOTALL,
)
_JID = re.compile(r"([0-9]{5,20})(?:[:.][0-9]+)*@(?:s\.whatsapp\.net|c\.us)")
_LABEL = re.compile(
    r"(?:tel|telephone|telefon|telefono|teléfono|telefone|phone|ph|mob|mobile|mobil|movil|móvil|cell|cel|celular|"
    r"handy|fon|gsm|whatsapp|wa|тел)(?:\s*[.:])*\s*(?=[+(0-9])",
    re.IGNORECASE,
)
_EXTENSION = re.compile(
    r"(?<=[0-9])[\s,;]*(?:;ext=|extension|ext\.?|x|#|доб\.?|anexo|ramal|durchwahl)[\s:.]*[0-9]{1,7}#?$",
    re.IGNORECASE,
)
_PARAMETERS = re.compile(r"(tel:[^;]*);.*", re.IGNORECASE | re.DOTALL)
_FLOAT = re.compile(r"(\+?[0-9]{8,15})[.,]0{1,2}")
"""Number stored as a float, as some programs do in columns with an empty cell."""
_SHORTENED = re.compile(r"\+?[0-9]+(?:[.,][0-9]+)?\s*[eE]\s*\+?[0-9]{1,2}")
_ROUNDED = re.compile(r"(?=[0-9]{12,15}$)[1-9][0-9]{0,5}0+")
"""Number in scientific notation that was saved as an integer: up to six digits, then zeros."""


def to_e164(text: str, country: str | None = None) -> str:
    """Parse a phone number in any usual spelling, "07700 900123" -> "+447700900123".

    country: ISO 3166 code for numbers without a country code; None rejects these.
    Raises InvalidInput("invalid_phone_number" | "mangled_number") with the remedy.
    """
    digits = _digits(text)
    region = (country or "").upper()
    if region not in phonenumbers.SUPPORTED_REGIONS:
        region = ""
    if digits.startswith("00") and not (region and _is_valid(_parse(digits, region))):
        digits = f"+{digits[2:]}"
    if _SANDBOX.fullmatch(digits):
        return digits
    if digits.startswith("+"):
        number = _parse(digits)
        if number is None or not _is_credible(number):
            raise _invalid(_defect(digits, number))
    elif not region:
        raise _invalid(
            "This number has no country code.",
            "Choose the country of such numbers, or write it with its country code, like +44 7700 900123.",
        )
    else:
        number = _of_country(digits, region)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def known_country(code: str, *, field: str) -> str:
    """Normalize an ISO 3166 code to capitals; empty stays empty. Raises InvalidInput("unknown_country")."""
    code = code.strip().upper()
    if code and code not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidInput("unknown_country", "Choose a country of the list.", field=field)
    return code


def compact(text: str) -> str:
    """Remove the separators from `text` and convert its digits to ASCII."""
    return phonenumbers.normalize_digits_only(text, keep_non_digits=True).translate(SEPARATORS)


def is_full_mobile(text: str) -> bool:
    """Whether `text` is a valid mobile number with country code that lacks only the +.

    Never with parentheses: they enclose an area code, so the country code is missing.
    """
    digits = compact(text)
    if (
        "(" in text
        or not re.fullmatch(rf"[1-9][0-9]{{{_FULL_LENGTH - 1},14}}", digits)
        or _ROUNDED.fullmatch(digits)
    ):
        return False
    number = _parse(f"+{digits}")
    return number is not None and phonenumbers.number_type(number) == PhoneNumberType.MOBILE


def refuse_mangled(text: str) -> None:
    """Raise InvalidInput("mangled_number") for a number that a spreadsheet program has rounded."""
    written = text.strip().strip(_QUOTES)
    if _SHORTENED.fullmatch(written):
        raise InvalidInput(
            "mangled_number",
            f"A spreadsheet program has shortened this number to {written}; its last digits are lost. Format "
            "the column as text or as a number without decimals in the original and export it anew.",
            field="phone_number",
        )
    if _ROUNDED.fullmatch(written):
        raise InvalidInput(
            "mangled_number",
            f"A spreadsheet program seems to have shortened this number: {written} has only zeros "
            "behind its first digits. Export the original anew. If the number is right, write it with + in front.",
            field="phone_number",
        )


def _digits(text: str) -> str:
    """Extract the digits and the leading + from `text`: drops labels, links, punctuation and extension."""
    if len(text) > TEXT_LENGTH:
        raise _invalid("This is not a phone number we can read.")
    written = phonenumbers.normalize_digits_only(text.translate(_MARKS), keep_non_digits=True).strip()
    written = written.removeprefix("=").strip().strip(_QUOTES).strip()
    refuse_mangled(written)
    if (link := _LINK.fullmatch(written)) or (link := _JID.fullmatch(written)):
        return f"+{link[link.lastindex or 1]}"
    if whole := _FLOAT.fullmatch(written):
        written = whole[1]
    written = _LABEL.sub("", _PARAMETERS.sub(r"\1", written), count=1) if written[:1].isalpha() else written
    digits = _EXTENSION.sub("", written).translate(SEPARATORS)
    if not re.fullmatch(r"\+?[0-9]{3,25}", digits):
        raise _invalid("This is not a phone number we can read.")
    return digits


def _of_country(digits: str, region: str) -> PhoneNumber:
    """Interpret `digits` without + in a country: with its country code, else as dialled there.

    A valid mobile number takes precedence over all other readings. Raises InvalidInput.
    """
    code = phonenumbers.country_code_for_region(region)
    full = None if digits.startswith("0") else _parse(f"+{digits}")
    own = full if full is not None and full.country_code == code else None
    if own is not None and _is_mobile(own):
        return own
    national = _parse(digits, region)
    if national is not None and (
        _is_mobile(national) or (national.country_code != code and _is_credible(national))
    ):
        return national
    if own is not None and (phonenumbers.is_valid_number(own) or _has_length_of(own, PhoneNumberType.MOBILE)):
        return own
    if national is not None and _is_valid(national) and _is_whole(digits, national, region):
        return national
    if full is not None and own is None and len(digits) >= _FULL_LENGTH and _is_mobile(full):
        return full
    if national is not None and _has_length_of(national, PhoneNumberType.MOBILE) and _is_grouped(national):
        return national
    raise _invalid(_defect(digits, national, region))


def _is_mobile(number: PhoneNumber) -> bool:
    return phonenumbers.number_type(number) in _MOBILE


def _is_valid(number: PhoneNumber | None) -> bool:
    return number is not None and phonenumbers.is_valid_number(number)


def _is_credible(number: PhoneNumber) -> bool:
    """Whether a number is valid, or has a valid length (its range may be newer than the library's data)."""
    return (
        _has_length_of(number, PhoneNumberType.MOBILE)
        or _has_length_of(number, PhoneNumberType.FIXED_LINE)
        or phonenumbers.is_valid_number(number)
    )


def _has_length_of(number: PhoneNumber, kind: int) -> bool:
    reason = phonenumbers.is_possible_number_for_type_with_reason(number, kind)
    return bool(reason == ValidationResult.IS_POSSIBLE)


def _is_whole(digits: str, number: PhoneNumber, region: str) -> bool:
    """Whether a valid landline number has its trunk prefix, without which its area code may be missing, too.

    Not required of numbers with the length of a mobile number: spreadsheet programs drop leading zeros.
    """
    trunk = phonenumbers.ndd_prefix_for_region(region, True)
    return not trunk or digits.startswith(trunk) or _has_length_of(number, PhoneNumberType.MOBILE)


def _is_grouped(number: PhoneNumber) -> bool:
    """Whether the numbering plan has a format for the number's range, which means that the range is in use."""
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return len(re.split(r"[\s-]", written)) > 2


def _parse(digits: str, region: str | None = None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(canonical(digits) if _OLD_MEXICAN.fullmatch(digits) else digits, region)
    except phonenumbers.NumberParseException:
        return None


def _defect(digits: str, number: PhoneNumber | None, region: str = "") -> str:
    """Explain why a number was rejected."""
    if number is None:
        codes = (digits[1:end] for end in (2, 3, 4))
        known = region or any(int(code or 0) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE for code in codes)
        return (
            "This number has too few digits." if known else "No country has the country code of this number."
        )
    match phonenumbers.is_possible_number_with_reason(number):
        case ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            return "This number is too short: its area code is missing."
        case ValidationResult.TOO_SHORT:
            return "This number has too few digits."
        case ValidationResult.TOO_LONG:
            return "This number has too many digits."
    if region:
        return f"This is not a whole number of the country {region}: its area code may be missing."
    return f"Numbers that begin with +{number.country_code} do not have this many digits."


def _invalid(why: str, advice: str = "Write it with its country code, like +44 7700 900123.") -> InvalidInput:
    return InvalidInput("invalid_phone_number", f"{why} {advice}", field="phone_number")


def canonical(e164: str) -> str:
    """Return the canonical form of all variants of an E.164 number: an identity, not for sending."""
    if e164.startswith("+55") and len(e164) == 13 and e164[5] in "6789":
        return f"{e164[:5]}9{e164[5:]}"
    if e164.startswith("+521") and len(e164) == 14:
        return f"+52{e164[4:]}"
    if e164.startswith("+54") and len(e164) == 13 and e164[3] != "9":
        return f"+549{e164[3:]}"
    return e164


@lru_cache(maxsize=4096)
def display(e164: str | None) -> str:
    """Format a number for people, "+44 7700 900123". Returns invalid numbers unchanged, "" for None."""
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
    """Return the ISO 3166 code of a number's country, "GB"; empty if unknown (None, sandbox numbers).

    The main country of a shared country code if the number does not decide.
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

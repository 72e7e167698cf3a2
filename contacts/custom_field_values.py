"""Clean and format the values of custom fields."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from contacts.models import CustomField
from core.errors import InvalidInput
from core.text import printable

TEXT_LENGTH = 1000
YES = frozenset({"yes", "true", "1", "y", "ja", "oui", "sí", "si", "sim", "x", "on"})
NO = frozenset({"no", "false", "0", "n", "nein", "non", "não", "nao", "off"})
Kind = CustomField.Kind


def clean(field: CustomField, raw: Any) -> Any:
    """Return `raw` as it is stored in the contact's metadata; None for nothing.

    number: int or float. date: "2026-01-31". choice: one of the choices, case-insensitively. boolean: True or False.
    Raises InvalidInput("invalid_value").
    """
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return None
    return _CLEANERS[field.kind](field, raw)


def clean_all(fields: Iterable[CustomField], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Clean values by key; None removes a value.

    Raises InvalidInput with the key as its field.
    """
    known = {field.key: field for field in fields}
    cleaned = {}
    for key, value in raw.items():
        if key not in known:
            raise InvalidInput("unknown_field", f"There is no custom field called {key[:40]!r}.", field=key)
        cleaned[key] = clean(known[key], value)
    return cleaned


def _wrong(field: CustomField, wanted: str) -> InvalidInput:
    return InvalidInput("invalid_value", f"{field.label}: {wanted}", field=field.key)


def _text(field: CustomField, raw: Any) -> str:
    text = printable(str(raw))
    if len(text) > TEXT_LENGTH:
        raise _wrong(field, f"at most {TEXT_LENGTH} characters.")
    return text


def _number(field: CustomField, raw: Any) -> int | float:
    try:
        number = Decimal(str(raw).strip().replace("\u00a0", ""))
    except InvalidOperation:
        raise _wrong(field, "write a number, like 12 or 12.5.") from None
    if isinstance(raw, bool) or not number.is_finite() or not math.isfinite(float(number)):
        raise _wrong(field, "write a number, like 12 or 12.5.")
    exact = number == number.to_integral_value() and abs(number) < 2**53
    return int(number) if exact else float(number)


def _date(field: CustomField, raw: Any) -> str:
    if isinstance(raw, datetime):
        return raw.date().isoformat()
    if isinstance(raw, date):
        return raw.isoformat()
    text = str(raw).strip()
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise _wrong(field, "write a date as 2026-01-31.")


def _choice(field: CustomField, raw: Any) -> str:
    text = printable(str(raw))
    for choice in field.choices:
        if choice.casefold() == text.casefold():
            return str(choice)
    raise _wrong(field, f"choose one of {', '.join(field.choices)}.")


def _boolean(field: CustomField, raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    text = str(raw).strip().casefold()
    if text in YES or text in NO:
        return text in YES
    raise _wrong(field, "say yes or no.")


_CLEANERS: dict[str, Callable[[CustomField, Any], Any]] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.DATE: _date,
    Kind.CHOICE: _choice,
    Kind.BOOLEAN: _boolean,
}


def format_value(field: CustomField, value: Any) -> str:
    """Format a stored value; "" for none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if field.kind == Kind.DATE and isinstance(value, str):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            return value
        return f"{day.day} {day:%b %Y}"
    return str(value)

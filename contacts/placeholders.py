"""Render texts with variables: `{{name}}`, `{{name|there}}`.

Unknown variables stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from contacts.models import Contact

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z][A-Za-z0-9_]{0,39})\s*(?:\|([^{}|]{0,200}))?\}\}")
BUILT_IN: dict[str, str] = {
    "name": "Their name",
    "first_name": "The first word of their name",
    "phone": "Their number",
    "email": "Their e-mail address",
    "business": "Your business's name",
}


def values_of(contact: Contact, business_name: str) -> dict[str, str]:
    """Return the values of the variables for a contact; "" for unknown ones."""
    name = contact.name or contact.push_name
    custom = {key: _words(value) for key, value in contact.metadata.items()} if contact.metadata else {}
    return custom | {
        "name": name,
        "first_name": name.split()[0] if name.split() else "",
        "phone": contact.display_phone,
        "email": contact.email,
        "business": business_name,
    }


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else ""


def render(text: str, values: Mapping[str, str], known: Collection[str]) -> str:
    """Replace the variables of `text`.

    known: names of variables; without a value the fallback is used, or nothing.
    """

    def put(match: re.Match[str]) -> str:
        name, fallback = match.group(1).lower(), match.group(2)
        if name not in known:
            return match.group(0)
        return values.get(name, "") or (fallback or "").strip()

    return _VARIABLE.sub(put, text)


def variables(text: str) -> list[tuple[str, bool]]:
    """Return the variables of `text` in order, each with whether it has a fallback."""
    return [(match.group(1).lower(), match.group(2) is not None) for match in _VARIABLE.finditer(text)]

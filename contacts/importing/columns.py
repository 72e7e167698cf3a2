"""Map the columns of a file to targets.

A mapping is guessed from names and contents, confirmed by a person and checked before use. It has a target for every
column: "phone", "name", "first_name", "middle_name", "last_name", "email", "tags", "opted_out", "field:<key>" for a
custom field, "new:<kind>" for a custom field to be created, or "" to leave it out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from contacts.models import CustomField
from core.errors import InvalidInput

TARGETS = {
    "": "Leave out",
    "phone": "Phone number",
    "name": "Name",
    "first_name": "First name",
    "middle_name": "Middle name",
    "last_name": "Last name",
    "email": "E-mail address",
    "tags": "Tags",
    "opted_out": "Wants no campaigns (yes/no)",
}
SEVERAL = frozenset({"phone", "email", "tags"})
"""Targets that more than one column may have. Of numbers and addresses the first usable one counts."""
NEW = "new:text"
NAME_LENGTH = 200
"""Characters of a column's name that are compared."""

_WORDS = {
    "phone": "phone mobile telephone tel cell cellphone cellular whatsapp phonenumber mobilenumber mobilephone "
    "number msisdn telefon telefonnummer handy handynummer mobil mobiltelefon rufnummer nummer telefono "
    "telefononumero celular movil numero telefone telemovel portable cellulare mobilnummer gsm",
    "first_name": "firstname givenname forename vorname prenom nombre primeironome nome voornaam imie",
    "middle_name": "middlename zweitername additionalname",
    "last_name": "lastname familyname surname nachname familienname apellido apellidos sobrenome cognome "
    "achternaam nomdefamille",
    "name": "name fullname displayname contactname contact customer customername kunde kundenname nomcomplet "
    "nombrecompleto nomecompleto nom naam fileas",
    "email": "email emailaddress mail emails correo correoelectronico courriel emailadresse epost",
    "tags": "tags tag labels label categories category groupmembership groups group kategorien kategorie gruppe "
    "gruppen etiquetas etiqueta categorias etiquettes categorie",
    "opted_out": "optout optedout unsubscribed donotcontact abgemeldet desinscrit blockmarketing",
}  # fmt: skip
_BY_WORD = {word: target for target, words in _WORDS.items() for word in words.split()}
_LEFT_OUT = re.compile(r"(type|label|art|typ)$")
_GOOGLE_NUMBER = re.compile(r"Phone \d+ - Value")


def origin_of(columns: Sequence[str]) -> str:
    """Return the program that wrote the file: "google", "outlook" or ""."""
    names = set(columns)
    if any(_GOOGLE_NUMBER.fullmatch(name) for name in columns) and names & {
        "First Name",
        "Given Name",
        "Name",
    }:
        return "google"
    if {"First Name", "Last Name", "Mobile Phone"} <= names or {
        "Vorname",
        "Nachname",
        "Mobiltelefon",
    } <= names:
        return "outlook"
    return ""


def guess(
    columns: Sequence[str], sample: Sequence[Sequence[str]], fields: Sequence[CustomField]
) -> list[str]:
    """Guess a mapping. sample: the first rows."""
    targets = [_by_name(name, fields) for name in columns]
    origin = origin_of(columns)
    if origin == "google":
        targets = [_google(name, target) for name, target in zip(columns, targets, strict=True)]
    if "phone" not in targets:
        _by_content(targets, sample, "phone", _is_number)
    if "email" not in targets:
        _by_content(targets, sample, "email", lambda cell: "@" in cell and "." in cell)
    if not any("name" in target for target in targets):
        _by_content(
            targets, sample, "name", lambda cell: any(letter.isalpha() for letter in cell) and "@" not in cell
        )
    if "name" in targets and "first_name" in targets:
        targets = ["" if target == "name" else target for target in targets]
    return _each_once(targets)


def _by_name(name: str, fields: Sequence[CustomField]) -> str:
    for field in fields:
        if name.casefold() in (field.label.casefold(), field.key):
            return f"field:{field.key}"
    plain = _plain(name)
    if plain in _BY_WORD:
        return _BY_WORD[plain]
    words = re.sub(r"\d+", "", plain)
    if words in _BY_WORD:
        return _BY_WORD[words]
    if _LEFT_OUT.search(words) or "fax" in words or "pager" in words:
        return ""
    if words.endswith(("phone", "telefon", "mobile", "mobil", "phonenumber", "phonevalue")):
        return "phone"
    return "email" if words.startswith("email") else ""


def _google(name: str, target: str) -> str:
    """Map Google's columns by their exact names.

    Only "Phone 1 - Value" counts, not labels or phonetic names.
    """
    if re.fullmatch(r"(Phone|E-mail) \d+ - Value", name):
        return "phone" if name.startswith("Phone") else "email"
    return "" if " - " in name or name.startswith(("Phonetic", "Yomi")) else target


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name[:NAME_LENGTH])
    return "".join(letter for letter in decomposed if letter.isalnum()).casefold()


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"[+\d][\d\s()./-]{5,24}", cell) is not None and sum(map(str.isdigit, cell)) >= 7


def _by_content(targets: list[str], sample: Sequence[Sequence[str]], target: str, fits: object) -> None:
    """Assign `target` to the first free column in which most cells of the sample fit."""
    assert callable(fits)
    for index, taken in enumerate(targets):
        cells = [row[index] for row in sample if len(row) > index and row[index]]
        if not taken and cells and sum(map(fits, cells)) > 0.6 * len(cells):
            targets[index] = target
            return


def _each_once(targets: list[str]) -> list[str]:
    seen: set[str] = set()
    result = []
    for target in targets:
        repeated = target in seen and target not in SEVERAL
        result.append("" if repeated else target)
        seen.add(target)
    return result


def check(mapping: Sequence[str], columns: Sequence[str], fields: Sequence[CustomField]) -> list[str]:
    """Return the mapping if it can be used. Raises InvalidInput."""
    if len(mapping) != len(columns):
        raise InvalidInput("invalid_mapping", "The columns have changed. Choose anew.", field="mapping")
    known = {*TARGETS, *(f"field:{field.key}" for field in fields)}
    known |= {f"new:{kind}" for kind in CustomField.Kind.values if kind != CustomField.Kind.CHOICE}
    for target in mapping:
        if target not in known:
            raise InvalidInput(
                "invalid_mapping", "One of the columns goes nowhere. Choose anew.", field="mapping"
            )
    if "phone" not in mapping:
        raise InvalidInput("no_phone", "Say which column holds the phone numbers.", field="mapping")
    for target in set(mapping):
        if (
            target
            and target not in SEVERAL
            and not target.startswith("new:")
            and list(mapping).count(target) > 1
        ):
            words = choices(fields).get(target, target)
            raise InvalidInput("mapped_twice", f"Two columns go to “{words}”. Choose one.", field="mapping")
    return list(mapping)


def choices(fields: Sequence[CustomField]) -> Mapping[str, str]:
    """Return the targets with their labels."""
    return {**TARGETS, **{f"field:{field.key}": field.label for field in fields}}

"""Template contexts of the import pages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import phonenumbers
from django.db.models import QuerySet

from accounts.access import Access
from contacts.importing import imports
from contacts.importing.columns import TARGETS
from contacts.importing.csv_reader import DELIMITERS
from contacts.importing.people import Person, Reject
from contacts.importing.text import CHOICES
from contacts.models import ContactImport, CustomField, Tag
from core.errors import InvalidInput
from core.phone import phone

EARLIER = 5
ORIGINS = {"google": "Google Contacts", "outlook": "Outlook"}
FORMATS = {"csv": "CSV", "xlsx": "Excel workbook", "vcard": "vCard"}
KINDS = {
    "new:text": "New field: text",
    "new:number": "New field: number",
    "new:date": "New field: date",
    "new:boolean": "New field: yes or no",
}


@dataclass(frozen=True)
class Column:
    """A column of the file: its name, its target and its first values."""

    place: int
    name: str
    target: str
    examples: list[str]


def earlier(access: Access) -> QuerySet[ContactImport]:
    """Return the latest imports of the business."""
    rows = ContactImport.objects.filter(business_profile=access.business).select_related("job", "created_by")
    return rows.order_by("-id")[:EARLIER]


def mapping(source: ContactImport, access: Access, error: str = "") -> dict[str, Any]:
    """Return the context of the mapping page, with the preview of the first rows."""
    fields = list(CustomField.objects.filter(business_profile=access.business).order_by("position", "id"))
    preview, examples = None, []
    try:
        preview = imports.preview(source) if "phone" in source.mapping else None
        examples = imports.examples(source)
    except InvalidInput as refused:
        error = error or refused.message
    if preview is None and not error:
        error = "Say which column holds the phone numbers."
    return {
        "source": source,
        "columns": _columns(source, examples),
        "groups": _groups(fields),
        "preview": preview,
        "lines": [line_of(row, _shown(source, fields)) for row in preview.rows] if preview else [],
        "shown": _shown(source, fields),
        "error": error,
        "format": FORMATS.get(source.format, source.format),
        "origin": ORIGINS.get(source.origin, ""),
        "encodings": {
            **CHOICES,
            **({} if source.encoding in CHOICES else {source.encoding: source.encoding}),
        },
        "delimiters": {
            **DELIMITERS,
            **({} if source.delimiter in DELIMITERS else {source.delimiter: source.delimiter}),
        },
        "ask_full_numbers": source.full_numbers is not None and not source.country,
        "full_example": _full_example(source, examples),
        "duplicates": ContactImport.Duplicates.choices,
        "countries": _countries(),
        "tag_names": list(
            Tag.objects.filter(business_profile=access.business)
            .order_by("name")
            .values_list("name", flat=True)
        ),
        "here": "import",
    }


def _columns(source: ContactImport, examples: list[list[str]]) -> list[Column]:
    return [
        Column(
            place,
            name,
            source.mapping[place] if place < len(source.mapping) else "",
            [row[place][:60] for row in examples if len(row) > place and row[place]][:3],
        )
        for place, name in enumerate(source.columns)
    ]


def _full_example(source: ContactImport, examples: list[list[str]]) -> tuple[str, str] | None:
    """Return a number of the file that lacks its +, and how it would be read."""
    places = [place for place, target in enumerate(source.mapping) if target == "phone"]
    for cell in (row[place] for row in examples for place in places if place < len(row)):
        if phone.is_full_mobile(cell):
            e164 = f"+{phone.compact(cell)}"
            return cell, f"{phone.display(e164)} ({phone.country(e164)})"
    return None


def _groups(fields: list[CustomField]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the targets of a column's menu, in groups."""
    groups = [("", [("", TARGETS[""])]), ("Contact", [item for item in TARGETS.items() if item[0]])]
    if fields:
        groups.append(("Your fields", [(f"field:{field.key}", field.label) for field in fields]))
    return [*groups, ("New fields", list(KINDS.items()))]


@dataclass(frozen=True)
class Line:
    """A row of the preview: the contact, or the reason of its rejection."""

    number: int
    reason: str
    phone: str = ""
    name: str = ""
    email: str = ""
    tags: tuple[str, ...] = ()
    fields: tuple[Any, ...] = ()
    opted_out: bool = False


def line_of(row: Person | Reject, fields: list[CustomField]) -> Line:
    """Return the preview of a row."""
    if isinstance(row, Reject):
        return Line(row.line, row.reason, name=" · ".join(cell for cell in row.cells if cell)[:120])
    shown = tuple(row.fields.get(field.key, "") for field in fields)
    return Line(row.line, "", phone.display(row.number), row.name, row.email, row.tags, shown, row.opted_out)


def _shown(source: ContactImport, fields: list[CustomField]) -> list[CustomField]:
    """Return the custom fields that the file fills."""
    return [field for field in fields if f"field:{field.key}" in source.mapping]


@cache
def _countries() -> list[tuple[str, str]]:
    """Return ISO 3166 codes with their calling codes.

    A script names them in the reader's language.
    """
    return [
        (code, f"{code} +{phonenumbers.country_code_for_region(code)}")
        for code in sorted(phonenumbers.SUPPORTED_REGIONS)
    ]

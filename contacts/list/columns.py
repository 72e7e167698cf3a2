"""Columns of the contact list, and their cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import BusinessProfile, User
from contacts import custom_field_values
from contacts.models import Contact, CustomField, ListColumns
from contacts.payloads import ShownTag

OWN = "field."
"""Prefix of a custom field's key."""


@dataclass(frozen=True)
class Column:
    """A column.

    kind: phone, text, tags, time, number or flag; decides how the cell is rendered.
    """

    key: str
    label: str
    kind: str = "text"
    field: CustomField | None = None


BUILT_IN = (
    Column("phone", "Number", "phone"),
    Column("email", "E-mail"),
    Column("tags", "Tags", "tags"),
    Column("country", "Country"),
    Column("last_message", "Last message", "time"),
    Column("first_message", "First message", "time"),
    Column("messages", "Messages", "number"),
    Column("state", "State", "flag"),
    Column("created", "Added", "time"),
)
DEFAULT = ("phone", "tags", "country", "last_message", "state")


@dataclass(frozen=True)
class Cell:
    column: Column
    value: Any


@dataclass(frozen=True)
class Row:
    """A contact with the cells of the chosen columns."""

    contact: Contact
    cells: list[Cell]


def available(fields: Iterable[CustomField]) -> list[Column]:
    """Return every column that can be chosen."""
    own = [
        Column(f"{OWN}{one.key}", one.label, "number" if one.kind == "number" else "text", one)
        for one in fields
    ]
    return [*BUILT_IN, *own]


def chosen(business: BusinessProfile, user: User, columns: Sequence[Column]) -> list[Column]:
    """Return the columns that the member has chosen, or the default ones.

    One query.
    """
    kept = ListColumns.objects.filter(user=user, business_profile=business).values_list("columns", flat=True)
    keys = next(iter(kept), DEFAULT)
    return [column for column in columns if column.key in keys]


def rows(
    contacts: Iterable[Contact], columns: Sequence[Column], tags: dict[Any, list[ShownTag]]
) -> list[Row]:
    """Return the rows of the list."""
    return [
        Row(contact, [Cell(column, _value(contact, column, tags)) for column in columns])
        for contact in contacts
    ]


def _value(contact: Contact, column: Column, tags: dict[Any, list[ShownTag]]) -> Any:
    if column.field is not None:
        return custom_field_values.format_value(column.field, contact.metadata.get(column.field.key))
    match column.key:
        case "phone":
            return contact.display_phone
        case "tags":
            return tags.get(contact.pk, [])
        case "last_message":
            return contact.last_message_at
        case "first_message":
            return contact.first_message_at
        case "messages":
            return contact.total_messages
        case "created":
            return contact.created_at
        case "state":
            return contact.state
    return getattr(contact, column.key)

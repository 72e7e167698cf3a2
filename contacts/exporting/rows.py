"""Rows of an export, in the columns that an import recognises."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from accounts.models import BusinessProfile
from contacts.models import Contact, ContactTag, CustomField
from contacts.selection import Selection

PAGE = 1000
COLUMNS = ["Name", "Phone", "E-mail", "Country", "Tags"]
AFTER_FIELDS = ["Opted out", "Blocked", "First message", "Last message", "Messages", "Added"]
_LOADED = (
    "id", "name", "push_name", "phone_number", "email", "country", "metadata", "opted_out_at", "blocked_at",
    "first_message_at", "last_message_at", "total_messages", "created_at",
)  # fmt: skip


class Exported:
    """The contacts of an export, read page by page."""

    def __init__(self, business: BusinessProfile, selection: Selection) -> None:
        self._selection = selection
        rows = CustomField.objects.filter(business_profile=business)
        self.fields: list[CustomField] = list(rows.order_by("position", "id"))

    @property
    def columns(self) -> list[str]:
        """Return the names of the columns, in order."""
        return [*COLUMNS, *(field.label for field in self.fields), *AFTER_FIELDS]

    def pages(self) -> Iterator[list[tuple[Contact, list[str]]]]:
        """Yield contacts with the names of their tags, in the order of their creation."""
        after: UUID | None = None
        while ids := self._selection.page(after, PAGE):
            after = ids[-1]
            contacts = Contact.objects.filter(pk__in=ids).only(*_LOADED).order_by("pk")
            tags = _tags(ids)
            yield [(contact, tags[contact.pk]) for contact in contacts]

    def row(self, contact: Contact, tags: Sequence[str]) -> list[Any]:
        """Return the cells of a contact in the order of `columns`."""
        return [
            contact.name or contact.push_name,
            contact.phone_number,
            contact.email,
            contact.country,
            "; ".join(tags),
            *(contact.metadata.get(field.key) for field in self.fields),
            contact.opted_out_at is not None,
            contact.blocked_at is not None,
            contact.first_message_at,
            contact.last_message_at,
            contact.total_messages,
            contact.created_at,
        ]


def _tags(ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    names: dict[UUID, list[str]] = defaultdict(list)
    carried = ContactTag.objects.filter(contact_id__in=ids).order_by("tag__name")
    for key, name in carried.values_list("contact_id", "tag__name"):
        names[key].append(name)
    return names

"""What people do with contacts, and the counters that messages keep on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from contacts import selectors
from contacts.events import ContactUpdated
from contacts.models import Contact
from contacts.services import identities
from whatsflow.core import bulk, phone
from whatsflow.core.errors import InvalidInput
from whatsflow.core.events import publish
from whatsflow.core.text import printable

NAME_LENGTH = 255


def find_or_create(business: BusinessProfile, number: str, *, name: str = "") -> Contact:
    """The contact with this number in any spelling, made if new. `name` is used only for a new one.

    Raises InvalidInput("invalid_phone_number").
    """
    e164 = phone.to_e164(number, business.default_country or None)
    person = identities.Person(phone=e164)
    with transaction.atomic():
        known = identities.find(business.pk, [person])
        contact_id = known.get(person) or identities.resolve(business.pk, [person])[person]
        if name and not known:
            Contact.objects.filter(pk=contact_id).update(name=clean_name(name))
    return selectors.get_contact(business, contact_id)


def rename(business: BusinessProfile, contact: Contact, actor: User, name: str) -> Contact:
    """Call a contact `name`; empty goes back to the name they gave themselves. Raises InvalidInput."""
    contact = selectors.get_contact(business, contact.pk)
    cleaned = clean_name(name)
    if cleaned == contact.name:
        return contact
    with transaction.atomic():
        contact.name = cleaned
        contact.save(update_fields=["name", "updated_at"])
        audit.record(business, actor, "contact.renamed", contact)
        publish(ContactUpdated(business_id=business.pk, contact_id=contact.pk))
    return contact


def clean_name(name: str) -> str:
    """`name` on one line without control characters. Raises InvalidInput("name_too_long")."""
    cleaned = printable(name)
    if len(cleaned) > NAME_LENGTH:
        raise InvalidInput("name_too_long", f"A name has at most {NAME_LENGTH} characters.", field="name")
    return cleaned


@dataclass(frozen=True)
class Talked:
    """So many messages with one contact, from when to when."""

    contact_id: UUID
    count: int
    first: datetime
    last: datetime


def count_messages(talks: Iterable[Talked]) -> None:
    """Add messages to their contacts' counters; one statement. Call inside the messages' transaction."""
    rows = sorted((talk.contact_id, talk.count, talk.first, talk.last) for talk in talks)
    earlier, later = ("LEAST", "GREATEST") if connection.vendor == "postgresql" else ("MIN", "MAX")
    bulk.update_each(
        {"key": "uuid", "count": "integer", "first": "timestamptz", "last": "timestamptz"},
        rows,
        f"""
        UPDATE contacts SET
            total_messages = contacts.total_messages + v.count,
            first_message_at = {earlier}(COALESCE(contacts.first_message_at, v.first), v.first),
            last_message_at = {later}(COALESCE(contacts.last_message_at, v.last), v.last)
        FROM v WHERE contacts.id = v.key
        """,  # noqa: S608 - only the two names of functions above
    )

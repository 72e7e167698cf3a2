"""Create, change, block and delete contacts; counters, pictures, groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import connection, transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from contacts import custom_field_values, phone_numbers, selectors
from contacts.events import ContactBlocked, ContactDeleted, ContactUpdated
from contacts.models import Contact, ContactGroup, ContactIdentity
from contacts.selection import Contacts, chunks, ids_of
from contacts.services import consent, identities
from core.clock import now
from core.db import bulk
from core.errors import Conflict, InvalidInput
from core.events import publish
from core.phone import phone
from core.text import printable

NAME_LENGTH = 255


def find_or_create(business: BusinessProfile, number: str, *, name: str = "") -> Contact:
    """Return the contact with this number in any spelling, created if new.

    `name` is used only for a new one. Raises InvalidInput("invalid_phone_number").
    """
    e164 = phone_numbers.read(business, number)
    person = identities.Person(phone=e164)
    with transaction.atomic():
        known = identities.find(business.pk, [person])
        contact_id = known.get(person) or identities.resolve(business.pk, [person])[person]
        if name and not known:
            Contact.objects.filter(pk=contact_id).update(name=clean_name(name))
    return selectors.get_contact(business, contact_id)


def rename(business: BusinessProfile, contact: Contact, actor: User, name: str) -> Contact:
    """Rename a contact; "" falls back to the push name. Raises InvalidInput."""
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


def create(
    business: BusinessProfile,
    actor: User | None,
    *,
    phone_number: str,
    name: str = "",
    email: str = "",
    fields: Mapping[str, Any] | None = None,
) -> Contact:
    """Create a contact. fields: values of custom fields by key.

    Raises InvalidInput, Conflict("contact_exists") with the owner of the number in `extra["contact"]`.
    """
    e164 = phone_numbers.read(business, phone_number)
    changes = {"name": clean_name(name), "email": clean_email(email)}
    metadata = _metadata(business, {}, fields or {})
    person = identities.Person(phone=e164)
    with transaction.atomic():
        if known := identities.find(business.pk, [person]):
            raise _taken(known[person])
        contact_id = identities.resolve(business.pk, [person])[person]
        Contact.objects.filter(pk=contact_id).update(**changes, metadata=metadata)
        contact = selectors.get_contact(business, contact_id)
        audit.record(business, actor, "contact.created", contact)
    return contact


def update(
    business: BusinessProfile,
    contact: Contact,
    actor: User | None,
    *,
    name: str | None = None,
    email: str | None = None,
    phone_number: str | None = None,
    fields: Mapping[str, Any] | None = None,
) -> Contact:
    """Change what is given; None or "" removes the value of a custom field.

    Raises InvalidInput, Conflict("contact_exists").
    """
    with transaction.atomic():
        contact = selectors.get_contact(business, contact.pk, lock=True)
        before = (contact.name, contact.email, contact.phone_number, dict(contact.metadata))
        if name is not None:
            contact.name = clean_name(name)
        if email is not None:
            contact.email = clean_email(email)
        if phone_number:
            _renumber(business, contact, phone_numbers.read(business, phone_number))
        if fields is not None:
            contact.metadata = _metadata(business, contact.metadata, fields)
        if (contact.name, contact.email, contact.phone_number, contact.metadata) == before:
            return contact
        contact.save()
        consent.apply_suppressions(business.pk, [contact.pk])
        audit.record(business, actor, "contact.updated", contact)
        publish(ContactUpdated(business_id=business.pk, contact_id=contact.pk))
    return contact


def replace(
    business: BusinessProfile,
    contact_id: UUID,
    actor: User | None,
    *,
    fields: Mapping[str, Any],
    **given: Any,
) -> Contact:
    """Update a contact, and remove the values of custom fields that are not given.

    Raises NotFound, InvalidInput, Conflict.
    """
    with transaction.atomic():
        contact = selectors.get_contact(business, contact_id, lock=True)
        known = {field.key for field in selectors.fields_of(business)}
        emptied = {key: None for key in contact.metadata if key in known}
        return update(business, contact, actor, fields={**emptied, **fields}, **given)


def _renumber(business: BusinessProfile, contact: Contact, e164: str) -> None:
    """Change the phone number of a contact, and the identity that belongs to it."""
    if e164 == contact.phone_number:
        return
    person = identities.Person(phone=e164)
    owner = identities.find(business.pk, [person]).get(person, contact.pk)
    if owner != contact.pk:
        raise _taken(owner)
    own = ContactIdentity.objects.filter(contact=contact, kind=ContactIdentity.Kind.PHONE)
    if contact.phone_number:
        own.filter(value=phone.canonical(contact.phone_number)).delete()
    own.get_or_create(
        business_profile=business,
        kind=ContactIdentity.Kind.PHONE,
        value=phone.canonical(e164),
        defaults={"contact": contact},
    )
    contact.phone_number, contact.country = e164, phone.country(e164)


def _metadata(
    business: BusinessProfile, present: Mapping[str, Any], fields: Mapping[str, Any]
) -> dict[str, Any]:
    changed = (
        {**present, **custom_field_values.clean_all(selectors.fields_of(business), fields)}
        if fields
        else present
    )
    return {key: value for key, value in changed.items() if value is not None}


def _taken(contact_id: UUID) -> Conflict:
    return Conflict(
        "contact_exists",
        "There is a contact with this number already.",
        field="phone_number",
        extra={"contact": str(contact_id)},
    )


def delete(business: BusinessProfile, contacts: Contacts, actor: User | None) -> int:
    """Delete contacts with their conversations, notes and tags. Returns how many.

    Suppressions and consent proofs stay, so that opt-outs hold if a number comes back.
    """
    gone = 0
    for some in chunks(ids_of(business, contacts), DELETED_AT_ONCE):
        with transaction.atomic():
            publish(*(ContactDeleted(business_id=business.pk, contact_id=key) for key in some))
            consent.detach_proofs(some)
            Contact.objects.filter(business_profile=business, pk__in=some).delete()
            gone += len(some)
            if actor is not None:
                audit.record(business, actor, "contacts.deleted", contacts=[str(key) for key in some])
    return gone


DELETED_AT_ONCE = 100
"""Contacts that one transaction deletes, with their messages."""


def block(business: BusinessProfile, contacts: Contacts, actor: User | None) -> int:
    """Block contacts: mute them and exclude them from campaigns.

    Returns how many were not blocked.
    """
    return _set_blocked(business, contacts, actor, blocked=True)


def unblock(business: BusinessProfile, contacts: Contacts, actor: User | None) -> int:
    """Unblock contacts. Returns how many were blocked."""
    return _set_blocked(business, contacts, actor, blocked=False)


def _set_blocked(business: BusinessProfile, contacts: Contacts, actor: User | None, *, blocked: bool) -> int:
    changed = 0
    with transaction.atomic():
        for some in chunks(ids_of(business, contacts)):
            rows = Contact.objects.filter(pk__in=some, blocked_at__isnull=blocked).order_by("pk")
            ids = list(rows.select_for_update(no_key=True).values_list("pk", flat=True))
            moment = now()
            Contact.objects.filter(pk__in=ids).update(
                blocked_at=moment if blocked else None, updated_at=moment
            )
            publish(
                *(ContactBlocked(business_id=business.pk, contact_id=key, blocked=blocked) for key in ids)
            )
            changed += len(ids)
        if changed:
            audit.record(
                business, actor, "contacts.blocked" if blocked else "contacts.unblocked", count=changed
            )
    return changed


def clean_email(email: str) -> str:
    """Return a stripped e-mail address; "" for none.

    Raises InvalidInput("invalid_email").
    """
    text = printable(email)
    if not text:
        return ""
    try:
        EmailValidator()(text)
    except ValidationError:
        text = "x" * 255
    if len(text) > 254:
        raise InvalidInput("invalid_email", "Write an e-mail address like ann@example.com.", field="email")
    return text


def clean_name(name: str) -> str:
    """Return `name` on one line without control characters.

    Raises InvalidInput("name_too_long").
    """
    cleaned = printable(name)
    if len(cleaned) > NAME_LENGTH:
        raise InvalidInput("name_too_long", f"A name has at most {NAME_LENGTH} characters.", field="name")
    return cleaned


@dataclass(frozen=True)
class MessageCount:
    """New messages with one contact.

    first, last: times of the first and the last of them.
    """

    contact_id: UUID
    count: int
    first: datetime
    last: datetime


def count_messages(counts: Iterable[MessageCount]) -> None:
    """Add messages to the counters of their contacts; one statement.

    Call inside the messages' transaction.
    """
    rows = sorted((one.contact_id, one.count, one.first, one.last) for one in counts)
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


def set_profile_picture(business_id: UUID, contact_id: UUID, url: str) -> None:
    """Show the contact with the picture at `url`; "" for none.

    Runs inside the caller's transaction.
    """
    rows = Contact.objects.filter(business_profile_id=business_id, pk=contact_id)
    if rows.exclude(profile_pic_url=url).update(profile_pic_url=url):
        publish(ContactUpdated(business_id=business_id, contact_id=contact_id))


GROUPED_AT_ONCE = 5000
"""Contacts whose group one transaction changes."""
_WRITE_GROUPS = """
INSERT INTO contact_groups (contact_id, business_profile_id, "group", since)
SELECT c.id, c.business_profile_id, v.name, v.since FROM v JOIN contacts AS c ON c.id = v.key WHERE 1 = 1
ON CONFLICT (contact_id) DO UPDATE SET "group" = excluded."group", since = excluded.since
"""


def assign_groups(business: BusinessProfile, groups: Mapping[UUID, str], today: date) -> int:
    """Assign contacts to RFM groups; contacts that are not named leave theirs.

    groups: values of ContactGroup.Group. Writes only what differs, a few thousand rows a transaction. Returns how many
    changed.
    """
    rows = ContactGroup.objects.filter(business_profile=business)
    known = dict(rows.values_list("contact_id", "group"))
    removed = [contact_id for contact_id in known if contact_id not in groups]
    moved = sorted((key, name, today) for key, name in groups.items() if known.get(key) != name)
    for chunk in chunks(removed, GROUPED_AT_ONCE):
        rows.filter(pk__in=chunk).delete()
    for changes in chunks(moved, GROUPED_AT_ONCE):
        with transaction.atomic():
            bulk.update_each({"key": "uuid", "name": "text", "since": "date"}, changes, _WRITE_GROUPS)
    return len(removed) + len(moved)

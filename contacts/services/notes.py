"""Notes of the team about contacts."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from contacts.models import Contact, ContactNote
from core.errors import InvalidInput, NotFound

LENGTH = 5000


def add(business: BusinessProfile, contact: Contact, author: User | None, body: str) -> ContactNote:
    """Add a note. Raises NotFound, InvalidInput("invalid_note")."""
    text = _clean(body)
    if contact.business_profile_id != business.pk:
        raise NotFound("This contact")
    with transaction.atomic():
        note = ContactNote.objects.create(
            business_profile=business, contact=contact, author=author, body=text
        )
        audit.record(business, author, "contact.noted", contact, note=str(note.pk))
    return note


def update(business: BusinessProfile, note_id: UUID, actor: User, body: str) -> ContactNote:
    """Change a note. Raises NotFound, InvalidInput."""
    with transaction.atomic():
        note = _get(business, note_id)
        note.body = _clean(body)
        note.save(update_fields=["body", "updated_at"])
        audit.record(business, actor, "contact.note_changed", note)
    return note


def delete(business: BusinessProfile, note_id: UUID, actor: User | None) -> ContactNote:
    """Delete a note and return it. Raises NotFound."""
    with transaction.atomic():
        note = _get(business, note_id)
        audit.record(business, actor, "contact.note_deleted", note)
        ContactNote.objects.filter(pk=note.pk).delete()
    return note


def _get(business: BusinessProfile, note_id: UUID) -> ContactNote:
    note = ContactNote.objects.select_related("author").filter(business_profile=business, pk=note_id).first()
    if note is None:
        raise NotFound("This note")
    return note


def _clean(body: str) -> str:
    text = body.replace("\x00", "").replace("\r\n", "\n").strip()
    if not text or len(text) > LENGTH:
        raise InvalidInput("invalid_note", f"A note has 1 to {LENGTH} characters.", field="body")
    return text

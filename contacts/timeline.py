"""The timeline of a contact, from this app and registered sources."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from accounts.models import BusinessProfile
from contacts import ports
from contacts.models import ConsentProof, Contact, ContactImport, ContactTag, ImportedContact
from contacts.ports import Entry
from core.clock import now
from core.errors import InvalidInput

PAGE = 20


def page(
    business: BusinessProfile, contact: Contact, before: datetime | None = None
) -> tuple[list[Entry], datetime | None]:
    """Return at most PAGE entries, and the time before which there is more.

    Newest first; one query a source.
    """
    start = before or now()
    entries = [entry for source in _SOURCES for entry in source(business.pk, contact.pk, start, PAGE + 1)]
    if contact.created_at < start:
        entries.append(_beginning(business, contact))
    entries.sort(key=lambda entry: entry.at, reverse=True)
    more = entries[PAGE - 1].at if len(entries) > PAGE else None
    return entries[:PAGE], more


def _beginning(business: BusinessProfile, contact: Contact) -> Entry:
    source = ContactImport.objects.filter(business_profile=business, began_at=contact.created_at).first()
    if source is not None:
        return Entry(contact.created_at, "upload", "Became a contact by an import", source.file_name)
    return Entry(contact.created_at, "user-plus", "Became a contact")


def parse(before: str) -> datetime | None:
    """Parse a cursor; None for "". Raises InvalidInput."""
    if not before:
        return None
    try:
        moment = datetime.fromisoformat(before.replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidInput("invalid_cursor", "This page address is not valid. Open the contact again.")
    return moment


def _tags(business_id: UUID, contact_id: UUID, before: datetime, limit: int) -> list[Entry]:
    rows = ContactTag.objects.filter(contact_id=contact_id, created_at__lt=before).select_related("tag")
    return [
        Entry(row.created_at, "tag", f"Tagged {row.tag.name}")
        for row in rows.order_by("-created_at", "tag_id")[:limit]
    ]


def _consents(business_id: UUID, contact_id: UUID, before: datetime, limit: int) -> list[Entry]:
    rows = ConsentProof.objects.filter(contact_id=contact_id, created_at__lt=before).select_related("actor")
    return [
        Entry(
            row.created_at,
            "thumb-up" if row.kind == ConsentProof.Kind.OPT_IN else "hand-stop",
            f"{row.get_kind_display()} {row.get_how_display().lower()}",
            row.note,
        )
        for row in rows.order_by("-id")[:limit]
    ]


def _imports(business_id: UUID, contact_id: UUID, before: datetime, limit: int) -> list[Entry]:
    rows = ImportedContact.objects.filter(contact_id=contact_id, created_at__lt=before)
    return [
        Entry(row.created_at, "upload", "Changed by an import", row.source.file_name)
        for row in rows.select_related("source").order_by("-created_at")[:limit]
    ]


def _others(business_id: UUID, contact_id: UUID, before: datetime, limit: int) -> list[Entry]:
    return [
        entry
        for source in ports.timeline_sources()
        for entry in source(business_id, contact_id, before, limit)
    ]


_SOURCES = (_tags, _consents, _imports, _others)

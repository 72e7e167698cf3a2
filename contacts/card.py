"""Template contexts of a contact's page, and of the card beside a chat."""

from __future__ import annotations

from typing import Any

from accounts.access import Access
from accounts.models import BusinessProfile
from accounts.roles import Can
from contacts import ports, selectors, timeline
from contacts.models import ConsentProof, Contact

NOTES = 100
"""Notes that the card shows, the newest."""


def card_context(access: Access, contact: Contact) -> dict[str, Any]:
    """Return all about a contact, with the first page of the timeline."""
    business = access.business
    entries, more = timeline.page(business, contact)
    return sidebar_context(access, contact) | {
        "values": selectors.values_of(contact, selectors.fields_of(business)),
        "consents": _consents(business, contact),
        "entries": entries,
        "more": more,
    }


def _consents(business: BusinessProfile, contact: Contact) -> list[tuple[ConsentProof, str]]:
    """Return the consent proofs, each with the address of its message or ""."""
    proofs = selectors.consents_of(business, contact.pk)
    places = ports.places_of_messages(business.pk, [one.message_id for one in proofs if one.message_id])
    return [(one, places.get(one.message_id, "") if one.message_id else "") for one in proofs]


def sidebar_context(access: Access, contact: Contact) -> dict[str, Any]:
    """Return a contact with tags and notes."""
    tags = selectors.tags_of(contact.pk)
    return {
        "contact": contact,
        "tags": tags,
        "other_tags": [tag for tag in selectors.tags_of_business(access.business) if tag not in tags],
        "notes": list(selectors.notes_of(access.business, contact)[:NOTES]),
        "can_edit": access.can(Can.EDIT_CONTACTS),
    }

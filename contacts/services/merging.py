"""Two contacts that are one person."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction

from contacts.events import ContactsMerged, ContactUpdated
from contacts.models import Contact, ContactIdentity
from whatsflow.core.events import publish


def merge(business_id: UUID, contact_ids: Collection[UUID]) -> UUID:
    """Make one contact of several and return its id: the one with a phone number, else the oldest, is kept.

    One transaction: identities move, empty fields are filled, `ContactsMerged` lets others move what is theirs
    (inside), then the rest is deleted.
    """
    with transaction.atomic():
        rows = Contact.objects.select_for_update(no_key=True).filter(
            business_profile_id=business_id, pk__in=contact_ids
        )
        kept, *lost = sorted(rows.order_by("pk"), key=lambda contact: (not contact.phone_number, contact.pk))
        for contact in lost:
            _absorb(kept, contact)
        kept.save()
        if lost:
            publish(ContactUpdated(business_id=business_id, contact_id=kept.pk))
    return kept.pk


def _absorb(kept: Contact, lost: Contact) -> None:
    ContactIdentity.objects.filter(contact=lost).update(contact=kept)
    publish(ContactsMerged(business_id=kept.business_profile_id, contact_id=kept.pk, lost_id=lost.pk))
    kept.name = kept.name or lost.name
    kept.push_name = kept.push_name or lost.push_name
    kept.profile_pic_url = kept.profile_pic_url or lost.profile_pic_url
    kept.is_business = kept.is_business or lost.is_business
    kept.metadata = {**lost.metadata, **kept.metadata}
    kept.first_message_at = min(_known(kept.first_message_at, lost.first_message_at), default=None)
    kept.last_message_at = max(_known(kept.last_message_at, lost.last_message_at), default=None)
    kept.total_messages += lost.total_messages
    number = lost.phone_number
    lost.delete()
    kept.phone_number = kept.phone_number or number


def _known(*moments: datetime | None) -> list[datetime]:
    return [moment for moment in moments if moment is not None]

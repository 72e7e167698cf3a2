"""The picture that a contact is shown with. Its file belongs to whoever keeps files; here is only its address."""

from __future__ import annotations

from uuid import UUID

from contacts.events import ContactUpdated
from contacts.models import Contact
from core.events import publish


def show(business_id: UUID, contact_id: UUID, address: str) -> None:
    """Show the contact with the picture at `address` ("": with none). Runs inside the caller's transaction."""
    rows = Contact.objects.filter(business_profile_id=business_id, pk=contact_id)
    if rows.exclude(profile_pic_url=address).update(profile_pic_url=address):
        publish(ContactUpdated(business_id=business_id, contact_id=contact_id))

"""Parse phone numbers in the context of a business."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import BusinessProfile
from contacts.models import ContactIdentity
from core.errors import InvalidInput
from core.phone import phone


def read(business: BusinessProfile, text: str) -> str:
    """Parse `text` as E.164. Without a country code the business's country applies.

    A stored number of a contact is accepted whatever the numbering plan says, because WhatsApp has delivered it.
    Raises InvalidInput("invalid_phone_number" | "mangled_number").
    """
    try:
        return phone.to_e164(text, business.default_country)
    except InvalidInput:
        stored = phone.compact(text[: phone.TEXT_LENGTH])
        if stored.startswith("+") and identities_of(business, stored).exists():
            return stored
        raise


def identities_of(business: BusinessProfile, e164: str) -> QuerySet[ContactIdentity]:
    """Return the identity with this number in any variant; at most one."""
    return ContactIdentity.objects.filter(
        business_profile=business, kind=ContactIdentity.Kind.PHONE, value=phone.canonical(e164)
    )

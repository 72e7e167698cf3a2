"""Phone numbers as a business's people and programs write them."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import BusinessProfile
from contacts.models import ContactIdentity
from core.errors import InvalidInput
from core.phone import phone


def read(business: BusinessProfile, text: str) -> str:
    """Read `text` as E.164; without a country code it is a number of the business's country.

    A number that one of the contacts has is understood as it is stored, whatever the numbering plan says: WhatsApp
    has delivered it. Raises InvalidInput("invalid_phone_number" | "mangled_number").
    """
    try:
        return phone.to_e164(text, business.default_country)
    except InvalidInput:
        stored = phone.compact(text[: phone.TEXT_LENGTH])
        if stored.startswith("+") and identities_of(business, stored).exists():
            return stored
        raise


def identities_of(business: BusinessProfile, e164: str) -> QuerySet[ContactIdentity]:
    """The identity of the contact who has this number in any of its variants; none or one."""
    return ContactIdentity.objects.filter(
        business_profile=business, kind=ContactIdentity.Kind.PHONE, value=phone.canonical(e164)
    )

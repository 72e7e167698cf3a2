"""Queries of quick replies."""

from __future__ import annotations

from uuid import UUID

from accounts.models import BusinessProfile
from contacts import placeholders
from contacts import selectors as contact_selectors
from core.errors import NotFound
from messaging.models import Conversation, QuickReply


def quick_replies_of(business: BusinessProfile) -> list[QuickReply]:
    """Return the quick replies of a business, ordered by shortcut."""
    return list(QuickReply.objects.filter(business_profile=business).order_by("shortcut"))


def get_quick_reply(business: BusinessProfile, reply_id: UUID) -> QuickReply:
    """Return a quick reply of the business. Raises NotFound."""
    rows = QuickReply.objects.select_related("business_profile")
    reply = rows.filter(business_profile=business, pk=reply_id).first()
    if reply is None:
        raise NotFound("This quick reply")
    return reply


def replies_for(business: BusinessProfile, conversation: Conversation) -> list[tuple[str, str]]:
    """Return (shortcut, text) of every quick reply, with placeholders filled in for the contact."""
    known = {*placeholders.BUILT_IN, *(field.key for field in contact_selectors.fields_of(business))}
    values = placeholders.values_of(conversation.contact, business.business_name)
    return [
        (reply.shortcut, placeholders.render(reply.text, values, known))
        for reply in quick_replies_of(business)
    ]

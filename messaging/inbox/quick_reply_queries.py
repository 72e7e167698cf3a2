"""Reading the texts that a team keeps ready."""

from __future__ import annotations

from uuid import UUID

from accounts.models import BusinessProfile
from contacts import placeholders
from contacts import selectors as contact_selectors
from core.errors import NotFound
from messaging.models import Conversation, QuickReply


def quick_replies_of(business: BusinessProfile) -> list[QuickReply]:
    """The business's quick replies by their short names."""
    return list(QuickReply.objects.filter(business_profile=business).order_by("shortcut"))


def get_quick_reply(business: BusinessProfile, reply_id: UUID) -> QuickReply:
    """Raises NotFound."""
    rows = QuickReply.objects.select_related("business_profile")
    found = rows.filter(business_profile=business, pk=reply_id).first()
    if found is None:
        raise NotFound("This quick reply")
    return found


def replies_for(business: BusinessProfile, conversation: Conversation) -> list[tuple[str, str]]:
    """(short name, text) of every quick reply, with the contact's words in place of the variables."""
    known = {*placeholders.BUILT_IN, *(field.key for field in contact_selectors.fields_of(business))}
    values = placeholders.values_of(conversation.contact, business.business_name)
    return [
        (reply.shortcut, placeholders.render(reply.text, values, known))
        for reply in quick_replies_of(business)
    ]

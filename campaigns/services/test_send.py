"""Test messages of a campaign."""

from __future__ import annotations

from accounts.models import BusinessProfile, User
from accounts.services import audit
from campaigns import audience, texts
from campaigns.models import Campaign
from campaigns.services.outbox_feeder import known_variables
from core.errors import InvalidInput, NotFound
from messaging.models import Message
from messaging.outbox import queue
from messaging.services import conversations


def send_test(business: BusinessProfile, campaign: Campaign, actor: User, phone: str) -> list[Message]:
    """Send every variant once to `phone`, with that contact's values; not counted in the campaign.

    Raises InvalidInput("no_number", "empty_message", "invalid_phone_number").
    """
    if campaign.business_profile_id != business.pk:
        raise NotFound("This campaign")
    numbers = audience.numbers_of(campaign)
    if not numbers:
        raise InvalidInput("no_number", "Choose the number that sends it.", field="connections")
    conversation = conversations.start(business, numbers[0], phone)
    values = texts.values_of(conversation.contact, business.business_name)
    known = known_variables(campaign)
    contents = [str(variant["content"]) for variant in campaign.variants] or [campaign.message_content]
    sent = [
        queue.enqueue(
            business, conversation, sender=actor, text=texts.render(text, values, known), media=campaign.media
        )
        for text in contents
    ]
    audit.record(business, actor, "campaign.tested", campaign)
    return sent

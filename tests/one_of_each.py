"""A business that has everything: one row of each kind that an address can name."""

from __future__ import annotations

import json
from typing import Any

from django.utils import timezone

from accounts.models import ApiKey, Invitation
from accounts.roles import Role
from campaigns.models import Campaign, MessageTemplate
from connections.models import SandboxMessage
from contacts.models import ContactNote, Segment
from core.ids import uuid7
from messaging.models import Draft, QuickReply
from tests import factories
from webhooks.models import PublicEvent, WebhookDelivery


def one_of_each(business: Any, user: Any, words: str) -> dict[str, Any]:
    """One row of each kind in `business`, by the name of the parameter that reaches it.

    words: what stands wherever a person's text would be; others for each call with a business. `user` has a draft
    in the conversation.
    """
    number = factories.ConnectionFactory(business_profile=business, name=words)
    phone = factories.SandboxPhoneFactory(connection=number)
    customer = factories.SandboxCustomerFactory(phone=phone, name=words)
    contact = factories.ContactFactory(business_profile=business, name=words)
    conversation = factories.ConversationFactory(
        business_profile=business, connection=number, contact=contact, preview=words, unread_count=3
    )
    media = factories.MediaFileFactory(business_profile=business, name=words)
    message = factories.MessageFactory(
        conversation=conversation, content=words, media=media, outbound=True, status="failed"
    )
    Draft.objects.create(conversation=conversation, user=user, text=words)
    agent = factories.UserFactory(full_name=words)
    webhook = factories.WebhookFactory(business_profile=business, description=words)
    event = PublicEvent.objects.create(
        business_profile=business,
        type="webhook.test",
        key=webhook.pk,
        sequence=1,
        payload=json.dumps(
            {
                "id": str(uuid7()),
                "type": "webhook.test",
                "timestamp": "2026-03-02T09:00:00Z",
                "sequence": 1,
                "data": {"words": words},
            }
        ),
    )
    delivery = WebhookDelivery.objects.create(
        business_profile=business, webhook=webhook, event=event, event_type="webhook.test"
    )

    tag = factories.TagFactory(business_profile=business, name=words)
    return {
        "webhook_id": webhook,
        "delivery_id": delivery,
        "connection_id": number,
        "customer_id": customer,
        "sandbox_message_id": SandboxMessage.objects.create(
            phone=phone, customer=customer, wa_id="FOREIGN", from_me=False, body=words, media_key="x"
        ),
        "conversation_id": conversation,
        "message_id": message,
        "media_id": media,
        "rule_id": factories.TagRuleFactory(business_profile=business, tag=tag),
        "membership_id": factories.MembershipFactory(user=agent, business_profile=business, role=Role.AGENT),
        "import_id": factories.ContactImportFactory(business_profile=business, file_name=words),
        "job_id": factories.JobFactory(business_profile=business, title=words, kind="canary"),
        "contact_id": contact,
        "tag_id": tag,
        "key_id": ApiKey.objects.create(
            business_profile=business, name=words, prefix=uuid7().hex[-10:], key_hash="x", scopes=[]
        ),
        "note_id": ContactNote.objects.create(business_profile=business, contact=contact, body=words),
        "field_id": factories.CustomFieldFactory(business_profile=business, label=words),
        "segment_id": Segment.objects.create(business_profile=business, name=words),
        "campaign_id": Campaign.objects.create(business_profile=business, name=words, message_content=words),
        "template_id": MessageTemplate.objects.create(business_profile=business, name=words, content=words),
        "reply_id": QuickReply.objects.create(
            business_profile=business, shortcut=uuid7().hex[-12:], text=words
        ),
        "invitation_id": Invitation.objects.create(
            business_profile=business, token_hash=uuid7().hex * 2, expires_at=timezone.now()
        ),
    }

"""Automatic effects of inbound messages: consent keywords, tag rules, muting."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import BusinessProfile
from contacts import keyword_matching
from contacts.events import ContactBlocked
from contacts.models import Contact, TagRule
from contacts.services import consent_keywords, rules
from contacts.services.consent_keywords import ReceivedText
from core.clock import now
from core.events import publish
from messaging.events import ConversationChanged, MessageReceived
from messaging.models import Conversation, Message

LOOKED_BACK = timedelta(days=30)
"""Period that the dry run of a message rule covers."""
MAX_MESSAGES = 20_000
"""Messages that the dry run of a keyword rule reads at most."""


def on_received(events: Sequence[MessageReceived]) -> None:
    """Apply keywords and rules, inside the transaction that stored the messages.

    A few statements per batch.
    """
    by_business: dict[UUID, list[MessageReceived]] = defaultdict(list)
    for event in events:
        by_business[event.business_id].append(event)
    for business_id, group in by_business.items():
        _apply_rules(business_id, [event.message_id for event in group])


def _apply_rules(business_id: UUID, message_ids: Sequence[UUID]) -> None:
    rows = list(
        Message.objects.filter(pk__in=message_ids)
        .order_by("created_at", "id")
        .values_list(
            "contact_id", "pk", "content", "contact__total_messages", "contact__blocked_at", "conversation_id"
        )
    )
    counts: dict[UUID, int] = defaultdict(int)
    for contact_id, *_ in rows:
        counts[contact_id] += 1
    said = [
        ReceivedText(contact_id, message_id, content, first=total <= counts[contact_id])
        for contact_id, message_id, content, total, _, _ in rows
    ]
    business = BusinessProfile(pk=business_id)
    consent_keywords.apply_keywords(business, said)
    rules.apply_rules(business, said)
    _mute({conversation for *_, blocked, conversation in rows if blocked})


def _mute(conversation_ids: set[UUID]) -> None:
    """Close conversations of blocked contacts and reset their unread count."""
    if conversation_ids:
        rows = Conversation.objects.filter(pk__in=conversation_ids)
        rows.update(unread_count=0, state=Conversation.State.CLOSED)


def on_blocked(events: Sequence[ContactBlocked]) -> None:
    """Mute the conversations of contacts, inside the transaction that blocked them."""
    keys = [event.contact_id for event in events if event.blocked]
    rows = Conversation.objects.filter(contact_id__in=keys).filter(
        Q(unread_count__gt=0) | ~Q(state=Conversation.State.CLOSED)
    )
    changed = list(rows.values_list("business_profile_id", "pk"))
    _mute({key for _, key in changed})
    publish(*(ConversationChanged(business_id=business, conversation_id=key) for business, key in changed))


# -- dry runs of rules -----------------------------------------------------------------------------


def wrote_keyword(rule: TagRule) -> QuerySet[Contact]:
    """Return contacts who wrote one of the rule's keywords in the last 30 days."""
    since = now() - LOOKED_BACK
    rows = Message.objects.filter(
        business_profile_id=rule.business_profile_id,
        direction=Message.Direction.INBOUND,
        created_at__gte=since,
    )
    texts = rows.order_by("-created_at").values_list("contact_id", "content")[:MAX_MESSAGES]
    contact_ids = {
        key
        for key, content in texts.iterator(chunk_size=2000)
        if keyword_matching.contains(keyword_matching.plain(content), rule.keywords)
    }
    return Contact.objects.filter(business_profile_id=rule.business_profile_id, pk__in=contact_ids)


def first_contact(rule: TagRule) -> QuerySet[Contact]:
    """Return contacts whose first message is younger than LOOKED_BACK (30 days)."""
    return Contact.objects.filter(
        business_profile_id=rule.business_profile_id, first_message_at__gte=now() - LOOKED_BACK
    )


def no_answer(rule: TagRule) -> QuerySet[Contact]:
    """Return contacts who have not replied within the rule's days."""
    rows = Conversation.objects.filter(contact_id=OuterRef("pk"))
    ours_last = rows.filter(
        preview_direction=Message.Direction.OUTBOUND, last_message_at__lt=now() - timedelta(days=rule.days)
    )
    later = rows.filter(last_message_at__gte=now() - timedelta(days=rule.days))
    theirs_last = rows.filter(preview_direction=Message.Direction.INBOUND)
    return Contact.objects.filter(
        Exists(ours_last), ~Exists(later), ~Exists(theirs_last), business_profile_id=rule.business_profile_id
    )

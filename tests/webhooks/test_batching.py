"""However WhatsApp's news are cut into batches, other systems hear the same."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connections import leases
from connections.drivers.base import Ack, AckLevel, Chat, Edited, InboundMessage, MessageKind, Revoked
from connections.models import WhatsAppConnection
from messaging.inbound import receiver
from tests import factories
from webhooks.models import PublicEvent

pytestmark = pytest.mark.services

BEGIN = datetime(2026, 3, 3, 12, tzinfo=UTC)
RECEIVED, TYPED, QUEUED = ("IN1", "IN2", "IN3"), ("TYPED1", "TYPED2"), ("OUT1", "OUT2")
LEVELS = [
    AckLevel.FAILED,
    AckLevel.PENDING,
    AckLevel.SENT,
    AckLevel.DELIVERED,
    AckLevel.READ,
    AckLevel.PLAYED,
]

news = st.one_of(
    st.tuples(st.just("message"), st.sampled_from(RECEIVED + TYPED), st.booleans()),
    st.tuples(st.just("receipt"), st.sampled_from(TYPED + QUEUED), st.sampled_from(LEVELS)),
    st.tuples(st.just("edited"), st.sampled_from(RECEIVED), st.just(None)),
    st.tuples(st.just("revoked"), st.sampled_from(RECEIVED), st.just(None)),
)


def told_by_whatsapp(script: Sequence[tuple[str, str, Any]]) -> list[Any]:
    """The driver's events, a minute apart. What changes a message that has not come yet is left out."""
    events: list[Any] = []
    come: set[str] = set()
    for minute, (kind, wa_id, more) in enumerate(script):
        at = BEGIN + timedelta(minutes=minute)
        if kind == "message":
            come.add(wa_id) if more else None
            events.append(message(wa_id, at, f"Text of {wa_id}" if more else None))
        elif kind == "receipt":
            events.append(Ack(wa_id, more, at))
        elif wa_id in come and kind == "edited":
            events.append(Edited(wa_id, chat(wa_id), f"Edit {minute}", at))
        elif wa_id in come:
            events.append(Revoked(wa_id, chat(wa_id), at))
    return events


def chat(wa_id: str) -> Chat:
    return Chat(phone=f"+99940000{int(wa_id[-1]):04d}")


def message(wa_id: str, at: datetime, body: str | None) -> InboundMessage:
    return InboundMessage(
        wa_id=wa_id,
        chat=chat(wa_id),
        kind=MessageKind.TEXT,
        at=at,
        body=body,
        from_me=wa_id in TYPED,
    )


def heard(events: Sequence[Any], cuts: set[int]) -> Counter[tuple[Any, ...]]:
    """What an endpoint hears of events that come in batches; a new one begins at each of `cuts`."""
    business = factories.BusinessFactory()
    factories.WebhookFactory(business_profile=business)
    number = factories.ConnectionFactory(business_profile=business)
    talk = factories.ConversationFactory(business_profile=business, connection=number)
    for wa_id in QUEUED:
        factories.MessageFactory(
            conversation=talk, outbound=True, status="sending", whatsapp_message_id=wa_id, sent_at=None
        )
    play(number, events, cuts)
    rows = PublicEvent.objects.filter(business_profile=business).values_list("type", "payload")
    return Counter(essence(kind, json.loads(payload)["data"]) for kind, payload in rows)


def play(number: WhatsAppConnection, events: Sequence[Any], cuts: set[int]) -> None:
    lease = leases.acquire(number.pk, "test")
    assert lease is not None
    begin = 0
    for end in [*sorted(cuts), len(events)]:
        receiver.receive(lease, events[begin:end])
        begin = end


def essence(kind: str, data: dict[str, Any]) -> tuple[Any, ...]:
    """What of an event must not depend on batches. A text only where the text is the news."""
    wa_id = data.get("whatsappMessageId")
    text = data["content"] if kind in ("message.received", "message.updated") else ""
    times = (data["sentAt"], data["deliveredAt"], data["readAt"]) if wa_id in QUEUED else ()
    return kind, wa_id, data.get("status"), text, *times


@pytest.mark.django_db
@settings(
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(script=st.lists(news, min_size=1, max_size=14), data=st.data())
def test_batches_change_nothing_of_what_arrives(
    script: list[tuple[str, str, Any]], data: st.DataObject
) -> None:
    events = told_by_whatsapp(script)
    cuts = data.draw(st.sets(st.integers(0, len(events))))
    assert heard(events, cuts) == heard(events, set(range(len(events))))


@pytest.mark.django_db
def test_who_has_read_has_been_delivered_to() -> None:
    """WhatsApp may tell the last step alone."""
    told = heard([Ack("OUT1", AckLevel.READ, BEGIN)], set())
    assert [(kind, status, times[1:]) for kind, _, status, _, *times in told] == [
        ("message.sent", "sent", [None, None]),
        ("message.delivered", "delivered", ["2026-03-03T12:00:00Z", None]),
        ("message.read", "read", ["2026-03-03T12:00:00Z", "2026-03-03T12:00:00Z"]),
    ]

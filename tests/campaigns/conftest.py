"""A business with a number that has no pacing, thirty contacts, and hands that play the runner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.models import BusinessProfile, User
from campaigns import subscriptions
from campaigns.models import Campaign
from campaigns.services import drafts, lifecycle, outbox_feeder
from connections import leases
from connections.drivers.base import AckLevel
from connections.leases import Lease
from connections.models import WhatsAppConnection
from contacts.models import Contact
from core.clock import now
from messaging.models import Message
from messaging.outbox import dispatch, pacing_settings
from messaging.outbox.types import Delivered, Outcome
from tests import factories
from tests.messaging.helpers import begin_one


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """Tasks are not run by themselves; what was rung for is in this list."""
    rung: list[tuple[str, str]] = []
    monkeypatch.setattr(subscriptions, "_send_task", lambda task, key: rung.append((task, str(key))))
    return rung


@pytest.fixture
def number(connection: WhatsAppConnection, business: BusinessProfile) -> WhatsAppConnection:
    """The business's number, without pacing and without the limit of one campaign a day."""
    pacing_settings.change(business, connection, None, {"enabled": False, "marketing_hours": 0})
    return connection


@pytest.fixture
def crowd(business: BusinessProfile) -> list[Contact]:
    """Thirty contacts."""
    return [
        factories.ContactFactory(
            business_profile=business, name=f"Person {n:02d}", phone_number=f"+999300000{n:04d}"
        )
        for n in range(1, 31)
    ]


@pytest.fixture
def draft(business: BusinessProfile, owner: User, number: WhatsAppConnection) -> Callable[..., Campaign]:
    """`draft(**values)`: a campaign to everybody that says hello."""

    def make(**values: Any) -> Campaign:
        given = {"name": "Spring", "message_content": "Hello {{name|there}}", "connections": [number]}
        return drafts.create(business, owner, given | values)

    return make


@pytest.fixture
def lease(number: WhatsAppConnection) -> Lease:
    return lease_of(number)


def lease_of(number: WhatsAppConnection) -> Lease:
    lease = leases.acquire(number.pk, "runner")
    assert lease is not None
    return lease


def launched(campaign: Campaign, feed: bool = True) -> Campaign:
    """Started, with its first messages in the outbox."""
    lifecycle.launch(campaign.business_profile, campaign, None)
    if feed:
        outbox_feeder.feed(campaign.pk)
    campaign.refresh_from_db()
    return campaign


def send(lease: Lease, limit: int = 10, outcome: Callable[[Message], Outcome] | None = None) -> list[Message]:
    """Claim up to `limit` messages and let each of them have its outcome (sent, if none is given)."""
    gone: list[Message] = []
    for claimed in dispatch.claim(lease, limit):
        if begin_one(lease, claimed, f"OUT{claimed.message_id.hex.upper()}") is None:
            continue
        message = Message.objects.get(pk=claimed.message_id)
        result = outcome(message) if outcome else Delivered(now(), AckLevel.SENT)
        dispatch.settle(lease, [(claimed.message_id, result)])
        gone.append(message)
    return gone


def send_all(campaign: Campaign, lease: Lease) -> list[Message]:
    """Feed and send until nothing is left."""
    gone: list[Message] = []
    for _ in range(200):
        outbox_feeder.feed(campaign.pk)
        some = send(lease, 100)
        gone += some
        if not some:
            break
    campaign.refresh_from_db()
    return gone

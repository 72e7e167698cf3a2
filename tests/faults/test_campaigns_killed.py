"""A campaign while its workers are killed: every recipient has one final state, nobody got two, counters equal rows."""

from __future__ import annotations

from collections import Counter

import pytest
from django.db import connection as database

from campaigns.models import Campaign, CampaignRecipient
from campaigns.services import drafts, feeding, ledger, lifecycle
from connections.models import SandboxMessage, WhatsAppConnection
from messaging.models import Message
from messaging.services import pace
from tests import factories
from tests.connections.driver_contract import until
from tests.faults.conftest import Workers

pytestmark = pytest.mark.slow

PEOPLE = 40


@pytest.fixture
def campaign(linked: WhatsAppConnection, business, monkeypatch) -> Campaign:
    """Sent to everybody, by a number without pacing."""
    monkeypatch.setattr("campaigns.handlers._ring", lambda task, key: None)
    pace.change(business, linked, None, {"enabled": False, "marketing_hours": 0})
    for n in range(PEOPLE):
        number = f"+99920000{n:05d}1"
        factories.SandboxCustomerFactory(phone=linked.sandbox_phone, number=number)
        factories.ContactFactory(business_profile=business, phone_number=number)
    made = drafts.create(business, None, {"name": "Spring", "message_content": "Hi", "connections": [linked]})
    return lifecycle.launch(business, made, None)


@pytest.fixture
def fed(campaign: Campaign) -> Campaign:
    """All of it is in the outbox."""
    assert feeding.feed(campaign.pk) == PEOPLE
    return campaign


def reached(count: int) -> None:
    until(lambda: SandboxMessage.objects.filter(from_me=True).count() >= count, f"{count} sends")


def is_over(campaign: Campaign) -> bool:
    """The ledger follows its messages by itself: whoever settles the last one completes the campaign."""
    campaign.refresh_from_db()
    return campaign.status == Campaign.Status.COMPLETED


def counts_agree(campaign: Campaign) -> bool:
    """Whether the campaign's counters equal its rows."""
    campaign.refresh_from_db()
    return ledger.counters_of(campaign) == ledger.recount(campaign)


def nothing_is_lost_or_doubled(campaign: Campaign) -> None:
    until(lambda: is_over(campaign), "the end of the campaign")
    copies = Counter(SandboxMessage.objects.filter(from_me=True).values_list("customer_id", flat=True))
    assert set(copies.values()) <= {1}
    assert set(SandboxMessage.objects.filter(from_me=True).values_list("attempts", flat=True)) <= {1}
    assert not CampaignRecipient.objects.filter(campaign=campaign, status__in=ledger.OPEN).exists()
    until(lambda: counts_agree(campaign), "counters that equal the rows")  # acks of the last ones still come
    assert campaign.sent_count + campaign.unknown_count == PEOPLE
    assert Message.objects.filter(origin="campaign").count() == PEOPLE


def test_killing_the_sessions_worker_during_a_campaign(worker: Workers, fed: Campaign) -> None:
    for enough in (8, 24):
        victim = worker()
        reached(enough)
        victim.kill()
    worker()
    nothing_is_lost_or_doubled(fed)


def test_killing_every_connection_of_the_database_during_a_campaign(
    worker: Workers, fed: Campaign, require_postgres: None
) -> None:
    worker()
    for enough in (8, 24):
        reached(enough)
        with database.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    nothing_is_lost_or_doubled(fed)


def test_a_feeder_that_dies_before_its_commit_is_made_up_for(
    worker: Workers, campaign: Campaign, monkeypatch
) -> None:
    real = feeding._enqueue

    def die(*arguments: object) -> None:
        real(*arguments)  # type: ignore[arg-type]
        raise RuntimeError("killed")

    monkeypatch.setattr(feeding, "_enqueue", die)
    with pytest.raises(RuntimeError):
        feeding.feed(campaign.pk)
    assert not Message.objects.filter(origin="campaign").exists()
    monkeypatch.setattr(feeding, "_enqueue", real)
    assert feeding.feed(campaign.pk) == PEOPLE
    worker()
    nothing_is_lost_or_doubled(campaign)

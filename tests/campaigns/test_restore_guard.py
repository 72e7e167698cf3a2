"""A restored backup does not know whom its campaigns have reached since: they wait for a person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from campaigns.models import Campaign
from campaigns.services import lifecycle
from connections.leases import Lease
from connections.services import holds
from contacts.models import Contact
from core.clock import now
from tests.campaigns.conftest import launched, send

pytestmark = pytest.mark.services

Draft = Callable[..., Campaign]


def test_a_running_campaign_is_paused_and_goes_on_when_resumed(
    draft: Draft, crowd: list[Contact], lease: Lease, number, django_capture_on_commit_callbacks
) -> None:
    campaign = launched(draft())
    with django_capture_on_commit_callbacks(execute=True):
        assert holds.hold_all(now()) == [number.pk]
    campaign.refresh_from_db()
    assert (campaign.status, campaign.status_reason) == ("paused", "old_data")
    number.refresh_from_db()
    with django_capture_on_commit_callbacks(execute=True):
        holds.release(number, None, send=True)
    assert send(lease) == []
    with django_capture_on_commit_callbacks(execute=True):
        lifecycle.resume(campaign.business_profile, campaign, None)
    assert len(send(lease)) == 10


def test_one_that_is_overdue_becomes_a_draft_and_one_that_is_to_come_stays(
    draft: Draft, crowd: list[Contact]
) -> None:
    due, coming = draft(), draft(name="Later")
    for campaign, hours in ((due, -1), (coming, 1)):
        Campaign.objects.filter(pk=campaign.pk).update(
            status="scheduled", scheduled_at=now() + timedelta(hours=hours)
        )
    holds.hold_all(now())
    due.refresh_from_db()
    coming.refresh_from_db()
    assert (due.status, due.status_reason, due.scheduled_at) == ("draft", "old_data", None)
    assert coming.status == "scheduled"


def test_a_repeated_one_lets_its_slot_go_by(draft: Draft, crowd: list[Contact]) -> None:
    pattern = draft(timing="repeat", cron="0 9 * * *", time_zone="UTC")
    Campaign.objects.filter(pk=pattern.pk).update(
        status="scheduled", scheduled_at=now() - timedelta(minutes=5)
    )
    holds.hold_all(now())
    pattern.refresh_from_db()
    assert pattern.status == "scheduled"
    assert pattern.scheduled_at is not None
    assert pattern.scheduled_at > now()
    assert Campaign.objects.count() == 1

"""Public events of campaigns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from campaigns import selectors
from campaigns.events import CampaignStatusChanged
from campaigns.models import Campaign
from core import events, public_events
from core.public_events import EventType, PublicEvent

_STEPS = {
    "started": "A campaign's audience was frozen and its first messages are about to leave.",
    "paused": "A campaign was paused, by a person or by a health rule; statusReason says why.",
    "resumed": "A paused campaign goes on.",
    "completed": "Every recipient of a campaign has a final state.",
    "cancelled": "A campaign was ended for good; what waited was taken back.",
    "failed": "A scheduled campaign was not sent; statusReason says why.",
}


def register() -> None:
    """Declare the events and subscribe; called once, in ready()."""
    public_events.declare(*(EventType(f"campaign.{step}", when, _example) for step, when in _STEPS.items()))
    events.inside(CampaignStatusChanged, record)


def record(batch: Sequence[CampaignStatusChanged]) -> None:
    """Record public events with the campaigns' current state."""
    for event in batch:
        if event.step not in _STEPS:
            continue
        name = f"campaign.{event.step}"
        audience = public_events.audience(event.business_id)
        if audience.wants(name):
            row = Campaign.objects.get(pk=event.campaign_id)
            audience.record([PublicEvent(name, campaign_data(row), row.pk)])


def campaign_data(campaign: Campaign) -> dict[str, Any]:
    """Serialize the campaign as the API shows it."""
    if not campaign._state.adding:
        selectors.attach_connections([campaign])
    from campaigns.api.serializers import CampaignSerializer
    from core.api.framework import to_json

    shown: dict[str, Any] = json.loads(to_json(CampaignSerializer.represent(campaign)))
    return shown


def _example() -> dict[str, Any]:
    moment = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    return campaign_data(
        Campaign(
            id=UUID(int=7),
            name="Spring sale",
            message_content="Hello {{name|there}}, 20 % off until Sunday.",
            status=Campaign.Status.SENDING,
            time_zone="Europe/Lisbon",
            total_recipients=1200,
            open_count=1200,
            started_at=moment,
            created_at=moment,
            updated_at=moment,
        )
    )

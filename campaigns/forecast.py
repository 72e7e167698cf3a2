"""Forecast of when a number sends its last message at its pacing, before and during a campaign."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from campaigns.models import Campaign, CampaignRecipient
from campaigns.services.assignment import local_window
from connections.models import WhatsAppConnection
from messaging.outbox import pacing, pacing_settings
from messaging.outbox.pacing import Forecast, Pacing, Past, Span, Zones
from messaging.outbox.time_zones import zones_of

SAMPLE = 500
"""Recipients whose phone numbers are sampled for the shares of time zones."""


def of_number(
    campaign: Campaign,
    number: WhatsAppConnection,
    zones: Counter[Zones],
    count: int,
    cold: int,
    begins: datetime,
    moment: datetime,
) -> Forecast:
    """Forecast how long `count` recipients take.

    zones: sample of their time zones. cold: how many of them have never written to the business.
    """
    settings = pacing_settings.settings_of(number)
    past = pacing_settings.past_of(number, settings, moment) if settings.enabled else Past()
    return pacing.forecast(
        settings,
        past,
        moment,
        spread(zones, count),
        cold=cold,
        begin=begins,
        spans=_spans(campaign, settings, zones),
    )


def _spans(campaign: Campaign, settings: Pacing, zones: Collection[Zones]) -> dict[Zones, Span]:
    windows = {zone: local_window(campaign, settings, zone) for zone in zones}
    return {zone: (begin, last) for zone, (begin, last) in windows.items() if begin and last}


def zones_among(campaign: Campaign, phones: Iterable[str | None]) -> Counter[Zones]:
    """Count the time zones of phone numbers."""
    return Counter(zones_of(phone, campaign.business_profile.time_zone) for phone in phones)


def spread(zones: Counter[Zones], count: int) -> dict[Zones, int]:
    """Distribute `count` recipients in the proportions of a sample of time zones."""
    sampled = sum(zones.values())
    if not sampled:
        return {}
    shares = {zone: count * part // sampled for zone, part in zones.items()}
    largest = max(shares, key=lambda zone: shares[zone])
    shares[largest] += count - sum(shares.values())
    return shares


def of_running(
    campaign: Campaign, number: WhatsAppConnection, count: int, per_minute: float, moment: datetime
) -> datetime | None:
    """Forecast when this number has sent to its `count` pending recipients; None if it is unknown."""
    if not pacing_settings.settings_of(number).enabled:
        return moment + timedelta(minutes=count / per_minute) if per_minute else None
    pending = CampaignRecipient.objects.filter(
        campaign=campaign, connection=number, status=CampaignRecipient.Status.PENDING
    )
    sample = list(pending.order_by().values_list("contact__phone_number", "cold")[:SAMPLE])
    zones = zones_among(campaign, (phone for phone, _ in sample)) or zones_among(campaign, [None])
    cold = count * sum(cold for _, cold in sample) // len(sample) if sample else 0
    return of_number(campaign, number, zones, count, cold, moment, moment).finish

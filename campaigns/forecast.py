"""When the last message of a number leaves at its pacing: before a campaign starts, and while it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from campaigns.models import Campaign, CampaignRecipient
from campaigns.services.assignment import span
from connections.models import WhatsAppConnection
from messaging.outbox import pacing, pacing_settings
from messaging.outbox.pacing import Forecast, Pacing, Past, Span, Zones
from messaging.outbox.time_zones import zones_of

SAMPLE = 500
"""People whose numbers tell the share of each time zone."""


def of_number(
    campaign: Campaign,
    number: WhatsAppConnection,
    zones: Counter[Zones],
    count: int,
    cold: int,
    begins: datetime,
    moment: datetime,
) -> Forecast:
    """How long `count` people take, who live in the sample `zones` and of whom `cold` never wrote."""
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
    found = {one: span(campaign, settings, one) for one in zones}
    return {one: (begin, last) for one, (begin, last) in found.items() if begin and last}


def zones_among(campaign: Campaign, phones: Iterable[str | None]) -> Counter[Zones]:
    """In which zones the owners of these numbers live."""
    return Counter(zones_of(phone, campaign.business_profile.time_zone) for phone in phones)


def spread(zones: Counter[Zones], count: int) -> dict[Zones, int]:
    """`count` people in the sample's proportions."""
    seen = sum(zones.values())
    if not seen:
        return {}
    shares = {zone: count * part // seen for zone, part in zones.items()}
    most = max(shares, key=lambda zone: shares[zone])
    shares[most] += count - sum(shares.values())
    return shares


def of_running(
    campaign: Campaign, number: WhatsAppConnection, count: int, per_minute: float, moment: datetime
) -> datetime | None:
    """When the last of `count` waiting people gets it from this number; None when nobody can say."""
    if not pacing_settings.settings_of(number).enabled:
        return moment + timedelta(minutes=count / per_minute) if per_minute else None
    lines = CampaignRecipient.objects.filter(
        campaign=campaign, connection=number, status=CampaignRecipient.Status.PENDING
    )
    some = list(lines.order_by().values_list("contact__phone_number", "cold")[:SAMPLE])
    zones = zones_among(campaign, (phone for phone, _ in some)) or zones_among(campaign, [None])
    cold = count * sum(cold for _, cold in some) // len(some) if some else 0
    return of_number(campaign, number, zones, count, cold, moment, moment).finish

"""Counters of campaigns compared with their recipients' rows."""

from __future__ import annotations

from campaigns.models import Campaign, CampaignRecipient, Tallied
from campaigns.services.recipient_states import COUNTERS, counter_values


def counters_of(row: Tallied) -> dict[str, int]:
    """The counters that a campaign, or a tally, carries."""
    return {name: getattr(row, name) for name in COUNTERS}


def recount(campaign: Campaign) -> dict[str, int]:
    """The counters as the rows say."""
    totals = dict.fromkeys(COUNTERS, 0)
    for row in CampaignRecipient.objects.filter(campaign=campaign).iterator(chunk_size=5000):
        for name, value in zip(COUNTERS, counter_values(row), strict=True):
            totals[name] += value
    return totals

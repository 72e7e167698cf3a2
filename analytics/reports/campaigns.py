"""The campaigns page: results side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import BusinessProfile
from analytics.aggregates import utc_bounds
from analytics.reports.periods import Period
from analytics.reports.summary import share
from campaigns.models import Campaign
from core.errors import NotFound

SHOWN = 100
"""Campaigns of a period that are compared, the latest ones."""


@dataclass(frozen=True)
class CampaignFigures:
    """The results of one campaign.

    Its counters equal the rows of its recipients (campaigns.services).
    """

    id: UUID
    name: str
    status: str
    status_label: str
    started_at: datetime | None
    completed_at: datetime | None
    recipients: int
    sent: int
    delivered: int
    read: int
    replied: int
    failed: int
    opted_out: int

    @property
    def delivery_rate(self) -> float | None:
        return share(self.delivered, self.sent)

    @property
    def read_rate(self) -> float | None:
        return share(self.read, self.sent)

    @property
    def reply_rate(self) -> float | None:
        return share(self.replied, self.sent)

    @property
    def opt_out_rate(self) -> float | None:
        return share(self.opted_out, self.sent)

    @classmethod
    def from_campaign(cls, campaign: Campaign) -> CampaignFigures:
        return cls(
            id=campaign.pk,
            name=campaign.name,
            status=campaign.status,
            status_label=campaign.get_status_display(),
            started_at=campaign.started_at,
            completed_at=campaign.completed_at,
            recipients=campaign.total_recipients,
            sent=campaign.sent_count,
            delivered=campaign.delivered_count,
            read=campaign.read_count,
            replied=campaign.replied_count,
            failed=campaign.failed_count,
            opted_out=campaign.opted_out_count,
        )


def campaigns(business: BusinessProfile, period: Period) -> Sequence[CampaignFigures]:
    """Return the campaigns that started in `period`, the latest first."""
    begins, ends = utc_bounds(period.zone, period.first, period.last)
    rows = Campaign.objects.filter(business_profile=business, started_at__gte=begins, started_at__lt=ends)
    return [CampaignFigures.from_campaign(one) for one in rows.order_by("-started_at", "-id")[:SHOWN]]


def campaign(business: BusinessProfile, campaign_id: UUID) -> CampaignFigures:
    """Return one campaign. Raises NotFound."""
    row = Campaign.objects.filter(business_profile=business, pk=campaign_id).first()
    if row is None:
        raise NotFound("This campaign")
    return CampaignFigures.from_campaign(row)

"""Campaigns on a contact's timeline."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.urls import reverse

from campaigns.models import CampaignRecipient
from contacts.ports import Entry


def campaigns(business_id: UUID, contact_id: UUID, before: datetime, limit: int) -> list[Entry]:
    """List the campaigns that were sent to the contact, with their outcome."""
    rows = CampaignRecipient.objects.filter(
        contact_id=contact_id, campaign__business_profile_id=business_id, sent_at__lt=before
    ).select_related("campaign")
    return [
        Entry(
            row.sent_at,
            "speakerphone",
            f"Got the campaign {row.campaign.name}",
            _outcome(row),
            reverse("campaigns:detail", args=[row.campaign_id]),
        )
        for row in rows.order_by("-sent_at")[:limit]
        if row.sent_at
    ]


def _outcome(row: CampaignRecipient) -> str:
    words = [row.get_status_display()]
    if row.replied_at:
        words.append("answered")
    if row.opted_out_at:
        words.append("opted out")
    return ", ".join(words)

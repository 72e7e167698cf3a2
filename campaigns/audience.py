"""Audience of a campaign: targeted contacts, exclusion reasons and counts. Reads only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from accounts.models import BusinessProfile
from campaigns.models import Campaign, CampaignRecipient
from connections.models import WhatsAppConnection
from contacts.filters.contact_filter import ContactFilter
from contacts.models import Contact, ContactIdentity, Segment
from messaging.models import Message
from messaging.outbox import pacing_settings

Reason = CampaignRecipient.Reason
Target = Campaign.Target
RETRY_UNKNOWN_AFTER = timedelta(days=90)
"""How long contacts whose number was not on WhatsApp are excluded."""


def targeted_contacts(campaign: Campaign) -> QuerySet[Contact]:
    """Select the contacts that the campaign targets, including excluded ones. Raises InvalidInput."""
    business = campaign.business_profile
    match campaign.target_type:
        case Target.TAGS:
            tags = {"tags_any": campaign.target_tags, "tags_all": campaign.target_tags_all}
            if not any(tags.values()):
                return Contact.objects.none()
            return ContactFilter.load(business, tags).apply(business)
        case Target.SEGMENT:
            return _segment_contacts(business, campaign.segment_id)
        case Target.CUSTOM:
            rows = _all_contacts(business)
            if campaign.listed is not None:
                return rows.filter(pk__in=list(campaign.listed))
            return rows.filter(pk__in=campaign.people.values("contact_id"))
        case Target.NO_REPLY:
            silent = CampaignRecipient.objects.filter(
                campaign__in=[campaign.earlier_id] if campaign.earlier_id else [],
                sent_at__isnull=False,
                replied_at=None,
            )
            return _all_contacts(business).filter(pk__in=silent.values("contact_id"))
        case _:
            return _all_contacts(business)


def _all_contacts(business: BusinessProfile) -> QuerySet[Contact]:
    return ContactFilter().apply(business)


def _segment_contacts(business: BusinessProfile, segment_id: UUID | None) -> QuerySet[Contact]:
    segment = Segment.objects.filter(business_profile=business, pk=segment_id).first() if segment_id else None
    return ContactFilter.load(business, segment.filter).apply(business) if segment else Contact.objects.none()


def with_reason(campaign: Campaign, moment: datetime) -> QuerySet[Any]:
    """Annotate `targeted_contacts` with `reason`: why a contact is excluded, "" for included ones."""
    return targeted_contacts(campaign).annotate(reason=_reason(campaign, moment))


def _reason(campaign: Campaign, moment: datetime) -> Case:
    exclusions = campaign.exclusions
    cases = [
        When(opted_out_at__isnull=False, then=Value(Reason.OPTED_OUT)),
        When(blocked_at__isnull=False, then=Value(Reason.BLOCKED)),
        When(_not_on_whatsapp(campaign, moment), then=Value(Reason.NO_WHATSAPP)),
    ]
    if exclusions.get("tags") or exclusions.get("campaigns"):
        cases.append(When(_excluded(campaign), then=Value(Reason.EXCLUDED)))
    if exclusions.get("never_wrote"):
        cases.append(When(_never_wrote(), then=Value(Reason.NEVER_WROTE)))
    if (hours := marketing_hours(campaign)) and _any_recently_messaged(campaign, moment, hours):
        recent = _recently_messaged(campaign, moment - timedelta(hours=hours))
        cases.append(When(pk__in=recent, then=Value(Reason.MARKETING_CAP)))
    return Case(*cases, default=Value(""), output_field=CharField())


def _never_wrote() -> Q:
    inbound = Message.objects.filter(contact_id=OuterRef("pk"), direction=Message.Direction.INBOUND)
    return Q(~Exists(inbound))


def _not_on_whatsapp(campaign: Campaign, moment: datetime) -> Q:
    """Match contacts without number and LID, or whose number was not on WhatsApp when last tried."""
    lid = ContactIdentity.objects.filter(contact_id=OuterRef("pk"), kind=ContactIdentity.Kind.LID)
    unreachable = Q(phone_number=None) & ~Exists(lid)
    refused = CampaignRecipient.objects.filter(
        campaign__business_profile_id=campaign.business_profile_id,
        status=CampaignRecipient.Status.FAILED,
        reason="not_on_whatsapp",
        settled_at__gte=moment - RETRY_UNKNOWN_AFTER,
    )
    return Q(unreachable | Q(pk__in=refused.values("contact_id")) if refused.exists() else unreachable)


def _excluded(campaign: Campaign) -> Q:
    exclusions, out = campaign.exclusions, Q()
    if tags := exclusions.get("tags"):
        tagged = ContactFilter.load(campaign.business_profile, {"tags_any": tags})
        out |= Q(pk__in=tagged.apply(campaign.business_profile).values("pk"))
    if others := exclusions.get("campaigns"):
        had = CampaignRecipient.objects.filter(
            campaign__business_profile_id=campaign.business_profile_id,
            campaign_id__in=others,
            sent_at__isnull=False,
        )
        out |= Q(pk__in=had.values("contact_id"))
    return out


def marketing_hours(campaign: Campaign) -> int:
    """Return the strictest limit of its numbers: hours between two campaign messages to a contact; 0: none."""
    return max(
        (pacing_settings.settings_of(number).marketing_hours for number in numbers_of(campaign)), default=0
    )


def _recently_messaged(campaign: Campaign, since: datetime) -> QuerySet[CampaignRecipient, Any]:
    rows = CampaignRecipient.objects.filter(
        Q(sent_at__gte=since) | Q(status=CampaignRecipient.Status.QUEUED),
        campaign__business_profile_id=campaign.business_profile_id,
        contact_id__isnull=False,
    )
    return rows.exclude(campaign_id=campaign.pk).values("contact_id")


def _any_recently_messaged(campaign: Campaign, moment: datetime, hours: int) -> bool:
    return _recently_messaged(campaign, moment - timedelta(hours=hours)).exists()


def numbers_of(campaign: Campaign) -> list[WhatsAppConnection]:
    """List the numbers that send the campaign, oldest first, without their secrets."""
    if campaign.chosen is not None:
        return list(campaign.chosen)
    rows = campaign.connections.defer("session_data", "qr_code", "pairing_code")
    return list(rows.order_by("created_at", "id"))


def count_by_reason(campaign: Campaign, moment: datetime) -> dict[str, int]:
    """Count included (key "") and excluded contacts by reason; one query."""
    rows = with_reason(campaign, moment).order_by().values_list("reason").annotate(Count("pk"))
    return dict(rows)


def count_never_wrote(campaign: Campaign, moment: datetime) -> int:
    """Count included contacts who have never written to the business; one query."""
    return with_reason(campaign, moment).filter(_never_wrote(), reason="").order_by().count()


def examples(campaign: Campaign, moment: datetime, reason: str, limit: int) -> list[Contact]:
    """List some contacts that are included (reason "") or excluded for this reason, by name."""
    rows = with_reason(campaign, moment).filter(reason=reason)
    return list(rows.order_by(Coalesce("name", Value("")), "pk")[:limit])

"""Queries of campaigns, recipients and progress. The business is the first argument."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from accounts.models import BusinessProfile
from campaigns import audience, forecast
from campaigns.models import Campaign, CampaignRecipient, CampaignTally, MessageTemplate
from campaigns.services.recipient_states import COUNTERS
from connections.models import WhatsAppConnection
from contacts import selectors as contact_selectors
from contacts.models import Contact
from core.clock import now
from core.errors import InvalidInput, NotFound
from core.ids import parse_id
from core.text import printable
from messaging.inbox import keyset
from messaging.inbox.keyset import Cursor
from messaging.models import Message
from messaging.outbox import campaign_gate, pacing_settings
from messaging.outbox.pacing import WORDS

PAGE_SIZE = 25
RECIPIENTS_PAGE_SIZE = 50
RATE_SAMPLE = 500
"""Messages over which the rate is measured."""
LIMITED_WORDS = "WhatsApp lets this number write to nobody new for now; those who never wrote have to wait."
MIN_SHOWN_WAIT = timedelta(minutes=2)
"""Shorter waits, such as the usual pause between two messages, are not shown."""
MISSED = ("failed", "cancelled", "expired")
"""Final statuses of recipients who surely did not receive it, through no decision of theirs."""
Status = CampaignRecipient.Status


@dataclass(frozen=True)
class CampaignsPage:
    """Page of campaigns, newest first. next_cursor: `before` of the next page, None on the last one."""

    campaigns: list[Campaign]
    next_cursor: str | None = None


def all_campaigns(business: BusinessProfile, status: str = "") -> QuerySet[Campaign]:
    """List the business's campaigns, newest first. Raises InvalidInput for an unknown status."""
    rows = Campaign.objects.filter(business_profile=business)
    if status:
        if status not in Campaign.Status.values:
            raise InvalidInput(
                "unknown_status", f"There is no status called {status[:20]!r}.", field="status"
            )
        rows = rows.filter(status=status)
    return keyset.newest_first(rows, "created_at")


def campaigns_page(business: BusinessProfile, status: str = "", before: str | None = None) -> CampaignsPage:
    """Get one page of campaigns; one query."""
    rows = all_campaigns(business, status)
    if before:
        rows = rows.filter(keyset.before("created_at", Cursor.parse(before)))
    campaigns = list(rows[: PAGE_SIZE + 1])
    if len(campaigns) <= PAGE_SIZE:
        return CampaignsPage(campaigns)
    last = campaigns[PAGE_SIZE - 1]
    return CampaignsPage(campaigns[:PAGE_SIZE], str(Cursor(last.created_at, last.pk)))


def get_campaign(business: BusinessProfile, campaign_id: UUID | str) -> Campaign:
    """Get a campaign with its business, file and earlier campaign. Raises NotFound."""
    rows = Campaign.objects.select_related("business_profile", "media", "earlier", "series")
    campaign = rows.filter(business_profile=business, pk=parse_id(campaign_id, "This campaign")).first()
    if campaign is None:
        raise NotFound("This campaign")
    return campaign


def attach_connections(campaigns: Sequence[Campaign]) -> None:
    """Set `shown_connection_ids` on campaigns: ids of their numbers, oldest first; one query."""
    numbers: dict[UUID, list[UUID]] = {campaign.pk: [] for campaign in campaigns}
    links = Campaign.connections.through.objects.filter(campaign__in=numbers)
    for campaign, number in links.order_by("whatsappconnection").values_list(
        "campaign", "whatsappconnection"
    ):
        numbers[campaign].append(number)
    for campaign in campaigns:
        campaign.shown_connection_ids = numbers[campaign.pk]  # type: ignore[attr-defined]


def get_template(business: BusinessProfile, template_id: UUID | str) -> MessageTemplate:
    """Get a template with its file. Raises NotFound."""
    rows = MessageTemplate.objects.select_related("media").filter(business_profile=business)
    template = rows.filter(pk=parse_id(template_id, "This template")).first()
    if template is None:
        raise NotFound("This template")
    return template


def templates_of(business: BusinessProfile) -> list[MessageTemplate]:
    """List the templates by name."""
    return list(
        MessageTemplate.objects.filter(business_profile=business)
        .select_related("media")
        .order_by("name", "id")
    )


def earlier_campaigns(business: BusinessProfile, exclude: Campaign | None = None) -> list[Campaign]:
    """List campaigns that have sent something, newest first, for audiences and exclusions."""
    rows = Campaign.objects.filter(business_profile=business, sent_count__gt=0)
    if exclude is not None:
        rows = rows.exclude(pk=exclude.pk)
    return list(keyset.newest_first(rows, "created_at")[:100])


# -- recipients --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RecipientsPage:
    """Page of recipients. next_cursor: `after` of the next page, None on the last one."""

    recipients: list[CampaignRecipient]
    next_cursor: str | None = None


RECIPIENT_FILTERS: dict[str, dict[str, Any]] = {
    "": {},
    "waiting": {"status__in": [Status.PENDING, Status.QUEUED]},
    "sent": {"sent_at__isnull": False},
    "delivered": {"delivered_at__isnull": False},
    "read": {"read_at__isnull": False},
    "replied": {"replied_at__isnull": False},
    "opted_out": {"opted_out_at__isnull": False},
    "not_replied": {"sent_at__isnull": False, "replied_at__isnull": True},
    "failed": {"status": Status.FAILED},
    "unknown": {"status": Status.UNKNOWN},
    "skipped": {"status": Status.SKIPPED},
    "cancelled": {"status": Status.CANCELLED},
    "expired": {"status": Status.EXPIRED},
    "missed": {"status__in": list(MISSED)},
}
"""Filters of recipients, by the names used in pages and API."""


def recipients(
    business: BusinessProfile, campaign: Campaign, state: str = "", search: str = ""
) -> QuerySet[CampaignRecipient]:
    """List a campaign's recipients in the order in which their contacts were added.

    Load contacts with prefetch_related, never by a join: a condition on `contact_id` would turn it into an inner join,
    and recipients whose contacts are deleted would be missing.
    """
    if campaign.business_profile_id != business.pk:
        raise NotFound("This campaign")
    if state not in RECIPIENT_FILTERS:
        raise InvalidInput("unknown_status", f"There is no filter called {state[:20]!r}.", field="state")
    rows = CampaignRecipient.objects.filter(campaign=campaign, **RECIPIENT_FILTERS[state])
    if words := printable(search):
        rows = rows.filter(contact_id__in=contact_selectors.ids_matching(business, words))
    return rows.order_by("contact_id")


def recipients_page(
    business: BusinessProfile,
    campaign: Campaign,
    state: str = "",
    search: str = "",
    after: str = "",
    limit: int = RECIPIENTS_PAGE_SIZE,
) -> RecipientsPage:
    """Get one page of recipients with contacts, messages and numbers; by key, so that late pages are fast too."""
    contacts = Prefetch("contact", Contact.objects.defer("metadata"))
    messages = Prefetch("message", Message.objects.only("conversation"))
    rows = recipients(business, campaign, state, search).prefetch_related(contacts, messages)
    if after:
        rows = rows.filter(contact_id__gt=parse_id(after, "This page"))
    page = list(rows[: limit + 1])
    numbers = {
        number.pk: number
        for number in WhatsAppConnection.objects.filter(business_profile=business).only(
            "name", "phone_number"
        )
    }
    for recipient in page:
        if recipient.connection_id in numbers:
            recipient.connection = numbers[recipient.connection_id]
        else:
            recipient.connection_id = None
    if len(page) <= limit:
        return RecipientsPage(page)
    return RecipientsPage(page[:limit], str(page[limit - 1].contact_id))


def missed_ids(campaign: Campaign) -> Iterator[UUID]:
    """Yield the ids of contacts who surely received no message."""
    rows = CampaignRecipient.objects.filter(campaign=campaign, status__in=MISSED)
    existing = Contact.objects.filter(pk__in=rows.values("contact_id")).order_by("pk")
    yield from existing.values_list("pk", flat=True).iterator(chunk_size=5000)


def missed_count(campaign: Campaign) -> int:
    """Count the recipients who surely received no message."""
    return campaign.failed_count + campaign.cancelled_count + campaign.expired_count


# -- progress ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Breakdown:
    """Counters of a number or a variant with a label. waits: why it does not send now."""

    label: str
    counters: dict[str, int]
    waits: str = ""
    until: datetime | None = None


@dataclass(frozen=True)
class Progress:
    """Progress of a campaign. per_minute: rate of the last messages, or of all once it is over."""

    funnel: list[tuple[str, str, int, int]]
    per_minute: float
    finish: datetime | None
    numbers: Sequence[Breakdown] = field(default_factory=list)
    variants: Sequence[Breakdown] = field(default_factory=list)


def progress(campaign: Campaign) -> Progress:
    """Compute the progress from stored counters, in a few queries whatever the campaign's size."""
    moment = now()
    rate = _per_minute(campaign, moment)
    tallies = list(CampaignTally.objects.filter(campaign=campaign))
    numbers = audience.numbers_of(campaign)
    return Progress(
        funnel=_funnel(campaign),
        per_minute=rate,
        finish=_finish(campaign, numbers, tallies, rate, moment),
        numbers=[_number_breakdown(campaign, number, tallies, moment) for number in numbers],
        variants=_variant_breakdowns(campaign, tallies),
    )


def _finish(
    campaign: Campaign,
    numbers: Sequence[WhatsAppConnection],
    tallies: Sequence[CampaignTally],
    rate: float,
    moment: datetime,
) -> datetime | None:
    """Forecast when the last recipient is sent to: each number's own and its share of unassigned ones."""
    if campaign.status != Campaign.Status.SENDING or not campaign.open_count or not numbers:
        return None
    unassigned = max(0, campaign.open_count - sum(tally.open_count for tally in tallies))
    finishes = []
    for number in numbers:
        own = sum(tally.open_count for tally in tallies if tally.connection_id == number.pk)
        if count := own + unassigned // len(numbers):
            finishes.append(forecast.of_running(campaign, number, count, rate / len(numbers), moment))
    return max(filter(None, finishes)) if finishes and all(finishes) else None


def _funnel(campaign: Campaign) -> list[tuple[str, str, int, int]]:
    """List (filter, label, count, percent of all) from the audience down to replies."""
    total = campaign.total_recipients
    steps = [
        ("", "Recipients", total),
        ("sent", "Sent", campaign.sent_count),
        ("delivered", "Delivered", campaign.delivered_count),
        ("read", "Read", campaign.read_count),
        ("replied", "Replied", campaign.replied_count),
    ]
    return [(key, label, count, round(100 * count / total) if total else 0) for key, label, count in steps]


def _per_minute(campaign: Campaign, moment: datetime) -> float:
    """Compute messages a minute: over the last RATE_SAMPLE of at most an hour, or over all once it is over."""
    if campaign.completed_at and campaign.started_at:
        minutes = (campaign.completed_at - campaign.started_at).total_seconds() / 60
        return campaign.sent_count / max(minutes, 1 / 60)
    rows = CampaignRecipient.objects.filter(campaign=campaign, sent_at__gte=moment - timedelta(hours=1))
    times = list(rows.order_by("-sent_at").values_list("sent_at", flat=True)[:RATE_SAMPLE])
    if len(times) < 2 or times[-1] is None:
        return 0.0
    return len(times) / max((moment - times[-1]).total_seconds() / 60, 1 / 60)


def _number_breakdown(
    campaign: Campaign, number: WhatsAppConnection, tallies: Sequence[CampaignTally], moment: datetime
) -> Breakdown:
    counters = _sum([tally for tally in tallies if tally.connection_id == number.pk])
    waits, until = "", None
    if campaign.status == Campaign.Status.SENDING and counters["open_count"]:
        waits, until = _waiting_reason(campaign, number, moment)
        if until and until - moment < MIN_SHOWN_WAIT:
            waits, until = "", None
    return Breakdown(number.display_name, counters, waits, until)


def _waiting_reason(
    campaign: Campaign, number: WhatsAppConnection, moment: datetime
) -> tuple[str, datetime | None]:
    """Explain why a number with pending recipients does not send now, and until when; ("", None) if it does."""
    if not number.is_connected:
        return "The number is not connected; its messages go out when it is back.", None
    settings = pacing_settings.settings_of(number)
    decision = campaign_gate.decision_for_number(number, settings, moment)
    if not decision.allowed:
        return WORDS.get(decision.reason, ""), decision.not_before
    recipients = CampaignRecipient.objects.filter(campaign=campaign, connection=number)
    ready = recipients.filter(status=Status.QUEUED, message__not_before=None)
    next_ones = recipients.filter(status=Status.PENDING, due_at=None)
    if ready.exists() or next_ones.filter(cold=False).exists():
        return "", None
    strangers = pacing_settings.new_chats_from(number, settings, moment)
    if next_ones.exists():
        limited = number.limited_until is not None and number.limited_until > moment
        return (LIMITED_WORDS if limited else WORDS["cold"], strangers) if strangers > moment else ("", None)
    due = recipients.filter(status=Status.PENDING, due_at__isnull=False).order_by("due_at")
    later = due.values_list("due_at", flat=True).first()
    if later is None:
        postponed = recipients.filter(status=Status.QUEUED, message__not_before__isnull=False)
        later = (
            postponed.order_by("message__not_before").values_list("message__not_before", flat=True).first()
        )
    return (WORDS["window"], later) if later and later > moment else ("", None)


def _variant_breakdowns(campaign: Campaign, tallies: Sequence[CampaignTally]) -> list[Breakdown]:
    return [
        Breakdown(
            f"Variant {variant['key']}", _sum([row for row in tallies if row.variant == variant["key"]])
        )
        for variant in campaign.variants
    ]


def _sum(tallies: Sequence[CampaignTally]) -> dict[str, int]:
    return {name: sum(getattr(tally, name) for tally in tallies) for name in COUNTERS}

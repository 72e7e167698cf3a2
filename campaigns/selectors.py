"""Reads about campaigns. Every function takes the business first; another business's ids are NotFound."""

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
from core.text import printable
from messaging.inbox import keyset
from messaging.inbox.keyset import Cursor
from messaging.models import Message
from messaging.outbox import campaign_gate, pacing_settings
from messaging.outbox.pacing import WORDS

PAGE = 25
LINES = 50
RATED = 500
"""Messages over which the pace is taken."""
LIMITED_WORDS = "WhatsApp lets this number write to nobody new for now; those who never wrote have to wait."
WORTH_SAYING = timedelta(minutes=2)
"""The usual pause between two messages is no news."""
MISSED = ("failed", "cancelled", "expired")
"""Final states of people who surely did not get it, through no decision of theirs."""
Status = CampaignRecipient.Status


@dataclass(frozen=True)
class CampaignsPage:
    """Campaigns, newest first. next_cursor: give it as `before`; None on the last page."""

    campaigns: list[Campaign]
    next_cursor: str | None = None


def all_campaigns(business: BusinessProfile, status: str = "") -> QuerySet[Campaign]:
    """The business's campaigns, newest first. Raises InvalidInput for an unknown status."""
    rows = Campaign.objects.filter(business_profile=business)
    if status:
        if status not in Campaign.Status.values:
            raise InvalidInput(
                "unknown_status", f"There is no status called {status[:20]!r}.", field="status"
            )
        rows = rows.filter(status=status)
    return keyset.newest_first(rows, "created_at")


def campaigns_page(business: BusinessProfile, status: str = "", before: str | None = None) -> CampaignsPage:
    """One page of them; one query."""
    rows = all_campaigns(business, status)
    if before:
        rows = rows.filter(keyset.before("created_at", Cursor.parse(before)))
    found = list(rows[: PAGE + 1])
    if len(found) <= PAGE:
        return CampaignsPage(found)
    last = found[PAGE - 1]
    return CampaignsPage(found[:PAGE], str(Cursor(last.created_at, last.pk)))


def get_campaign(business: BusinessProfile, campaign_id: UUID | str) -> Campaign:
    """With its business, file and earlier campaign. Raises NotFound."""
    rows = Campaign.objects.select_related("business_profile", "media", "earlier", "series")
    found = rows.filter(business_profile=business, pk=_key(campaign_id, "This campaign")).first()
    if found is None:
        raise NotFound("This campaign")
    return found


def attach_connections(campaigns: Sequence[Campaign]) -> None:
    """Set `shown_connection_ids`: the numbers that send each of these, oldest first; one query."""
    numbers: dict[UUID, list[UUID]] = {campaign.pk: [] for campaign in campaigns}
    links = Campaign.connections.through.objects.filter(campaign__in=numbers)
    for campaign, number in links.order_by("whatsappconnection").values_list(
        "campaign", "whatsappconnection"
    ):
        numbers[campaign].append(number)
    for campaign in campaigns:
        campaign.shown_connection_ids = numbers[campaign.pk]  # type: ignore[attr-defined]


def get_template(business: BusinessProfile, template_id: UUID | str) -> MessageTemplate:
    """Raises NotFound."""
    rows = MessageTemplate.objects.select_related("media").filter(business_profile=business)
    found = rows.filter(pk=_key(template_id, "This template")).first()
    if found is None:
        raise NotFound("This template")
    return found


def templates_of(business: BusinessProfile) -> list[MessageTemplate]:
    """By name."""
    return list(
        MessageTemplate.objects.filter(business_profile=business)
        .select_related("media")
        .order_by("name", "id")
    )


def earlier_campaigns(business: BusinessProfile, besides: Campaign | None = None) -> list[Campaign]:
    """Those that have sent something, newest first, for audiences and exclusions."""
    rows = Campaign.objects.filter(business_profile=business, sent_count__gt=0)
    if besides is not None:
        rows = rows.exclude(pk=besides.pk)
    return list(keyset.newest_first(rows, "created_at")[:100])


# -- the ledger --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LedgerPage:
    """Lines of the ledger. next_cursor: give it as `after`; None on the last page."""

    lines: list[CampaignRecipient]
    next_cursor: str | None = None


STATES: dict[str, dict[str, Any]] = {
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
"""Filters of the ledger, by the names that pages and programs use."""


def recipients(
    business: BusinessProfile, campaign: Campaign, state: str = "", search: str = ""
) -> QuerySet[CampaignRecipient]:
    """Lines of the ledger in the order in which their contacts were added.

    Fetch contacts beside them, never by a join: a condition on `contact_id` would turn it into an inner one, and lines
    of deleted contacts would be gone.
    """
    if campaign.business_profile_id != business.pk:
        raise NotFound("This campaign")
    if state not in STATES:
        raise InvalidInput("unknown_status", f"There is no filter called {state[:20]!r}.", field="state")
    rows = CampaignRecipient.objects.filter(campaign=campaign, **STATES[state])
    if words := printable(search):
        rows = rows.filter(contact_id__in=contact_selectors.ids_matching(business, words))
    return rows.order_by("contact_id")


def ledger_page(
    business: BusinessProfile,
    campaign: Campaign,
    state: str = "",
    search: str = "",
    after: str = "",
    limit: int = LINES,
) -> LedgerPage:
    """One page of lines, by key; as fast at the end of a long ledger as at its beginning."""
    people = Prefetch("contact", Contact.objects.defer("metadata"))
    letters = Prefetch("message", Message.objects.only("conversation"))
    rows = recipients(business, campaign, state, search).prefetch_related(people, letters)
    if after:
        rows = rows.filter(contact_id__gt=_key(after, "This page"))
    found = list(rows[: limit + 1])
    numbers = {
        one.pk: one
        for one in WhatsAppConnection.objects.filter(business_profile=business).only("name", "phone_number")
    }
    for line in found:
        if line.connection_id in numbers:
            line.connection = numbers[line.connection_id]
        else:
            line.connection_id = None
    if len(found) <= limit:
        return LedgerPage(found)
    return LedgerPage(found[:limit], str(found[limit - 1].contact_id))


def missed_ids(campaign: Campaign) -> Iterator[UUID]:
    """Contacts who surely did not get it."""
    rows = CampaignRecipient.objects.filter(campaign=campaign, status__in=MISSED)
    known = Contact.objects.filter(pk__in=rows.values("contact_id")).order_by("pk")
    yield from known.values_list("pk", flat=True).iterator(chunk_size=5000)


def missed_count(campaign: Campaign) -> int:
    """How many surely did not get it."""
    return campaign.failed_count + campaign.cancelled_count + campaign.expired_count


# -- how it goes -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Share:
    """Counters of a number or a variant, with a name for people. waits: why it does not send just now."""

    label: str
    counters: dict[str, int]
    waits: str = ""
    until: datetime | None = None


@dataclass(frozen=True)
class Progress:
    """How a campaign goes. per_minute: over the last messages, or of all once it is over. finish: at its pacing."""

    funnel: list[tuple[str, str, int, int]]
    per_minute: float
    finish: datetime | None
    numbers: Sequence[Share] = field(default_factory=list)
    variants: Sequence[Share] = field(default_factory=list)


def progress(campaign: Campaign) -> Progress:
    """A few queries, whatever the campaign's size: counters are kept, not counted."""
    moment = now()
    rate = _per_minute(campaign, moment)
    tallies = list(CampaignTally.objects.filter(campaign=campaign))
    numbers = audience.numbers_of(campaign)
    return Progress(
        funnel=_funnel(campaign),
        per_minute=rate,
        finish=_finish(campaign, numbers, tallies, rate, moment),
        numbers=[_of_number(campaign, one, tallies, moment) for one in numbers],
        variants=_by_variant(campaign, tallies),
    )


def _finish(
    campaign: Campaign,
    numbers: Sequence[WhatsAppConnection],
    tallies: Sequence[CampaignTally],
    rate: float,
    moment: datetime,
) -> datetime | None:
    """When the last one leaves: of each number what it has, and its part of those who have none yet."""
    if campaign.status != Campaign.Status.SENDING or not campaign.open_count or not numbers:
        return None
    unplaced = max(0, campaign.open_count - sum(one.open_count for one in tallies))
    finishes = []
    for number in numbers:
        mine = sum(one.open_count for one in tallies if one.connection_id == number.pk)
        if count := mine + unplaced // len(numbers):
            finishes.append(forecast.of_running(campaign, number, count, rate / len(numbers), moment))
    return max(filter(None, finishes)) if finishes and all(finishes) else None


def _funnel(campaign: Campaign) -> list[tuple[str, str, int, int]]:
    """(filter, label, count, percent of everybody) from the audience down to answers."""
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
    """Messages a minute: over the last RATED of them, of at most an hour; over all of them once it is over."""
    if campaign.completed_at and campaign.started_at:
        minutes = (campaign.completed_at - campaign.started_at).total_seconds() / 60
        return campaign.sent_count / max(minutes, 1 / 60)
    rows = CampaignRecipient.objects.filter(campaign=campaign, sent_at__gte=moment - timedelta(hours=1))
    times = list(rows.order_by("-sent_at").values_list("sent_at", flat=True)[:RATED])
    if len(times) < 2 or times[-1] is None:
        return 0.0
    return len(times) / max((moment - times[-1]).total_seconds() / 60, 1 / 60)


def _of_number(
    campaign: Campaign, number: WhatsAppConnection, tallies: Sequence[CampaignTally], moment: datetime
) -> Share:
    counters = _sum([one for one in tallies if one.connection_id == number.pk])
    waits, until = "", None
    if campaign.status == Campaign.Status.SENDING and counters["open_count"]:
        waits, until = _why_it_waits(campaign, number, moment)
        if until and until - moment < WORTH_SAYING:
            waits, until = "", None
    return Share(number.display_name, counters, waits, until)


def _why_it_waits(
    campaign: Campaign, number: WhatsAppConnection, moment: datetime
) -> tuple[str, datetime | None]:
    """What keeps a number with waiting recipients from sending now, in words, and until when; ("", None): nothing."""
    if not number.is_connected:
        return "The number is not connected; its messages go out when it is back.", None
    settings = pacing_settings.settings_of(number)
    decision = campaign_gate.decision_for_number(number, settings, moment)
    if not decision.allowed:
        return WORDS.get(decision.reason, ""), decision.not_before
    lines = CampaignRecipient.objects.filter(campaign=campaign, connection=number)
    ready = lines.filter(status=Status.QUEUED, message__not_before=None)
    next_ones = lines.filter(status=Status.PENDING, due_at=None)
    if ready.exists() or next_ones.filter(cold=False).exists():
        return "", None
    strangers = pacing_settings.new_chats_from(number, settings, moment)
    if next_ones.exists():
        limited = number.limited_until is not None and number.limited_until > moment
        return (LIMITED_WORDS if limited else WORDS["cold"], strangers) if strangers > moment else ("", None)
    due = lines.filter(status=Status.PENDING, due_at__isnull=False).order_by("due_at")
    later = due.values_list("due_at", flat=True).first()
    if later is None:
        put_off = lines.filter(status=Status.QUEUED, message__not_before__isnull=False)
        later = put_off.order_by("message__not_before").values_list("message__not_before", flat=True).first()
    return (WORDS["window"], later) if later and later > moment else ("", None)


def _by_variant(campaign: Campaign, tallies: Sequence[CampaignTally]) -> list[Share]:
    return [
        Share(f"Variant {one['key']}", _sum([row for row in tallies if row.variant == one["key"]]))
        for one in campaign.variants
    ]


def _sum(tallies: Sequence[CampaignTally]) -> dict[str, int]:
    return {name: sum(getattr(one, name) for one in tallies) for name in COUNTERS}


def _key(text: UUID | str, what: str) -> UUID:
    try:
        return text if isinstance(text, UUID) else UUID(text)
    except ValueError:
        raise NotFound(what) from None

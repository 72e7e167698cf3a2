"""The home page of a business, by a fixed number of bounded queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, Q
from django.utils import timezone

from accounts.models import ApiKey, BusinessProfile, Invitation, Membership, User
from connections import selectors as connections
from connections.models import WhatsAppConnection
from connections.state_texts import Explanation, reason_text
from contacts.models import ContactImport
from messaging.inbox import selectors as messaging
from messaging.inbox.read_models import InboxRow
from messaging.models import Conversation, Message

COUNTED = 10_000
"""Conversations are counted up to this number; "10,000 or more" is as useful and costs less."""
REPLY_WINDOW = 1_000
"""Messages at each end of the history that are searched for a reply, to avoid a scan of millions."""
NUMBERS_SHOWN = 5
RECENT_SHOWN = 6


@dataclass(frozen=True)
class Checklist:
    """First steps of a new business. The last two are optional."""

    described: bool
    connected: bool
    answered: bool
    invited: bool
    imported: bool
    integrated: bool

    @property
    def done(self) -> int:
        return sum(self._steps)

    @property
    def total(self) -> int:
        return len(self._steps)

    @property
    def complete(self) -> bool:
        return all((self.described, self.connected, self.answered, self.invited))

    @property
    def _steps(self) -> tuple[bool, ...]:
        return self.described, self.connected, self.answered, self.invited, self.imported, self.integrated


@dataclass(frozen=True)
class HomeFigures:
    """Current conversations, and messages since midnight in the active time zone."""

    open: int
    unread: int
    received: int
    sent: int

    @property
    def open_is_capped(self) -> bool:
        return self.open >= COUNTED


@dataclass(frozen=True)
class NumberState:
    """A number with an explanation of its state."""

    connection: WhatsAppConnection
    explanation: Explanation


@dataclass(frozen=True)
class HomePage:
    """Data of the home page as of `now`."""

    now: datetime
    checklist: Checklist
    figures: HomeFigures
    numbers: Sequence[NumberState]
    number_count: int
    recent: Sequence[InboxRow]

    @property
    def connected_count(self) -> int:
        return sum(number.connection.is_connected for number in self.numbers)


def home_page(business: BusinessProfile, user: User) -> HomePage:
    """Return the home page of `business` for `user`."""
    numbers = list(connections.connections_of(business))
    now = timezone.now()
    return HomePage(
        now=now,
        checklist=checklist(business, numbers),
        figures=figures(business, _midnight(now)),
        numbers=[NumberState(number, reason_text(number)) for number in numbers[:NUMBERS_SHOWN]],
        number_count=len(numbers),
        recent=messaging.inbox_page(business, user, tab="all", limit=RECENT_SHOWN).rows,
    )


def checklist(business: BusinessProfile, numbers: Sequence[WhatsAppConnection]) -> Checklist:
    """Return which first steps are done.

    A number counts once it has ever been connected.
    """
    accompanied, invited, imported, integrated = _existence(business)
    return Checklist(
        described=bool(business.description.strip() and business.industry.strip()),
        connected=any(number.is_connected or number.last_connected_at for number in numbers),
        answered=_has_answered(business),
        invited=accompanied or invited,
        imported=imported,
        integrated=integrated,
    )


def _has_answered(business: BusinessProfile) -> bool:
    """Return whether one of the newest or oldest messages is a reply from the inbox."""
    messages = Message.objects.filter(business_profile=business)
    replies = Message.objects.filter(direction=Message.Direction.OUTBOUND, origin=Message.Origin.INBOX)
    return any(
        replies.filter(pk__in=messages.order_by(order).values("pk")[:REPLY_WINDOW]).exists()
        for order in ("-created_at", "created_at")
    )


def _existence(business: BusinessProfile) -> tuple[bool, bool, bool, bool]:
    """Return whether a second member, invitation, import and API key exist.

    One query.
    """
    own = {"business_profile": business}
    rows = BusinessProfile.objects.filter(pk=business.pk).annotate(
        accompanied=Exists(Membership.objects.filter(**own).order_by("pk")[1:2]),
        invited=Exists(Invitation.objects.filter(**own, revoked_at=None)),
        imported=Exists(ContactImport.objects.filter(**own)),
        integrated=Exists(ApiKey.objects.filter(**own)),
    )
    return rows.values_list("accompanied", "invited", "imported", "integrated").get()


def figures(business: BusinessProfile, since: datetime) -> HomeFigures:
    """Count open and unread conversations, and messages from `since` on."""
    opened = Conversation.objects.filter(business_profile=business, state=Conversation.State.OPEN)
    today = Message.objects.filter(business_profile=business, created_at__gte=since)
    count = today.aggregate(
        received=Count("id", filter=Q(direction=Message.Direction.INBOUND)),
        sent=Count("id", filter=Q(direction=Message.Direction.OUTBOUND)),
    )
    return HomeFigures(
        open=opened.order_by()[:COUNTED].count(), unread=messaging.unread_total(business, COUNTED), **count
    )


def _midnight(now: datetime) -> datetime:
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)

"""What the pages show of a range of days, counted in plain Python from every row, with nothing kept in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.models import BusinessProfile
from analytics.reports.contacts import ContactFigures
from analytics.reports.overview import Overview
from analytics.reports.summary import Durations, Summary
from contacts.models import ConsentProof, Contact, ContactTag
from messaging.models import ConversationEvent, Message
from tests.analytics import naive
from tests.analytics.naive import ARRIVED, GONE, SEEN

Dated = tuple[date, Any]


class Rows:
    """Every row of a business that counts, with its date on the wall."""

    def __init__(self, business: BusinessProfile, zone: ZoneInfo) -> None:
        self._zone = zone
        messages = list(Message.objects.filter(business_profile=business))
        self.messages = [(self._date(one.created_at), one) for one in messages]
        self.answers = [(self._date(at), (who, seconds)) for at, who, seconds in naive.waits(messages)]
        closings = ConversationEvent.objects.filter(business_profile=business, kind="closed")
        self.closings = [(self._date(one.created_at), one) for one in closings]
        people = Contact.objects.filter(business_profile=business)
        self.contacts = [(self._date(one.created_at), one) for one in people]
        proofs = ConsentProof.objects.filter(business_profile=business, kind="opt_out")
        self.opt_outs = [
            (self._date(one.created_at), one) for one in proofs if one.how not in ("merge", "suppression")
        ]
        self.tags = list(
            ContactTag.objects.filter(tag__business_profile=business).select_related("tag", "contact")
        )

    def _date(self, moment: datetime) -> date:
        return moment.astimezone(self._zone).date()

    # -- the overview ----------------------------------------------------------------------------------

    def summary(self, wanted: Iterable[date]) -> Summary:
        """The figures of these dates."""
        dates = set(wanted)
        messages = _on(self.messages, dates)
        ours = [one for one in messages if one.direction == "outbound"]
        theirs = [one for one in messages if one.direction == "inbound"]
        closings = _on(self.closings, dates)
        return Summary(
            received=len(theirs),
            sent=sum(one.status in GONE for one in ours),
            delivered=sum(one.status in ARRIVED for one in ours),
            read=sum(one.status in SEEN for one in ours),
            failed=sum(one.status == "failed" for one in ours),
            new_contacts=len(_on(self.contacts, dates)),
            active_contacts=len({one.contact_id for one in theirs}),
            conversations=len({one.conversation_id for one in messages if one.origin != "campaign"}),
            opt_outs=len(_on(self.opt_outs, dates)),
            closed=len(closings),
            answers=durations(seconds for _, seconds in _on(self.answers, dates)),
            resolutions=durations(_resolution(one) for one in closings if one.begun_at),
        )

    def types(self, dates: set[date]) -> dict[str, tuple[int, int]]:
        """Received and sent, by type."""
        return self._by(dates, lambda one: one.message_type)

    def numbers(self, dates: set[date]) -> dict[Any, tuple[int, int]]:
        """Received and sent, by number; of one that only failed too."""
        tried = {one.connection_id: (0, 0) for one in _on(self.messages, dates)}
        return tried | self._by(dates, lambda one: one.connection_id)

    def _by(self, dates: set[date], key: Callable[[Message], Any]) -> dict[Any, tuple[int, int]]:
        messages = _on(self.messages, dates)
        received = Counter(key(one) for one in messages if one.direction == "inbound")
        sent = Counter(key(one) for one in messages if one.direction == "outbound" and one.status in GONE)
        return {name: (received[name], sent[name]) for name in {*received, *sent}}

    def agents(self, dates: set[date]) -> dict[Any, tuple[Any, ...]]:
        """Sent, closed, answers and resolutions, by person; who did nothing is left out."""
        own = [
            one
            for one in _on(self.messages, dates)
            if one.direction == "outbound" and one.origin != "campaign"
        ]
        sent = Counter(one.sender_id for one in own if one.status in GONE)
        answers, closings = _on(self.answers, dates), _on(self.closings, dates)
        closed = Counter(one.actor_id for one in closings)
        return {
            who: (
                sent[who],
                closed[who],
                durations(seconds for sender, seconds in answers if sender == who),
                durations(_resolution(one) for one in closings if one.actor_id == who and one.begun_at),
            )
            for who in {*sent, *closed, *(sender for sender, _ in answers)}
        }

    def hours(self, dates: set[date]) -> list[list[int]]:
        """Messages received by weekday and hour of the wall's clock."""
        table = [[0] * 24 for _ in range(7)]
        for when, one in self.messages:
            if when in dates and one.direction == "inbound":
                table[when.weekday()][one.created_at.astimezone(self._zone).hour] += 1
        return table

    # -- the contacts page -----------------------------------------------------------------------------

    def came_until(self, last: date) -> int:
        """How many contacts there were at the end of a date."""
        return sum(when <= last for when, _ in self.contacts)

    def responded(self, dates: set[date]) -> tuple[int, int]:
        """To how many something was sent, and how many of them wrote."""
        messages = _on(self.messages, dates)
        reached = {one.contact_id for one in messages if one.direction == "outbound" and one.status in GONE}
        return len(reached), len(reached & {one.contact_id for one in messages if one.direction == "inbound"})

    def cohort(self, week: date, last: date) -> tuple[date, int, list[int]]:
        """Who came in a week, up to `last`, and how many of them wrote in it and in each one after."""
        came = {one.pk for when, one in self.contacts if week <= when <= min(week + timedelta(days=6), last)}
        stayed = []
        begin = week
        while begin <= last:
            dates = {begin + timedelta(days=number) for number in range(7)}
            wrote = {
                one.contact_id
                for when, one in self.messages
                if when in dates and when <= last and one.direction == "inbound"
            }
            stayed.append(len(came & wrote))
            begin += timedelta(days=7)
        return week, len(came), stayed

    def tagged(self, dates: set[date]) -> set[tuple[str, int, int]]:
        """Each tag with its contacts and those of them who came on these dates."""
        return {
            (
                name,
                sum(one.tag.name == name for one in self.tags),
                sum(
                    one.tag.name == name and self._date(one.contact.created_at) in dates for one in self.tags
                ),
            )
            for name in {one.tag.name for one in self.tags}
        }

    def groups(self, today: date) -> dict[UUID, str]:
        """The group of everybody who ever wrote, on a date."""
        days: dict[UUID, set[date]] = {}
        for when, one in self.messages:
            if one.direction == "inbound" and when <= today:
                days.setdefault(one.contact_id, set()).add(when)
        return {contact_id: _group(wrote, today) for contact_id, wrote in days.items()}


def _on(rows: list[Dated], dates: set[date]) -> list[Any]:
    return [row for when, row in rows if when in dates]


def _resolution(closing: ConversationEvent) -> int:
    assert closing.begun_at is not None
    return int(closing.created_at.timestamp() // 1) - int(closing.begun_at.timestamp() // 1)


def durations(seconds: Iterable[int]) -> Durations:
    """How many, and the smallest one that half of them, and nine of ten, do not exceed."""
    known = sorted(seconds)

    def enough(tenths: int) -> int | None:
        return next(
            (one for one in known if sum(other <= one for other in known) * 10 >= tenths * len(known)), None
        )

    return Durations(len(known), enough(5), enough(9))


def _group(wrote: set[date], today: date) -> str:
    ago = (today - max(wrote)).days
    if (today - min(wrote)).days < 14:
        return "new"
    if ago < 30:
        return "loyal" if sum((today - when).days < 90 for when in wrote) >= 8 else "active"
    return "cooling" if ago < 90 else "lost"


def shown(page: Overview) -> dict[str, Any]:
    """An overview, to compare with `counted`."""
    return {
        "now": page.now,
        "before": page.before,
        "pieces": [piece.figures for piece in page.pieces],
        "types": {row.message_type: (row.received, row.sent) for row in page.types},
        "numbers": {row.connection_id: (row.received, row.tally.sent) for row in page.numbers},
        "agents": {row.user_id: (row.sent, row.closed, row.answers, row.resolutions) for row in page.agents},
        "hours": [list(row) for row in page.hours],
    }


def counted(rows: Rows, page: Overview) -> dict[str, Any]:
    """The same by counting. Only where its pieces begin is taken from the page."""
    period = page.period
    dates = _dates(period.first, period.last)
    begins = [piece.begins for piece in page.pieces]
    ends = [*(begin - timedelta(days=1) for begin in begins[1:]), period.last]
    return {
        "now": rows.summary(dates),
        "before": rows.summary(
            _dates(period.first - timedelta(days=len(dates)), period.first - timedelta(days=1))
        ),
        "pieces": [rows.summary(_dates(begin, end)) for begin, end in zip(begins, ends, strict=True)],
        "types": rows.types(set(dates)),
        "numbers": rows.numbers(set(dates)),
        "agents": rows.agents(set(dates)),
        "hours": rows.hours(set(dates)),
    }


def shown_contacts(page: ContactFigures) -> dict[str, Any]:
    """A contacts page, to compare with `counted_contacts`."""
    return {
        "total": (page.total_before, page.total),
        "responded": (page.reached, page.responded),
        "growth": [(one.came, one.total) for one in page.growth],
        "cohorts": [(one.week, one.size, list(one.stayed)) for one in page.cohorts],
        "tags": {(one.name, one.contacts, one.came) for one in page.tags},
    }


def counted_contacts(rows: Rows, page: ContactFigures) -> dict[str, Any]:
    """The same by counting."""
    first, last = page.period.first, page.period.last
    dates = set(_dates(first, last))
    begins = [one.begins for one in page.growth]
    totals = [rows.came_until(end) for end in (*(begin - timedelta(days=1) for begin in begins[1:]), last)]
    before = rows.came_until(first - timedelta(days=1))
    week = first - timedelta(days=first.weekday())
    weeks = [week + timedelta(days=7 * number) for number in range((last - week).days // 7 + 1)]
    return {
        "total": (before, totals[-1]),
        "responded": rows.responded(dates),
        "growth": [
            (total - earlier, total) for earlier, total in zip([before, *totals], totals, strict=False)
        ],
        "cohorts": [rows.cohort(one, last) for one in weeks],
        "tags": rows.tagged(dates),
    }


def _dates(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]

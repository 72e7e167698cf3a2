"""Tables of figures, for the charts and tables of pages and for the CSV export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from django.urls import reverse

from analytics.reports.campaigns import CampaignFigures
from analytics.reports.contacts import ContactFigures
from analytics.reports.overview import WEEKDAYS, Overview
from analytics.reports.summary import Summary, share

NUMBER, DURATION, SHARE, TEXT, DATE = "number", "duration", "share", "text", "date"
OVERVIEW_KEYS = frozenset({"messages", "people", "answers", "types", "numbers", "agents", "hours"})
CONTACT_KEYS = frozenset({"growth", "cohorts", "tags", "groups"})
CAMPAIGN_KEYS = frozenset({"campaigns"})


@dataclass(frozen=True)
class Column:
    """A column. kind: number, duration (seconds), share (0 to 1), text or date.

    drawn: whether the chart shows it.
    """

    name: str
    kind: str = NUMBER
    drawn: bool = True


@dataclass(frozen=True)
class Line:
    """A row for templates: its name, the name's link, the cells with columns."""

    first: Any
    link: str
    cells: Sequence[tuple[Column, Any]]


@dataclass(frozen=True)
class Table:
    """A table whose first column names the row.

    chart: line, bar, bars (horizontal) or nothing. None in a cell: no figure. links: addresses behind the names, one
    for each row, or none at all.
    """

    key: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    chart: str = ""
    note: str = ""
    links: Sequence[str] = ()

    @property
    def kind(self) -> str:
        """Return the kind of the chart's scale."""
        return next((column.kind for column in self.columns[1:] if column.drawn), NUMBER)

    @property
    def lines(self) -> Iterator[Line]:
        """Yield the rows for templates."""
        for row, link in zip(self.rows, self.links or repeat(""), strict=bool(self.links)):
            yield Line(row[0], link, list(zip(self.columns[1:], row[1:], strict=True)))


def overview_tables(overview: Overview) -> list[Table]:
    """Return the tables of the overview, in order."""
    return [
        _messages(overview),
        _people(overview),
        _answers(overview),
        _types(overview),
        _numbers(overview),
        _agents(overview),
        hours(overview.hours),
    ]


def _messages(overview: Overview) -> Table:
    columns = [Column("Date", TEXT), Column("Received"), Column("Sent")]
    columns += [Column(name, drawn=False) for name in ("Delivered", "Read", "Failed")]
    rows = [
        (piece.label, figures.received, figures.sent, figures.delivered, figures.read, figures.failed)
        for piece in overview.pieces
        for figures in [piece.figures]
    ]
    return Table("messages", "Messages", columns, rows, "bar")


def _people(overview: Overview) -> Table:
    columns = [Column("Date", TEXT), Column("Active contacts"), Column("New contacts")]
    columns += [Column(name, drawn=False) for name in ("Conversations", "Opt-outs")]
    rows = [
        (piece.label, figures.active_contacts, figures.new_contacts, figures.conversations, figures.opt_outs)
        for piece in overview.pieces
        for figures in [piece.figures]
    ]
    return Table("people", "Contacts", columns, rows, "line")


def _answers(overview: Overview) -> Table:
    columns = [
        Column("Date", TEXT),
        Column("Median", DURATION),
        Column("90 % within", DURATION),
        Column("Answers", drawn=False),
        Column("Closed", drawn=False),
        Column("Resolution, median", DURATION, drawn=False),
        Column("Resolution, 90 % within", DURATION, drawn=False),
    ]
    rows = [
        (
            piece.label,
            *(figures.answers.median, figures.answers.p90, figures.answers.count),
            *(figures.closed, figures.resolutions.median, figures.resolutions.p90),
        )
        for piece in overview.pieces
        for figures in [piece.figures]
    ]
    note = "From a customer's first unanswered message to the answer; what waited for over a week was not answered."
    return Table("answers", "First response", columns, rows, "line", note)


def _types(overview: Overview) -> Table:
    columns = [Column("Type", TEXT), Column("Received"), Column("Sent")]
    rows = [(row.label, row.received, row.sent) for row in overview.types]
    return Table("types", "By type", columns, rows, "bars")


def _numbers(overview: Overview) -> Table:
    columns = [
        *(Column("Number", TEXT), Column("Received"), Column("Sent")),
        *(Column("Delivered", SHARE), Column("Read", SHARE), Column("Failed")),
    ]
    rows = [
        (row.name, row.received, row.tally.sent, row.delivery_rate, row.read_rate, row.tally.failed)
        for row in overview.numbers
    ]
    return Table("numbers", "By number", columns, rows)


def _agents(overview: Overview) -> Table:
    columns = [
        *(Column("Person", TEXT), Column("Sent"), Column("Answers")),
        *(Column("Median", DURATION), Column("90 % within", DURATION)),
        *(Column("Closed"), Column("Resolution, median", DURATION)),
    ]
    rows = [
        (
            *(row.name, row.sent, row.answers.count, row.answers.median, row.answers.p90),
            *(row.closed, row.resolutions.median),
        )
        for row in overview.agents
    ]
    return Table("agents", "By person", columns, rows)


def hours(counts: Sequence[Sequence[int]]) -> Table:
    """Return messages received by weekday and hour."""
    columns = [Column("Day", TEXT), *(Column(f"{hour:02d}") for hour in range(24))]
    rows = [(name, *row) for name, row in zip(WEEKDAYS, counts, strict=True)]
    return Table(
        "hours", "Busy hours", columns, rows, note="Messages received, by the hour at which they came."
    )


def daily_columns() -> list[Column]:
    """Return the columns of the export by day."""
    return [
        *(Column("Date", DATE), Column("Received"), Column("Sent"), Column("Delivered"), Column("Read")),
        *(Column("Failed"), Column("New contacts"), Column("Active contacts"), Column("Conversations")),
        *(
            Column("Answers"),
            Column("First response, median seconds"),
            Column("First response, 90 % seconds"),
        ),
        *(Column("Closed"), Column("Resolution, median seconds"), Column("Resolution, 90 % seconds")),
        Column("Opt-outs"),
    ]


def daily_cells(summary: Summary) -> list[Any]:
    """Return the cells of a day in the export, after its date."""
    return [
        *(summary.received, summary.sent, summary.delivered, summary.read, summary.failed),
        *(summary.new_contacts, summary.active_contacts, summary.conversations),
        *(summary.answers.count, summary.answers.median, summary.answers.p90),
        *(summary.closed, summary.resolutions.median, summary.resolutions.p90, summary.opt_outs),
    ]


def contact_tables(figures: ContactFigures) -> list[Table]:
    """Return the tables of the contacts page."""
    growth = Table(
        "growth",
        "Growth",
        [Column("Date", TEXT), Column("Contacts"), Column("New contacts", drawn=False)],
        [(one.label, one.total, one.came) for one in figures.growth],
        "line",
    )
    tags = Table(
        "tags",
        "Top tags",
        [Column("Tag", TEXT), Column("Contacts"), Column("Of them new in this range", drawn=False)],
        [(one.name, one.contacts, one.came) for one in figures.tags],
        "bars",
    )
    return [growth, cohorts(figures), tags, groups(figures)]


def cohorts(figures: ContactFigures) -> Table:
    """Return new contacts by week, and the share that wrote in each later week."""
    weeks = max((len(cohort.stayed) for cohort in figures.cohorts), default=0)
    columns = [Column("Week from", DATE), Column("New contacts")]
    columns += [Column(f"W{number}", SHARE) for number in range(weeks)]
    rows = []
    for cohort in figures.cohorts:
        shares = [share(stayed, cohort.size) for stayed in cohort.stayed]
        rows.append((cohort.week, cohort.size, *shares, *[None] * (weeks - len(shares))))
    note = (
        "Of the contacts who came in a week: the share that wrote in that week (0) and in each one after it."
    )
    return Table("cohorts", "Who stays", columns, rows, note=note)


def groups(figures: ContactFigures) -> Table:
    """Return the number of contacts in each RFM group."""
    columns = [Column("Group", TEXT), Column("Contacts")]
    rows = [(one.label, one.contacts) for one in figures.groups]
    links = [f"{reverse('contacts:list')}?group={one.group}" for one in figures.groups]
    note = "Counted anew every night by how lately and how often people wrote. Open a group to save it as a segment."
    return Table("groups", "Groups", columns, rows, "bars", note, links)


def campaign_tables(campaigns: Sequence[CampaignFigures]) -> list[Table]:
    """Return the campaigns of a period side by side."""
    columns = [
        *(Column("Campaign", TEXT), Column("Started", DATE, drawn=False), Column("State", TEXT, drawn=False)),
        *(Column(name, drawn=False) for name in ("Recipients", "Sent", "Failed", "Opted out")),
        *(Column("Delivered", SHARE), Column("Read", SHARE), Column("Replied", SHARE)),
    ]
    rows = [
        (
            *(campaign.name, campaign.started_at and campaign.started_at.date(), campaign.status_label),
            *(campaign.recipients, campaign.sent, campaign.failed, campaign.opted_out),
            *(campaign.delivery_rate, campaign.read_rate, campaign.reply_rate),
        )
        for campaign in campaigns
    ]
    links = [reverse("campaigns:detail", args=[campaign.id]) for campaign in campaigns]
    return [Table("campaigns", "Campaigns side by side", columns, rows, "bar", links=links)]

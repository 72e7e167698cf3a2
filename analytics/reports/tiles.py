"""KPI tiles: figure, change since the period before, sparkline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analytics.reports.contacts import ContactFigures
from analytics.reports.overview import Overview
from analytics.reports.summary import Summary, share
from analytics.reports.tables import DURATION, NUMBER, SHARE

Figure = int | float | None
NO_BREAK = "\N{NO-BREAK SPACE}"
_UNITS = (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1))
"""(unit, its seconds, the next smaller unit, its seconds)."""


def duration_text(seconds: int) -> str:
    """Format a duration in at most two units: 42 s, 3 min 10 s, 2 h 5 min.

    One unit from ten of it on. Spaces do not break.
    """
    for unit, size, smaller, part in _UNITS:
        if seconds >= size:
            whole, rest = seconds // size, seconds % size // part
            text = f"{whole} {unit} {rest} {smaller}" if rest and whole < 10 else f"{whole} {unit}"
            return text.replace(" ", NO_BREAK)
    return f"{seconds}{NO_BREAK}s"


@dataclass(frozen=True)
class Tile:
    """A tile. kind: number, duration or share.

    line: the figure of each piece of the period. better: whether an increase is good news; None: neither.
    """

    key: str
    label: str
    icon: str
    value: Figure
    before: Figure
    kind: str = NUMBER
    note: str = ""
    better: bool | None = True
    line: Sequence[Figure] = ()

    @property
    def change(self) -> float | None:
        """Return the relative change; None if not comparable.

        Of shares the difference: 0.01 is a percentage point.
        """
        if self.value is None or self.before is None:
            return None
        if self.kind == SHARE:
            return self.value - self.before
        return share(int(self.value) - int(self.before), int(self.before))

    @property
    def tone(self) -> str:
        """Return the colour of the change: good, bad or even."""
        change = self.change
        if not change or self.better is None or abs(change) < 0.005:
            return "even"
        return "good" if (change > 0) == self.better else "bad"


def overview_tiles(overview: Overview) -> list[Tile]:
    """Return the tiles of the overview."""

    def tile(
        key: str,
        label: str,
        icon: str,
        figure: Callable[[Summary], Figure],
        kind: str = NUMBER,
        **more: object,
    ) -> Tile:
        line = [figure(piece.figures) for piece in overview.pieces]
        return Tile(key, label, icon, figure(overview.now), figure(overview.before), kind, line=line, **more)  # type: ignore[arg-type]

    return [
        tile("received", "Received", "arrow-narrow-down", lambda summary: summary.received, better=None),
        tile("sent", "Sent", "arrow-narrow-up", lambda summary: summary.sent, better=None),
        tile(
            "active", "Active contacts", "users", lambda summary: summary.active_contacts, note="wrote to you"
        ),
        tile("new", "New contacts", "user-plus", lambda summary: summary.new_contacts),
        tile(
            "conversations", "Conversations", "messages", lambda summary: summary.conversations, better=None
        ),
        tile(
            *("response", "First response", "clock", lambda summary: summary.answers.median, DURATION),
            better=False,
            note=_ninety(overview.now.answers.p90),
        ),
        tile(
            *(
                "resolution",
                "Resolution",
                "circle-check",
                lambda summary: summary.resolutions.median,
                DURATION,
            ),
            better=False,
            note=_ninety(overview.now.resolutions.p90),
        ),
        tile(
            "delivered",
            "Delivered",
            "checks",
            lambda summary: summary.delivery_rate,
            SHARE,
            note="of what was sent",
        ),
        tile("read", "Read", "eye", lambda summary: summary.read_rate, SHARE, note="of what was sent"),
        tile("opt_outs", "Opt-outs", "user-off", lambda summary: summary.opt_outs, better=False),
    ]


def _ninety(seconds: int | None) -> str:
    return f"median; 90 % within {duration_text(seconds)}" if seconds is not None else "none in this range"


def contact_tiles(figures: ContactFigures) -> list[Tile]:
    """Return the tiles of the contacts page."""
    active = [piece.figures.active_contacts for piece in figures.pieces]
    new = [piece.figures.new_contacts for piece in figures.pieces]
    now, before = figures.now, figures.before
    return [
        Tile(
            *("total", "Contacts", "users-group", figures.total, figures.total_before),
            note="at the end of the range",
            line=[one.total for one in figures.growth],
        ),
        Tile("new", "New contacts", "user-plus", now.new_contacts, before.new_contacts, line=new),
        Tile(
            *("active", "Active contacts", "users", now.active_contacts, before.active_contacts),
            note="wrote to you",
            line=active,
        ),
        Tile(
            *("response", "Wrote back", "message-circle", figures.response_rate, None, SHARE),
            note=f"{figures.responded:,} of {figures.reached:,} you wrote to",
        ),
    ]

"""The figures at the top of a page: number, change since the period before, and a small line of how it went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analytics.durations import words
from analytics.report_tables import DURATION, NUMBER, SHARE
from analytics.reports.contacts import ContactFigures
from analytics.reports.overview import Overview
from analytics.reports.summary import Summary, share

Figure = int | float | None


@dataclass(frozen=True)
class Tile:
    """kind: number, duration or share. better: whether more of it is good news; None: neither. line: the figure of
    each piece of the range."""

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
        """By which part of it the figure has changed; of shares by how many points (1 is 100). None: nothing to say."""
        if self.value is None or self.before is None:
            return None
        if self.kind == SHARE:
            return self.value - self.before
        return share(int(self.value) - int(self.before), int(self.before))

    @property
    def tone(self) -> str:
        """good, bad or even: how the change is coloured."""
        change = self.change
        if not change or self.better is None or abs(change) < 0.005:
            return "even"
        return "good" if (change > 0) == self.better else "bad"


def overview_tiles(overview: Overview) -> list[Tile]:
    """The tiles of the overview."""

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
        tile("received", "Received", "arrow-narrow-down", lambda one: one.received, better=None),
        tile("sent", "Sent", "arrow-narrow-up", lambda one: one.sent, better=None),
        tile("active", "Active contacts", "users", lambda one: one.active_contacts, note="wrote to you"),
        tile("new", "New contacts", "user-plus", lambda one: one.new_contacts),
        tile("conversations", "Conversations", "messages", lambda one: one.conversations, better=None),
        tile(
            *("response", "First response", "clock", lambda one: one.answers.median, DURATION),
            better=False,
            note=_ninety(overview.now.answers.p90),
        ),
        tile(
            *("resolution", "Resolution", "circle-check", lambda one: one.resolutions.median, DURATION),
            better=False,
            note=_ninety(overview.now.resolutions.p90),
        ),
        tile(
            "delivered", "Delivered", "checks", lambda one: one.delivery_rate, SHARE, note="of what was sent"
        ),
        tile("read", "Read", "eye", lambda one: one.read_rate, SHARE, note="of what was sent"),
        tile("opt_outs", "Opt-outs", "user-off", lambda one: one.opt_outs, better=False),
    ]


def _ninety(seconds: int | None) -> str:
    return f"median; 90 % within {words(seconds)}" if seconds is not None else "none in this range"


def contact_tiles(found: ContactFigures) -> list[Tile]:
    """The tiles of the contacts page."""
    active = [piece.figures.active_contacts for piece in found.pieces]
    new = [piece.figures.new_contacts for piece in found.pieces]
    now, before = found.now, found.before
    return [
        Tile(
            *("total", "Contacts", "users-group", found.total, found.total_before),
            note="at the end of the range",
            line=[one.total for one in found.growth],
        ),
        Tile("new", "New contacts", "user-plus", now.new_contacts, before.new_contacts, line=new),
        Tile(
            *("active", "Active contacts", "users", now.active_contacts, before.active_contacts),
            note="wrote to you",
            line=active,
        ),
        Tile(
            *("response", "Wrote back", "message-circle", found.response_rate, None, SHARE),
            note=f"{found.responded:,} of {found.reached:,} you wrote to",
        ),
    ]

"""Presenters of jobs: labels, icons, colours and available actions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from accounts.access import Access
from core.clock import now
from jobs import links, registry
from jobs.models import Job
from jobs.registry import Kind

State = Job.State
POLL_SECONDS = 5
"""Interval at which a page reloads a job, in case a live update was lost."""


@dataclass(frozen=True)
class Look:
    """Colour and icon of a state."""

    color: str
    icon: str


_LOOKS = {
    State.QUEUED: Look("secondary", "clock"),
    State.RUNNING: Look("blue", "loader-2"),
    State.DONE: Look("green", "circle-check"),
    State.CANCELLED: Look("secondary", "circle-x"),
    State.FAILED: Look("red", "alert-circle"),
}


@dataclass(frozen=True)
class Card:
    """View model of one job."""

    job: Job
    kind: Kind | None
    access: Access

    @property
    def label(self) -> str:
        """The label of the job's kind."""
        return self.kind.label if self.kind else self.job.kind

    @property
    def title(self) -> str:
        return self.job.title or self.label

    @property
    def icon(self) -> str:
        return self.kind.icon if self.kind else "list-check"

    @property
    def look(self) -> Look:
        return _LOOKS[State(self.job.state)]

    @property
    def words(self) -> str:
        """The label of the state."""
        if self.job.is_cancelling:
            return "Stopping…"
        if self.job.state == State.QUEUED and self.job.started_at:
            return "Waiting to go on"
        return str(self.job.get_state_display())

    @property
    def counts(self) -> list[tuple[str, int]]:
        """The counts of the summary with their labels, in the kind's order."""
        words = self.kind.words if self.kind else {}
        return [(word, self.job.summary[name]) for name, word in words.items() if name in self.job.summary]

    @property
    def notes(self) -> list[str]:
        return list(self.job.summary.get("notes", []))

    @property
    def poll_seconds(self) -> int:
        return POLL_SECONDS

    @property
    def may_act(self) -> bool:
        """Whether the member may cancel the job, undo it and download its result."""
        return self.kind is not None and self.access.can(self.kind.capability)

    @property
    def can_cancel(self) -> bool:
        return self.may_act and not self.job.is_over and not self.job.is_cancelling

    @property
    def can_undo(self) -> bool:
        offered = self.job.undo_until is not None and self.job.undo_until > now()
        return self.may_act and offered and self.undone_by is None

    @property
    def undone_by(self) -> Job | None:
        return getattr(self.job, "undone_by", None)

    @property
    def leads_to(self) -> tuple[str, str] | None:
        """Link from a finished job, as (URL, label)."""
        if self.kind is None or self.kind.leads_to is None or not self.job.is_over or self.job.undoes_id:
            return None
        return self.kind.leads_to(self.job)

    @property
    def file_link(self) -> str:
        """URL of the result; empty if there is none or the member may not download it."""
        return links.link(self.job) if self.may_act and self.job.has_file else ""


def card(job: Job, access: Access) -> Card:
    """Build the view model of one job.

    Templates include jobs/_job.html with card=card.
    """
    return Card(job, registry.find(job.kind), access)


def cards(jobs: Iterable[Job], access: Access) -> list[Card]:
    return [card(job, access) for job in jobs]

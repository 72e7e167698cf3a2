"""Registry of the kinds of jobs. Apps register theirs in ready()."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from accounts.roles import Can

if TYPE_CHECKING:
    from jobs.context import Work
    from jobs.models import Job

Handler = Callable[["Work"], dict[str, Any]]
"""Does the work. Returns the summary: counts by name, and under "notes" a list of sentences."""
Ended = Callable[["Job"], None]
LeadsTo = Callable[["Job"], tuple[str, str] | None]
"""Link from a finished job: URL and label."""


@dataclass(frozen=True)
class Kind:
    """One kind of job.

    capability: needed to start, cancel or undo it and to download its result; checked again when the work begins.
    words: labels of the counts in its summary, in display order. undo: reverses the job `work.undoes`. ended: called
    when a job ended in any way, perhaps never or twice: removes what was stored for it. leads_to: link from a finished
    job.
    """

    name: str
    handler: Handler
    label: str
    icon: str = "list-check"
    capability: Can = Can.EDIT_CONTACTS
    words: Mapping[str, str] = field(default_factory=dict)
    undo: Handler | None = None
    ended: Ended | None = None
    leads_to: LeadsTo | None = None


_kinds: dict[str, Kind] = {}


def register(kind: str, handler: Handler, *, label: str, **options: Any) -> Kind:
    """Register `kind`; options as in Kind.

    A second registration of the same name replaces the first.
    """
    _kinds[kind] = Kind(kind, handler, label, **options)
    return _kinds[kind]


def find(kind: str) -> Kind | None:
    """Return the kind of this name, or None."""
    return _kinds.get(kind)


def get(kind: str) -> Kind:
    """Return the kind of this name. Raises LookupError if it is not registered."""
    if kind not in _kinds:
        raise LookupError(f"No kind of job is called {kind!r}: register it in the app's ready()")
    return _kinds[kind]

"""The kinds of jobs that there are. Apps register theirs in ready()."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from accounts.roles import Can

if TYPE_CHECKING:
    from jobs.context import Work
    from jobs.models import Job

Handler = Callable[["Work"], dict[str, Any]]
"""Does the work and returns its summary: counts by name, and under "notes" a list of sentences."""
Ended = Callable[["Job"], None]
LeadsTo = Callable[["Job"], tuple[str, str] | None]
"""Where somebody goes who has seen a job done: address and words."""


@dataclass(frozen=True)
class Kind:
    """One kind of job.

    capability: what a member must be allowed to start it, stop it, undo it or fetch its result; asked again when the
    work begins. words: what pages call the counts of its summary, in the order in which they are shown. undo: does the
    reverse, with the job to be undone as `work.undoes`. ended: called once more or less often than once when a job is
    over, however it ended: removes what was only kept for it. leads_to: where to go when it is done.
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


def register(kind: str, handler: Handler, *, label: str, **about: Any) -> Kind:
    """Make `kind` known; `about` as in Kind. A second registration of the same name replaces the first."""
    _kinds[kind] = Kind(kind, handler, label, **about)
    return _kinds[kind]


def find(kind: str) -> Kind | None:
    """The kind of this name, if this installation has it."""
    return _kinds.get(kind)


def get(kind: str) -> Kind:
    """The kind of this name. Raises LookupError: whoever asks has not registered it."""
    if kind not in _kinds:
        raise LookupError(f"No kind of job is called {kind!r}: register it in the app's ready()")
    return _kinds[kind]

"""Bulk actions on contacts. Apps above contacts register theirs in ready()."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from accounts.models import BusinessProfile, User
from accounts.roles import Can
from contacts.models import BulkChange, ConsentProof
from core.db import bulk
from core.errors import InvalidInput

if TYPE_CHECKING:
    from jobs.context import Work
    from jobs.models import Job

Change = tuple[UUID, UUID]
"""A row of BulkChange: contact, and the tag, consent proof or campaign that the action gave it."""


@dataclass(frozen=True)
class BulkRun:
    """One run of an action. job: None while it runs within a request.

    channel: a value of ConsentProof.How.
    """

    business: BusinessProfile
    actor: User | None
    params: Mapping[str, Any]
    job: Job | None = None
    channel: str = ConsentProof.How.TEAM

    def record(self, changes: Iterable[Change]) -> None:
        """Store what an undo of the job reverts, within its transaction.

        No-op without a job.
        """
        if self.job is not None:
            rows = [(self.job.pk, contact, target) for contact, target in changes]
            bulk.insert_rows(BulkChange, ("job_id", "contact_id", "target_id"), rows)


Apply = Callable[[BulkRun, Sequence[UUID]], int]
"""Apply the action to some contacts; returns how many it changed."""
Undo = Callable[["Work", Sequence[Change]], int]
"""Revert recorded changes that nobody has changed since, within a transaction; returns how many."""
Prepare = Callable[[BusinessProfile, User, Mapping[str, Any]], dict[str, Any]]
"""Check the action's options and return them as job parameters; "about" goes into the job's title."""


def _no_options(business: BusinessProfile, actor: User, options: Mapping[str, Any]) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class BulkAction:
    """An action on many contacts.

    label, icon: of its button. title: of its job. on_page: whether the list of contacts offers it. choices: options of
    the action as (value, label), in the form's field that is called like the action. leads_to: link of a finished job,
    as (address, label).
    """

    name: str
    label: str
    icon: str
    title: str
    apply: Apply
    prepare: Prepare = _no_options
    undo: Undo | None = None
    capability: Can = Can.EDIT_CONTACTS
    on_page: bool = True
    choices: Callable[[BusinessProfile], list[tuple[str, str]]] | None = None
    leads_to: Callable[[Job], tuple[str, str] | None] | None = None

    @property
    def has_choices(self) -> bool:
        return self.choices is not None


_actions: dict[str, BulkAction] = {}


def register(action: BulkAction) -> None:
    """Add an action. A second registration of the same name replaces the first."""
    _actions[action.name] = action


def all_actions() -> list[BulkAction]:
    """Return all actions in the order of their registration."""
    return list(_actions.values())


def get(name: str) -> BulkAction:
    """Return the action called `name`. Raises InvalidInput."""
    if name not in _actions:
        raise InvalidInput("unknown_action", "Choose what to do with these contacts.", field="action")
    return _actions[name]

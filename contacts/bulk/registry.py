"""What can be done with many contacts at once. Apps above contacts register what they add in ready()."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from accounts.models import BusinessProfile, User
from accounts.roles import Can
from core.errors import InvalidInput

if TYPE_CHECKING:
    from jobs.context import Work
    from jobs.models import Job

Pair = tuple[UUID, UUID]
"""(contact, what was done to it: the tag, the proof of the opt-out, the campaign), as BulkChange keeps it."""
Do = Callable[["Work", Sequence[UUID]], int]
"""Does it with some contacts, within a transaction, and returns how many it changed."""
Undo = Callable[["Work", Sequence[Pair]], int]
"""Takes back what `do` wrote down, within a transaction, where nobody has changed it since; returns how many."""
Prepare = Callable[[BusinessProfile, User, Mapping[str, str]], dict[str, Any]]
"""What the form says beside the choice of contacts, as parameters of the job; "about" goes into its title.

Raises InvalidInput.
"""


def _nothing(business: BusinessProfile, actor: User, given: Mapping[str, str]) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Many:
    """One thing that can be done.

    label, icon: of its button. title: of its job. choices: what has to be chosen with it, as (value, words), under the
    action's name in the form. leads_to: where a finished job leads, as (address, words).
    """

    name: str
    label: str
    icon: str
    title: str
    do: Do
    prepare: Prepare = _nothing
    undo: Undo | None = None
    capability: Can = Can.EDIT_CONTACTS
    choices: Callable[[BusinessProfile], list[tuple[str, str]]] | None = None
    leads_to: Callable[[Job], tuple[str, str] | None] | None = None

    @property
    def is_asked(self) -> bool:
        """Whether something has to be chosen with it."""
        return self.choices is not None


_actions: dict[str, Many] = {}


def register(action: Many) -> None:
    """Let people do this with contacts. A second registration of the same name replaces the first."""
    _actions[action.name] = action


def all_actions() -> list[Many]:
    """In the order of their registration."""
    return list(_actions.values())


def get(name: str) -> Many:
    """Raises InvalidInput for an unknown one."""
    if name not in _actions:
        raise InvalidInput("unknown_action", "Choose what to do with these contacts.", field="action")
    return _actions[name]

"""What contacts needs of the apps above it, which register it in their ready()."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import BusinessProfile
from contacts.models import Contact, TagRule


@dataclass(frozen=True)
class Entry:
    """One line of a contact's timeline. icon: of the sprite. url: where it leads, if anywhere."""

    at: datetime
    icon: str
    title: str
    text: str = ""
    url: str = ""


Source = Callable[[UUID, UUID, datetime, int], list[Entry]]
"""(business, contact, before, limit) -> at most `limit` entries before that time, newest first; one query."""
Matcher = Callable[[TagRule], QuerySet[Contact]]
"""The contacts of the rule's business to whom a rule applies by what was written so far."""


@dataclass(frozen=True)
class OurNumbers:
    """The business's own numbers, and with whom each of them talks.

    of: (id, name) of each of a business's. talks: rows with a contact_id, of everybody with whom these talk.
    """

    of: Callable[[BusinessProfile], list[tuple[UUID, str]]]
    talks: Callable[[Collection[UUID]], QuerySet[Any]]


OpenFile = Callable[[], IO[bytes]]
Files = Callable[[UUID, UUID], Iterator[tuple[str, OpenFile]]]
"""(business, contact) -> names and ways to open the files that an app keeps of a contact."""

_files: list[Files] = []
Places = Callable[[UUID, Collection[UUID]], dict[UUID, str]]
"""(business, messages) -> where each of those that are still there can be seen."""

_places: list[Places] = []
_sources: list[Source] = []
_numbers: list[OurNumbers] = []
_matchers: dict[str, Matcher] = {}


def register_timeline(source: Source) -> None:
    """Add what an app knows to contacts' timelines."""
    if source not in _sources:
        _sources.append(source)


def timeline_sources() -> tuple[Source, ...]:
    """All of them, in the order of their registration."""
    return tuple(_sources)


def register_files(files: Files) -> None:
    """Add what an app keeps of a contact outside the database to what is handed over."""
    if files not in _files:
        _files.append(files)


def files_of(business_id: UUID, contact_id: UUID) -> Iterator[tuple[str, OpenFile]]:
    """All files that are kept of a contact."""
    for files in _files:
        yield from files(business_id, contact_id)


def register_places_of_messages(places: Places) -> None:
    """Say where messages can be seen; one app does."""
    _places[:] = [places]


def places_of_messages(business_id: UUID, message_ids: Collection[UUID]) -> dict[UUID, str]:
    """Addresses of those of these messages that are still there; no query for none."""
    return _places[0](business_id, message_ids) if message_ids and _places else {}


def register_our_numbers(numbers: OurNumbers) -> None:
    """Say which numbers a business has; one app does."""
    _numbers[:] = [numbers]


def our_numbers() -> OurNumbers:
    """Raises LookupError where nobody has registered them."""
    return _numbers[0]


def register_matcher(kind: str, matcher: Matcher) -> None:
    """Say who answers for a kind of rule."""
    _matchers[kind] = matcher


def matcher(kind: str) -> Matcher:
    """Raises LookupError for a kind that no app answers for."""
    return _matchers[kind]

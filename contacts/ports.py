"""Ports, which apps above register in their ready()."""

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
    """An entry of a contact's timeline. icon: name in the sprite. url: link, if any."""

    at: datetime
    icon: str
    title: str
    text: str = ""
    url: str = ""


Source = Callable[[UUID, UUID, datetime, int], list[Entry]]
"""(business, contact, before, limit) -> at most `limit` older entries, newest first; one query."""
Matcher = Callable[[TagRule], QuerySet[Contact]]
"""The contacts of the rule's business to whom a rule applies by the messages so far."""


@dataclass(frozen=True)
class OurNumbers:
    """The numbers of a business, and the contacts they talk with.

    names_of: (id, name) of each number of a business. conversations_of: rows with a contact_id, one a
    conversation of these numbers.
    """

    names_of: Callable[[BusinessProfile], list[tuple[UUID, str]]]
    conversations_of: Callable[[Collection[UUID]], QuerySet[Any]]


OpenFile = Callable[[], IO[bytes]]
Files = Callable[[UUID, UUID], Iterator[tuple[str, OpenFile]]]
"""(business, contact) -> names and openers of the files that an app stores of a contact."""

_files: list[Files] = []
Places = Callable[[UUID, Collection[UUID]], dict[UUID, str]]
"""(business, messages) -> addresses of the existing ones among these messages."""

_places: list[Places] = []
_sources: list[Source] = []
_numbers: list[OurNumbers] = []
_matchers: dict[str, Matcher] = {}


def register_timeline(source: Source) -> None:
    """Register a source of timeline entries."""
    if source not in _sources:
        _sources.append(source)


def timeline_sources() -> tuple[Source, ...]:
    """Return all sources in the order of their registration."""
    return tuple(_sources)


def register_files(files: Files) -> None:
    """Register the files of an app for personal data exports."""
    if files not in _files:
        _files.append(files)


def files_of(business_id: UUID, contact_id: UUID) -> Iterator[tuple[str, OpenFile]]:
    """Yield all files that are stored of a contact."""
    for files in _files:
        yield from files(business_id, contact_id)


def register_places_of_messages(places: Places) -> None:
    """Register where messages can be seen. The last registration wins."""
    _places[:] = [places]


def places_of_messages(business_id: UUID, message_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the addresses of those messages that exist.

    No query without messages.
    """
    return _places[0](business_id, message_ids) if message_ids and _places else {}


def register_our_numbers(numbers: OurNumbers) -> None:
    """Register the numbers of businesses. The last registration wins."""
    _numbers[:] = [numbers]


def our_numbers() -> OurNumbers:
    """Return the registered numbers. Raises LookupError without a registration."""
    return _numbers[0]


def register_matcher(kind: str, matcher: Matcher) -> None:
    """Register the matcher of a kind of tag rule."""
    _matchers[kind] = matcher


def matcher(kind: str) -> Matcher:
    """Return the matcher of a kind of tag rule. Raises LookupError."""
    return _matchers[kind]

"""Domain events of contacts."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class ContactCreated(Event):
    """A contact was created, by hand or by a first message."""

    name: ClassVar[str] = "contact.created"
    contact_id: UUID


@dataclass(frozen=True, kw_only=True)
class ContactUpdated(Event):
    """A contact's own fields or tags changed."""

    name: ClassVar[str] = "contact.updated"
    contact_id: UUID


@dataclass(frozen=True, kw_only=True)
class ContactsMerged(Event):
    """A contact was merged into another one.

    Published inside the merging transaction, before the row of `lost_id` is deleted: inside subscribers move what
    refers to it to `contact_id`.
    """

    name: ClassVar[str] = "contact.merged"
    contact_id: UUID
    lost_id: UUID


@dataclass(frozen=True, kw_only=True)
class ContactDeleted(Event):
    """A contact is being deleted, with everything that refers to it.

    Published before the rows are deleted.
    """

    name: ClassVar[str] = "contact.deleted"
    contact_id: UUID


@dataclass(frozen=True, kw_only=True)
class ContactOptedOut(Event):
    """A contact opted out of campaigns. how: a value of ConsentProof.How."""

    name: ClassVar[str] = "contact.opted_out"
    contact_id: UUID
    how: str


@dataclass(frozen=True, kw_only=True)
class ContactOptedIn(Event):
    """A contact who had opted out opted in again. how: a value of ConsentProof.How."""

    name: ClassVar[str] = "contact.opted_in"
    contact_id: UUID
    how: str


@dataclass(frozen=True, kw_only=True)
class TagsMerged(Event):
    """The tag `lost_id` was merged into `tag_id`.

    Published before the lost tag is deleted.
    """

    name: ClassVar[str] = "tag.merged"
    tag_id: UUID
    lost_id: UUID


@dataclass(frozen=True, kw_only=True)
class ContactBlocked(Event):
    """A contact was blocked or unblocked."""

    name: ClassVar[str] = "contact.blocked"
    contact_id: UUID
    blocked: bool


@dataclass(frozen=True, kw_only=True)
class ContactsImported(Event):
    """A chunk of an import was committed. created, updated: numbers of contacts.

    Imports publish no `contact.created` and `contact.updated`: 100,000 webhooks would help nobody.
    """

    name: ClassVar[str] = "contacts.imported"
    job_id: UUID
    created: int
    updated: int

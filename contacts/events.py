"""What happens to contacts."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class ContactCreated(Event):
    """A contact came into being, by hand or by a message."""

    name: ClassVar[str] = "contact.created"
    contact_id: UUID


@dataclass(frozen=True, kw_only=True)
class ContactUpdated(Event):
    """A contact's own fields changed."""

    name: ClassVar[str] = "contact.updated"
    contact_id: UUID


@dataclass(frozen=True, kw_only=True)
class ContactsMerged(Event):
    """`lost_id` turned out to be the same person as `contact_id`.

    Published inside the merging transaction, before the lost row is deleted: inside subscribers move what points at it.
    """

    name: ClassVar[str] = "contact.merged"
    contact_id: UUID
    lost_id: UUID


@dataclass(frozen=True, kw_only=True)
class ContactDeleted(Event):
    """A contact is being deleted, with everything that hangs on it. Published before the rows go."""

    name: ClassVar[str] = "contact.deleted"
    contact_id: UUID


@dataclass(frozen=True, kw_only=True)
class ContactOptedOut(Event):
    """A contact wants no more campaigns. how: a value of ConsentProof.How."""

    name: ClassVar[str] = "contact.opted_out"
    contact_id: UUID
    how: str


@dataclass(frozen=True, kw_only=True)
class ContactOptedIn(Event):
    """A contact who had opted out may be written to again."""

    name: ClassVar[str] = "contact.opted_in"
    contact_id: UUID
    how: str


@dataclass(frozen=True, kw_only=True)
class TagsMerged(Event):
    """Whoever carried the tag `lost_id` carries `tag_id` now. Published before the lost tag is deleted."""

    name: ClassVar[str] = "tag.merged"
    tag_id: UUID
    lost_id: UUID


@dataclass(frozen=True, kw_only=True)
class ContactBlocked(Event):
    """A contact was muted and taken out of campaigns, or let in again."""

    name: ClassVar[str] = "contact.blocked"
    contact_id: UUID
    blocked: bool


@dataclass(frozen=True, kw_only=True)
class ContactsImported(Event):
    """A chunk of an import was taken in: so many contacts are new, so many were filled in or corrected.

    Imports tell no `contact.created` and `contact.updated` for each: 100,000 webhooks would help nobody.
    """

    name: ClassVar[str] = "contacts.imported"
    job_id: UUID
    created: int
    updated: int

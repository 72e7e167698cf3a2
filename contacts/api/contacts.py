"""API endpoints of contacts, their tags and notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rest_framework.request import Request

from accounts.api.base import Endpoint
from accounts.api.operations import operation
from accounts.roles import Can
from accounts.scopes import Resource
from contacts import selectors
from contacts.api import filters, serializers
from contacts.bulk import job as bulk
from contacts.models import Contact
from contacts.services import consent, contacts, merging, notes, privacy, tags
from jobs.api.serializers import JobSerializer
from jobs.models import Job

_ID = "0199f0a0-0000-7000-8000-00000000c0de"
_CARLA = {"phoneNumber": "+9992000000123", "name": "Carla Customer", "email": "carla@example.com"}


class Contacts(Endpoint):
    """People who write, or may write, with the business."""

    section = "Contacts"
    resource = Resource.CONTACTS
    capability = Can.EDIT_CONTACTS
    cursor_ordering = ("-id",)

    def current(self, contact_id: UUID) -> Contact:
        """Get the contact that If-Match and the ETag are about."""
        return selectors.get_contact(self.business, contact_id)

    def prepare(self, rows: Sequence[Contact]) -> None:
        """Their tags, in one query for all."""
        selectors.attach_tags(rows)

    @operation(
        "List contacts",
        answer=serializers.ContactSerializer,
        many=True,
        pages="cursor",
        query=serializers.ContactQuery,
        ordering={"createdAt": ("id",), "name": ("sort_name", "id")},
    )
    def list(self, request: Request) -> Any:
        """Newest first. Filters can be combined; all of them must hold."""
        return filters.matching(self.business, self.query)

    @operation("Get a contact", answer=serializers.ContactSerializer)
    def retrieve(self, request: Request, contact_id: UUID) -> Contact:
        """One contact with its tags."""
        return selectors.get_contact(self.business, contact_id)

    @operation(
        "Create a contact",
        body=serializers.ContactBody,
        answer=serializers.ContactSerializer,
        status=201,
        example=_CARLA,
    )
    def create(self, request: Request) -> Contact:
        """409 `contact_exists` names the contact that already has the number."""
        given = dict(self.data)
        return contacts.create(self.business, self.user, fields=given.pop("metadata"), **given)

    @operation(
        "Replace a contact",
        body=serializers.ContactChange,
        answer=serializers.ContactSerializer,
        conditional=True,
        example={"name": "Carla Customer", "email": "carla@example.com"},
    )
    def update(self, request: Request, contact_id: UUID) -> Contact:
        """Replace name, address and custom fields; the number stays if it is not sent."""
        given = dict(self.data)
        return contacts.replace(self.business, contact_id, self.user, fields=given.pop("metadata"), **given)

    @operation(
        "Change a contact",
        body=serializers.ContactChange,
        answer=serializers.ContactSerializer,
        conditional=True,
        example={"name": "Carla C."},
    )
    def partial_update(self, request: Request, contact_id: UUID) -> Contact:
        """Only what is sent changes."""
        given = dict(self.data)
        contact = selectors.get_contact(self.business, contact_id)
        return contacts.update(self.business, contact, self.user, fields=given.pop("metadata", None), **given)

    @operation("Delete a contact", conditional=True)
    def destroy(self, request: Request, contact_id: UUID) -> None:
        """Delete the contact for good, with conversations, notes and tags.

        An opt-out is kept in case the number comes back.
        """
        contact = selectors.get_contact(self.business, contact_id)
        contacts.delete(self.business, [contact.pk], self.user)

    @operation(
        "Merge two contacts",
        body=serializers.MergeBody,
        answer=serializers.ContactSerializer,
        example={"contactId": _ID},
    )
    def merge(self, request: Request, contact_id: UUID) -> Contact:
        """Copy missing data from the other contact, which is then deleted. Cannot be undone."""
        keep = selectors.get_contact(self.business, contact_id)
        lose = selectors.get_contact(self.business, self.data["contact_id"])
        return merging.merge(self.business, self.user, keep, lose)

    @operation(
        "Set consent",
        body=serializers.ConsentBody,
        answer=serializers.ContactSerializer,
        conditional=True,
        example={"optedOut": True, "note": "By phone"},
    )
    def consent(self, request: Request, contact_id: UUID) -> Contact:
        """Opt the contact out of campaigns or in again. Every change is kept as proof."""
        contact = selectors.get_contact(self.business, contact_id)
        verb = consent.opt_out if self.data["opted_out"] else consent.opt_in
        verb(self.business, [contact.pk], how=consent.How.API, actor=self.user, note=self.data["note"])
        return selectors.get_contact(self.business, contact_id)

    @operation("Block a contact", answer=serializers.ContactSerializer)
    def block(self, request: Request, contact_id: UUID) -> Contact:
        """Mute the contact and keep it out of campaigns."""
        contact = selectors.get_contact(self.business, contact_id)
        contacts.block(self.business, [contact.pk], self.user)
        return selectors.get_contact(self.business, contact_id)

    @operation("Unblock a contact", answer=serializers.ContactSerializer)
    def unblock(self, request: Request, contact_id: UUID) -> Contact:
        """Unblock the contact."""
        contact = selectors.get_contact(self.business, contact_id)
        contacts.unblock(self.business, [contact.pk], self.user)
        return selectors.get_contact(self.business, contact_id)


class PersonalData(Endpoint):
    """Personal data of one contact."""

    section = "Contacts"
    resource = Resource.CONTACTS
    capability = Can.EDIT_CONTACTS

    @operation("Collect a contact's data", answer=JobSerializer, status=201)
    def create(self, request: Request, contact_id: UUID) -> Job:
        """Export everything about the contact as one archive.

        Returns a job; the archive is at GET /jobs/{jobId}/file when the job is done.
        """
        contact = selectors.get_contact(self.business, contact_id)
        return privacy.start(self.business, contact, self.user)


class Bulk(Endpoint):
    """Bulk actions on contacts."""

    section = "Contacts"
    resource = Resource.CONTACTS
    capability = Can.EDIT_CONTACTS

    @operation(
        "Change many contacts",
        body=serializers.BulkBody,
        answer=serializers.BulkSerializer,
        example={"action": "block", "contactIds": [_ID]},
    )
    def create(self, request: Request) -> Any:
        """Change up to 1,000 contacts at once: `contactIds`, or those that match `filter`. More become a job."""
        wanted = self.data.get("filter")
        changed = bulk.run_at_once(
            self.business,
            self.user,
            action=serializers.BULK_ACTIONS[self.data["action"]],
            ids=self.data.get("contact_ids"),
            filters=None if wanted is None else filters.read(self.business, wanted),
            options={"tag_ids": self.data["tag_ids"]},
        )
        return {"changed": changed}


class ContactTags(Endpoint):
    """Tags of one contact."""

    section = "Contacts"
    resource = Resource.CONTACTS
    capability = Can.EDIT_CONTACTS

    @operation("List a contact's tags", answer=serializers.ShortTagSerializer, many=True)
    def list(self, request: Request, contact_id: UUID) -> Any:
        """By name."""
        return selectors.tags_of(selectors.get_contact(self.business, contact_id).pk)

    @operation(
        "Tag a contact",
        body=serializers.TagIdsBody,
        answer=serializers.ShortTagSerializer,
        many=True,
        example={"names": ["VIP"]},
    )
    def create(self, request: Request, contact_id: UUID) -> Any:
        """Add tags and return all tags of the contact. Tags that the contact already has stay."""
        contact = selectors.get_contact(self.business, contact_id)
        return tags.add_to_contact(self.business, contact, self.user, **self.data)

    @operation("Take a tag off a contact")
    def destroy(self, request: Request, contact_id: UUID, tag_id: UUID) -> None:
        """No effect if the contact does not have the tag."""
        contact = selectors.get_contact(self.business, contact_id)
        tag = selectors.get_tag(self.business, tag_id)
        tags.remove(self.business, [contact.pk], [tag], self.user)


class Notes(Endpoint):
    """Notes of the team about a contact."""

    section = "Contacts"
    resource = Resource.CONTACTS
    capability = Can.EDIT_CONTACTS
    cursor_ordering = ("-id",)

    def current(self, contact_id: UUID, note_id: UUID) -> Any:
        """Get the note that If-Match and the ETag are about."""
        return selectors.get_note(self.business, selectors.get_contact(self.business, contact_id), note_id)

    @operation(
        "List notes",
        answer=serializers.NoteSerializer,
        many=True,
        pages="cursor",
        ordering={"createdAt": ("id",)},
    )
    def list(self, request: Request, contact_id: UUID) -> Any:
        """Newest first."""
        return selectors.notes_of(self.business, selectors.get_contact(self.business, contact_id))

    @operation(
        "Write a note",
        body=serializers.NoteBody,
        answer=serializers.NoteSerializer,
        status=201,
        example={"body": "Prefers to be called in the morning."},
    )
    def create(self, request: Request, contact_id: UUID) -> Any:
        """Add a note. Its author is the caller, or the creator of the API key."""
        contact = selectors.get_contact(self.business, contact_id)
        return notes.add(self.business, contact, self.user, self.data["body"])

    @operation("Get a note", answer=serializers.NoteSerializer)
    def retrieve(self, request: Request, contact_id: UUID, note_id: UUID) -> Any:
        """One note."""
        return self.current(contact_id, note_id)

    @operation(
        "Replace a note",
        body=serializers.NoteBody,
        answer=serializers.NoteSerializer,
        conditional=True,
        example={"body": "Prefers to be called in the evening."},
    )
    def update(self, request: Request, contact_id: UUID, note_id: UUID) -> Any:
        """Replace the text; the author stays."""
        self.current(contact_id, note_id)
        return notes.update(self.business, note_id, self.user, self.data["body"])

    @operation("Delete a note", conditional=True)
    def destroy(self, request: Request, contact_id: UUID, note_id: UUID) -> None:
        """Delete the note for good."""
        notes.delete(self.business, self.current(contact_id, note_id).pk, self.user)

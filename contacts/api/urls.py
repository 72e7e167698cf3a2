"""API routes of contacts, tags, fields and segments."""

from typing import Any

from django.urls import path

from contacts.api import contacts as people
from contacts.api import files, rules, sorting

ITEM: dict[str, Any] = {
    "get": "retrieve",
    "put": "update",
    "patch": "partial_update",
    "delete": "destroy",
}
LIST: dict[str, Any] = {"get": "list", "post": "create"}

urlpatterns = [
    path("contacts", people.Contacts.as_view(LIST), name="contacts"),
    path("contacts/import", files.Files.as_view({"post": "load"}), name="contacts-import"),
    path("contacts/export", files.Files.as_view({"post": "dump"}), name="contacts-export"),
    path("contacts/bulk", people.Bulk.as_view({"post": "create"}), name="contacts-bulk"),
    path("contacts/<uuid:contact_id>", people.Contacts.as_view(ITEM), name="contact"),
    path(
        "contacts/<uuid:contact_id>/merge", people.Contacts.as_view({"post": "merge"}), name="contact-merge"
    ),
    path(
        "contacts/<uuid:contact_id>/consent",
        people.Contacts.as_view({"put": "consent"}),
        name="contact-consent",
    ),
    path(
        "contacts/<uuid:contact_id>/block", people.Contacts.as_view({"post": "block"}), name="contact-block"
    ),
    path(
        "contacts/<uuid:contact_id>/unblock",
        people.Contacts.as_view({"post": "unblock"}),
        name="contact-unblock",
    ),
    path("contacts/<uuid:contact_id>/tags", people.ContactTags.as_view(LIST), name="contact-tags"),
    path(
        "contacts/<uuid:contact_id>/tags/<uuid:tag_id>",
        people.ContactTags.as_view({"delete": "destroy"}),
        name="contact-tag",
    ),
    path(
        "contacts/<uuid:contact_id>/personal-data",
        people.PersonalData.as_view({"post": "create"}),
        name="contact-personal-data",
    ),
    path("contacts/<uuid:contact_id>/notes", people.Notes.as_view(LIST), name="contact-notes"),
    path(
        "contacts/<uuid:contact_id>/notes/<uuid:note_id>",
        people.Notes.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
        name="contact-note",
    ),
    path("tags", sorting.Tags.as_view(LIST), name="tags"),
    path("tags/<uuid:tag_id>", sorting.Tags.as_view(ITEM), name="tag"),
    path("tags/<uuid:tag_id>/merge", sorting.Tags.as_view({"post": "merge"}), name="tag-merge"),
    path("tag-rules", rules.TagRules.as_view(LIST), name="tag-rules"),
    path(
        "tag-rules/<uuid:rule_id>",
        rules.TagRules.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="tag-rule",
    ),
    path("tag-rules/<uuid:rule_id>/run", rules.TagRules.as_view({"post": "run"}), name="tag-rule-run"),
    path("fields", sorting.Fields.as_view(LIST), name="fields"),
    path("fields/<uuid:field_id>", sorting.Fields.as_view(ITEM), name="field"),
    path("segments", sorting.Segments.as_view(LIST), name="segments"),
    path("segments/<uuid:segment_id>", sorting.Segments.as_view(ITEM), name="segment"),
]

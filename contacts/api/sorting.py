"""API endpoints of tags, custom fields and segments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request

from accounts.api.base import Endpoint
from accounts.api.operations import operation
from accounts.roles import Can
from accounts.scopes import Resource
from contacts import selectors
from contacts.api import filters, serializers
from contacts.models import CustomField, Segment, Tag
from contacts.services import fields, segments, tags

_ID = "0199f0a0-0000-7000-8000-00000000c0de"


class Tags(Endpoint):
    """Labels of contacts."""

    section = "Tags"
    resource = Resource.TAGS
    capability = Can.EDIT_CONTACTS

    def current(self, tag_id: UUID) -> Tag:
        """Get the tag that If-Match and the ETag are about."""
        return selectors.get_tag(self.business, tag_id)

    @operation(
        "List tags",
        answer=serializers.TagSerializer,
        many=True,
        pages="number",
        ordering={"name": ("name", "id"), "createdAt": ("id",)},
    )
    def list(self, request: Request) -> Any:
        """All tags, by name."""
        return selectors.all_tags(self.business)

    @operation("Get a tag", answer=serializers.TagSerializer)
    def retrieve(self, request: Request, tag_id: UUID) -> Tag:
        """One tag."""
        return selectors.get_tag(self.business, tag_id)

    @operation(
        "Create a tag",
        body=serializers.TagBody,
        answer=serializers.TagSerializer,
        status=201,
        example={"name": "VIP", "color": "#d6336c"},
    )
    def create(self, request: Request) -> Tag:
        """409 `tag_exists` if another tag has this name."""
        return tags.create(self.business, self.user, **self.data)

    @operation(
        "Replace a tag",
        body=serializers.TagBody,
        answer=serializers.TagSerializer,
        conditional=True,
        example={"name": "Very important", "color": "#1c7ed6"},
    )
    def update(self, request: Request, tag_id: UUID) -> Tag:
        """Rename or recolour the tag; without a colour it keeps its own."""
        return tags.update(self.business, selectors.get_tag(self.business, tag_id), self.user, **self.data)

    @operation(
        "Change a tag",
        body=serializers.TagBody,
        answer=serializers.TagSerializer,
        conditional=True,
        example={"color": "#1c7ed6"},
    )
    def partial_update(self, request: Request, tag_id: UUID) -> Tag:
        """Only what is sent changes."""
        tag = selectors.get_tag(self.business, tag_id)
        given = {"name": tag.name, "color": tag.color, **self.data}
        return tags.update(self.business, tag, self.user, **given)

    @operation(
        "Merge two tags",
        body=serializers.TagMergeBody,
        answer=serializers.TagSerializer,
        example={"tagId": _ID},
    )
    def merge(self, request: Request, tag_id: UUID) -> Tag:
        """Move contacts, rules and segments of the other tag to this one, and delete the other tag."""
        keep = selectors.get_tag(self.business, tag_id)
        lose = selectors.get_tag(self.business, self.data["tag_id"])
        return tags.merge(self.business, lose, keep, self.user)

    @operation("Delete a tag", conditional=True)
    def destroy(self, request: Request, tag_id: UUID) -> None:
        """Delete the tag and remove it from all contacts."""
        tags.delete(self.business, selectors.get_tag(self.business, tag_id), self.user)


class Fields(Endpoint):
    """Custom fields of contacts."""

    section = "Fields"
    resource = Resource.CONTACTS
    capability = Can.MANAGE_BUSINESS

    def current(self, field_id: UUID) -> CustomField:
        """Get the field that If-Match and the ETag are about."""
        return fields.get(self.business, field_id)

    @operation("List fields", answer=serializers.FieldSerializer, many=True)
    def list(self, request: Request) -> Any:
        """In the order of the fields; there are at most a few dozen."""
        return selectors.fields_of(self.business)

    @operation("Get a field", answer=serializers.FieldSerializer)
    def retrieve(self, request: Request, field_id: UUID) -> CustomField:
        """One field."""
        return fields.get(self.business, field_id)

    @operation(
        "Create a field",
        body=serializers.FieldBody,
        answer=serializers.FieldSerializer,
        status=201,
        example={"label": "Size", "kind": "choice", "choices": ["S", "M", "L"]},
    )
    def create(self, request: Request) -> CustomField:
        """Create a field. Its values are in the `metadata` of contacts, under its key."""
        return fields.create(self.business, self.user, **self.data)

    @operation(
        "Replace a field",
        body=serializers.FieldChange,
        answer=serializers.FieldSerializer,
        conditional=True,
        example={"label": "Shirt size", "choices": ["S", "M", "L", "XL"]},
    )
    def update(self, request: Request, field_id: UUID) -> CustomField:
        """Rename the field or change its choices. Kind and key are fixed."""
        return fields.update(self.business, field_id, self.user, **self.data)

    @operation(
        "Change a field",
        body=serializers.FieldChange,
        answer=serializers.FieldSerializer,
        conditional=True,
        example={"label": "Shirt size"},
    )
    def partial_update(self, request: Request, field_id: UUID) -> CustomField:
        """Only what is sent changes."""
        field = fields.get(self.business, field_id)
        given = {"label": field.label, "choices": field.choices, **self.data}
        return fields.update(self.business, field_id, self.user, **given)

    @operation("Delete a field", conditional=True)
    def destroy(self, request: Request, field_id: UUID) -> None:
        """Delete the field. Contacts keep its values, hidden: creating the field again brings them back."""
        fields.delete(self.business, field_id, self.user)


class Segments(Endpoint):
    """Saved filters of contacts."""

    section = "Segments"
    resource = Resource.CONTACTS
    capability = Can.EDIT_CONTACTS

    def current(self, segment_id: UUID) -> Segment:
        """Get the segment that If-Match and the ETag are about."""
        return selectors.get_segment(self.business, segment_id)

    @operation("List segments", answer=serializers.SegmentSerializer, many=True)
    def list(self, request: Request) -> Any:
        """All segments, by name."""
        return selectors.segments_of(self.business)

    @operation("Get a segment", answer=serializers.SegmentSerializer)
    def retrieve(self, request: Request, segment_id: UUID) -> Segment:
        """One segment."""
        return selectors.get_segment(self.business, segment_id)

    @operation(
        "Create a segment",
        body=serializers.SegmentBody,
        answer=serializers.SegmentSerializer,
        status=201,
        example={"name": "Quiet customers", "filter": {"lastMessageBefore": "2026-01-01T00:00:00Z"}},
    )
    def create(self, request: Request) -> Segment:
        """Create a segment. Use it as `segmentId` in GET /contacts, or as the audience of a campaign."""
        contact_filter = filters.read(self.business, self.data["filter"])
        return segments.create(self.business, self.user, self.data["name"], contact_filter)

    @operation(
        "Replace a segment",
        body=serializers.SegmentBody,
        answer=serializers.SegmentSerializer,
        conditional=True,
        example={"name": "Quiet customers", "filter": {"neverWrote": True}},
    )
    def update(self, request: Request, segment_id: UUID) -> Segment:
        """Replace the name and the filter."""
        contact_filter = filters.read(self.business, self.data["filter"])
        return segments.update(
            self.business, segment_id, self.user, name=self.data["name"], contact_filter=contact_filter
        )

    @operation(
        "Change a segment",
        body=serializers.SegmentBody,
        answer=serializers.SegmentSerializer,
        conditional=True,
        example={"name": "Silent customers"},
    )
    def partial_update(self, request: Request, segment_id: UUID) -> Segment:
        """Only what is sent changes."""
        given = self.data
        contact_filter = filters.read(self.business, given["filter"]) if "filter" in given else None
        return segments.update(
            self.business, segment_id, self.user, name=given.get("name"), contact_filter=contact_filter
        )

    @operation("Delete a segment", conditional=True)
    def destroy(self, request: Request, segment_id: UUID) -> None:
        """Delete the segment; its contacts stay."""
        segments.delete(self.business, segment_id, self.user)

"""API serializers of contacts, tags, rules, notes, custom fields and segments."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from contacts.api import filters
from contacts.models import CustomField, Segment, TagRule
from core.api.fields import (
    Choice,
    Email,
    Flag,
    Items,
    JsonObject,
    Key,
    Moment,
    QueryFlag,
    QueryList,
    Text,
    Whole,
)
from core.api.framework import CamelCaseSerializer
from core.phone.phone import TEXT_LENGTH

COLOR = r"^#[0-9a-fA-F]{6}$"
MOST_IDS = 1000
"""Contacts that one bulk request names."""


class TagSerializer(CamelCaseSerializer):
    """A label of contacts."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    color = serializers.CharField(help_text="#rrggbb")
    created_at = serializers.DateTimeField()


class TagBody(CamelCaseSerializer):
    """Name and colour of a tag."""

    name = Text(max_length=100)
    color = serializers.RegexField(COLOR, default="", help_text="#rrggbb; without it the tag gets one.")


class TagMergeBody(CamelCaseSerializer):
    """Tag to merge into this one."""

    tag_id = Key(help_text="This one is removed.")


class TagRuleSerializer(CamelCaseSerializer):
    """Rule that tags contacts automatically."""

    id = serializers.UUIDField()
    tag_id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=TagRule.Kind.choices)
    keywords = serializers.ListField(child=serializers.CharField(), help_text="Any of them will do.")
    days = serializers.IntegerField(help_text="Without an answer.")
    is_active = serializers.BooleanField()
    tagged_count = serializers.IntegerField()
    last_tagged_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class TagRuleBody(CamelCaseSerializer):
    """Tag and condition of a rule."""

    tag_id = Key()
    kind = Choice(choices=TagRule.Kind.choices)
    keywords = Items(
        child=Text(max_length=100), default=list, max_length=50, help_text="For the kind `keyword`."
    )
    days = Whole(min_value=0, max_value=365, default=0, help_text="For the kind `no_answer`.")


class TagRuleChange(CamelCaseSerializer):
    """State of a rule: on or off."""

    is_active = Flag()


class TaggedSerializer(CamelCaseSerializer):
    """Result of running a rule."""

    tagged = serializers.IntegerField(help_text="Contacts that got the tag.")


class TagIdsBody(CamelCaseSerializer):
    """Tags to add to a contact: existing ones by `tagIds`, or names, which creates missing tags."""

    tag_ids = Items(child=Key(), default=list, max_length=100)
    names = Items(child=Text(max_length=100), default=list, max_length=20)


class ShortTagSerializer(CamelCaseSerializer):
    """A tag of a contact."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    color = serializers.CharField()


class ContactSerializer(CamelCaseSerializer):
    """A contact."""

    id = serializers.UUIDField()
    name = serializers.CharField(help_text="As you call them.")
    push_name = serializers.CharField(help_text="As they call themselves.")
    phone_number = serializers.CharField(allow_null=True, help_text="E.164; null while WhatsApp tells none.")
    email = serializers.CharField()
    country = serializers.CharField(help_text="ISO 3166, from the number.")
    profile_pic_url = serializers.CharField()
    is_business = serializers.BooleanField()
    metadata = serializers.DictField(help_text="Values of your fields, by their keys.")
    tags = ShortTagSerializer(many=True, source="shown_tags")
    opted_out_at = serializers.DateTimeField(allow_null=True)
    blocked_at = serializers.DateTimeField(allow_null=True)
    first_message_at = serializers.DateTimeField(allow_null=True)
    last_message_at = serializers.DateTimeField(allow_null=True)
    total_messages = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ContactBody(CamelCaseSerializer):
    """A new contact. The number may be written as people write it; `+` and the country code are safest."""

    phone_number = Text(max_length=TEXT_LENGTH)
    name = Text(max_length=255, allow_blank=True, default="")
    email = Email(max_length=254, allow_blank=True, default="")
    metadata = JsonObject(default=dict, help_text="Values of your fields, by their keys.")


class ContactChange(CamelCaseSerializer):
    """Changes of a contact."""

    name = Text(max_length=255, allow_blank=True, default="")
    email = Email(max_length=254, allow_blank=True, default="")
    phone_number = Text(max_length=TEXT_LENGTH, required=False, help_text="Stays when it is not sent.")
    metadata = JsonObject(default=dict, help_text="Values of your fields; null removes one.")


class ContactQuery(CamelCaseSerializer):
    """Filter of contacts."""

    q = Text(max_length=200, required=False, help_text="In the name, the number, the address or a field.")
    search = Text(max_length=200, required=False, help_text="The same as `q`.")
    tags_any = QueryList(
        child=Key(), required=False, max_length=100, help_text="With at least one of these tags."
    )
    tags_all = QueryList(child=Key(), required=False, max_length=100, help_text="With all of these tags.")
    tags_none = QueryList(child=Key(), required=False, max_length=100, help_text="With none of these tags.")
    segment_id = Key(required=False, help_text="Those in this segment.")
    phone_number = Text(
        max_length=TEXT_LENGTH, required=False, help_text="The one with this number, in any spelling."
    )
    last_message_after = Moment(required=False)
    last_message_before = Moment(required=False)
    first_message_after = Moment(required=False)
    first_message_before = Moment(required=False)
    never_wrote = QueryFlag(required=False)
    opted_out = QueryFlag(required=False)
    blocked = QueryFlag(required=False)
    has_number = QueryFlag(required=False)
    connection = QueryList(
        child=Key(), required=False, max_length=100, help_text="Who talks with one of these numbers of yours."
    )
    country = QueryList(child=Text(min_length=2, max_length=2), required=False, help_text="ISO 3166 codes.")


class MergeBody(CamelCaseSerializer):
    """Contact to merge into this one."""

    contact_id = Key(help_text="This one is removed; what it has moves over.")


class ConsentBody(CamelCaseSerializer):
    """Consent to campaigns."""

    opted_out = Flag()
    note = Text(max_length=255, allow_blank=True, default="", help_text="How you know; kept as proof.")


class NoteAuthorSerializer(CamelCaseSerializer):
    """Author of a note."""

    id = serializers.UUIDField()
    full_name = serializers.CharField()


class NoteSerializer(CamelCaseSerializer):
    """A note about a contact."""

    id = serializers.UUIDField()
    body = serializers.CharField()
    author = NoteAuthorSerializer(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class NoteBody(CamelCaseSerializer):
    """Text of a note."""

    body = Text(max_length=5000)


class FieldSerializer(CamelCaseSerializer):
    """A custom field of contacts. Values are in `metadata` under `key`."""

    id = serializers.UUIDField()
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.ChoiceField(choices=CustomField.Kind.choices)
    choices = serializers.ListField(child=serializers.CharField())
    position = serializers.IntegerField()


class FieldBody(CamelCaseSerializer):
    """A new custom field."""

    label = Text(max_length=100)  # type: ignore[assignment]
    kind = Choice(choices=CustomField.Kind.choices, default=CustomField.Kind.TEXT)
    key = serializers.RegexField(
        r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$",
        max_length=40,
        default="",
        help_text="Without it, made of the label.",
    )
    choices = Items(child=Text(max_length=100), default=list, max_length=100)


class FieldChange(CamelCaseSerializer):
    """Changes of a custom field. Its kind and key are fixed."""

    label = Text(max_length=100)  # type: ignore[assignment]
    choices = Items(child=Text(max_length=100), default=list, max_length=100)


class SegmentSerializer(CamelCaseSerializer):
    """A saved filter. Its contacts are determined whenever it is used."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    filter = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def get_filter(self, segment: Segment) -> dict[str, Any]:
        """Filter in the spelling of the API."""
        return filters.show(segment.filter)


FILTER = (
    "Like the parameters of GET /contacts, as JSON: q, tagsAny, tagsAll, tagsNone, lastMessageAfter, …, neverWrote, "
    "optedOut, blocked, hasNumber, connection, country, group, and fields: {key: {operator: value}} with is, is_not, "
    "contains, gt, gte, lt, lte or set."
)


class SegmentBody(CamelCaseSerializer):
    """Name and filter of a segment."""

    name = Text(max_length=100)
    filter = JsonObject(help_text=FILTER)


BULK_ACTIONS = {
    "tag": "tag",
    "untag": "untag",
    "block": "block",
    "unblock": "unblock",
    "optOut": "opt_out",
    "optIn": "opt_in",
    "delete": "delete",
}
"""Actions of the API with their names in contacts.bulk.registry."""


class BulkBody(CamelCaseSerializer):
    """Action on many contacts: `contactIds`, or those that match `filter`."""

    action = Choice(choices=list(BULK_ACTIONS))
    contact_ids = Items(child=Key(), required=False, max_length=MOST_IDS)
    filter = JsonObject(required=False, help_text=FILTER)
    tag_ids = Items(child=Key(), default=list, max_length=100, help_text="For tag and untag.")


class BulkSerializer(CamelCaseSerializer):
    """Result of a bulk action."""

    changed = serializers.IntegerField(help_text="Contacts that were changed.")


class ImportBody(CamelCaseSerializer):
    """A CSV, Excel or vCard file, as multipart/form-data."""

    file = serializers.FileField()
    duplicates = Choice(choices=["update", "skip"], default="update", help_text="People you have already.")
    country = Text(max_length=2, allow_blank=True, default="", help_text="Of numbers without a country code.")
    full_numbers = QueryFlag(
        required=False,
        help_text="For files without a country: whether numbers without + are complete but for it. Left out, the file "
        "shows it: nearly all of them are mobile numbers of 11 digits or more with their country code.",
    )
    tag = Text(max_length=100, allow_blank=True, default="", help_text="A tag for everybody in the file.")
    mapping = Text(
        max_length=10_000,
        required=False,
        help_text="JSON list with a target for each column: phone, name, email, field:<key>, skip, …; else guessed.",
    )


class ExportBody(CamelCaseSerializer):
    """Contacts to export: `contactIds`, or those that match `filter`; without either, all."""

    format = Choice(choices=["csv", "xlsx", "vcard"], default="csv")
    contact_ids = Items(child=Key(), required=False, max_length=MOST_IDS)
    filter = JsonObject(default=dict, help_text=FILTER)

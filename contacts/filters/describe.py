"""Describe contact filters in English."""

from __future__ import annotations

from accounts.models import BusinessProfile
from contacts import custom_field_values, ports
from contacts.filters.contact_filter import ContactFilter
from contacts.models import ContactGroup, CustomField, Tag

_FLAGS = {
    "never_wrote": ("without messages", "with messages"),
    "opted_out": ("opted out", "not opted out"),
    "blocked": ("blocked", "not blocked"),
    "has_number": ("with a number", "without a number"),
}
_MOMENTS = {
    "last_message_after": "last message since",
    "last_message_before": "last message before",
    "first_message_after": "first message since",
    "first_message_before": "first message before",
}
_OPERATORS = {
    "is": "is",
    "is_not": "is not",
    "contains": "contains",
    "gt": "is more than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
}


def describe(business: BusinessProfile, contact_filter: ContactFilter) -> list[str]:
    """Return each condition as text: ["tagged VIP or Lead", "country DE"].

    Two queries at most.
    """
    texts = [f"“{contact_filter.q}”"] if contact_filter.q else []
    texts += _tags(business, contact_filter)
    for key, words in _MOMENTS.items():
        if moment := getattr(contact_filter, key):
            texts.append(f"{words} {moment.day} {moment:%b %Y}")
    for key, (yes, no) in _FLAGS.items():
        if (flag := getattr(contact_filter, key)) is not None:
            texts.append(yes if flag else no)
    if contact_filter.connection:
        names = dict(ports.our_numbers().names_of(business))
        texts.append(
            f"talks with {' or '.join(names.get(one, 'a removed number') for one in contact_filter.connection)}"
        )
    if contact_filter.country:
        texts.append(f"country {' or '.join(contact_filter.country)}")
    if contact_filter.group:
        labels = [ContactGroup.Group(one).label.lower() for one in contact_filter.group]
        texts.append(f"group {' or '.join(labels)}")
    return texts + _fields(business, contact_filter)


def _tags(business: BusinessProfile, contact_filter: ContactFilter) -> list[str]:
    tags = {*contact_filter.tags_any, *contact_filter.tags_all, *contact_filter.tags_none}
    if not tags:
        return []
    names = dict(Tag.objects.filter(business_profile=business, pk__in=tags).values_list("pk", "name"))
    texts = []
    for key, word, joint in (
        ("tags_any", "tagged", " or "),
        ("tags_all", "tagged", " and "),
        ("tags_none", "not tagged", " or "),
    ):
        if chosen := getattr(contact_filter, key):
            texts.append(f"{word} {joint.join(names.get(tag, 'a deleted tag') for tag in chosen)}")
    return texts


def _fields(business: BusinessProfile, contact_filter: ContactFilter) -> list[str]:
    if not contact_filter.fields:
        return []
    rows = CustomField.objects.filter(
        business_profile=business, key__in=[test[0] for test in contact_filter.fields]
    )
    known = {row.key: row for row in rows}
    texts = []
    for key, operator, value in contact_filter.fields:
        field = known.get(key) or CustomField(key=key, label=key)
        if operator == "set":
            texts.append(f"{field.label} is {'known' if value else 'not known'}")
        else:
            texts.append(
                f"{field.label} {_OPERATORS[operator]} {custom_field_values.format_value(field, value)}"
            )
    return texts

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


def describe(business: BusinessProfile, wanted: ContactFilter) -> list[str]:
    """Return each condition as text: ["tagged VIP or Lead", "country DE"]. Two queries at most."""
    found = [f"“{wanted.q}”"] if wanted.q else []
    found += _tags(business, wanted)
    for key, words in _MOMENTS.items():
        if moment := getattr(wanted, key):
            found.append(f"{words} {moment.day} {moment:%b %Y}")
    for key, (yes, no) in _FLAGS.items():
        if (flag := getattr(wanted, key)) is not None:
            found.append(yes if flag else no)
    if wanted.connection:
        names = dict(ports.our_numbers().names_of(business))
        found.append(
            f"talks with {' or '.join(names.get(one, 'a removed number') for one in wanted.connection)}"
        )
    if wanted.country:
        found.append(f"country {' or '.join(wanted.country)}")
    if wanted.group:
        labels = [ContactGroup.Group(one).label.lower() for one in wanted.group]
        found.append(f"group {' or '.join(labels)}")
    return found + _fields(business, wanted)


def _tags(business: BusinessProfile, wanted: ContactFilter) -> list[str]:
    tags = {*wanted.tags_any, *wanted.tags_all, *wanted.tags_none}
    if not tags:
        return []
    names = dict(Tag.objects.filter(business_profile=business, pk__in=tags).values_list("pk", "name"))
    found = []
    for key, word, joint in (
        ("tags_any", "tagged", " or "),
        ("tags_all", "tagged", " and "),
        ("tags_none", "not tagged", " or "),
    ):
        if chosen := getattr(wanted, key):
            found.append(f"{word} {joint.join(names.get(tag, 'a deleted tag') for tag in chosen)}")
    return found


def _fields(business: BusinessProfile, wanted: ContactFilter) -> list[str]:
    if not wanted.fields:
        return []
    rows = CustomField.objects.filter(business_profile=business, key__in=[test[0] for test in wanted.fields])
    known = {row.key: row for row in rows}
    found = []
    for key, operator, value in wanted.fields:
        field = known.get(key) or CustomField(key=key, label=key)
        if operator == "set":
            found.append(f"{field.label} is {'known' if value else 'not known'}")
        else:
            found.append(
                f"{field.label} {_OPERATORS[operator]} {custom_field_values.format_value(field, value)}"
            )
    return found

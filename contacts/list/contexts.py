"""Template contexts of the contact list."""

from __future__ import annotations

import json
from typing import Any

from django.http import QueryDict

from accounts.access import Access
from accounts.roles import Can
from contacts import ports, selectors
from contacts.bulk import registry
from contacts.filters import conditions
from contacts.filters.contact_filter import ContactFilter
from contacts.filters.describe import describe
from contacts.forms import TEST, VALUE, as_query, read_filter
from contacts.list import columns, fragments, pagination
from contacts.models import ContactGroup, CustomField


def listed(access: Access, query: QueryDict) -> dict[str, Any]:
    """Return the list for a query string: rows, next page, filter."""
    business = access.business
    contact_filter = read_filter(business, query)
    sort = query.get("sort") or "recent"
    page = pagination.page(business, contact_filter, sort=sort, after=query.get("after") or None)
    fields = selectors.fields_of(business)
    shown = columns.chosen(business, access.user, columns.available(fields))
    can_edit = access.can(Can.EDIT_CONTACTS)
    return {
        "drawn": fragments.rows(columns.rows(page.contacts, shown, page.tags), can_edit=can_edit),
        "columns": shown,
        "fields": fields,
        "wanted": contact_filter,
        "query": as_query(contact_filter),
        "filter_json": json.dumps(contact_filter.to_dict()),
        "next": page.next,
        "begins": not query.get("after"),
        "counted": len(page.contacts) if not page.next and not query.get("after") else None,
        "sort": sort,
        "sorts": pagination.SORTS,
        "segment_id": query.get("segment", ""),
        "can_edit": can_edit,
        "bulk": _bulk(access),
    }


def _bulk(access: Access) -> dict[str, registry.BulkAction]:
    """Return the bulk actions that the list offers the member, by name."""
    return {one.name: one for one in registry.all_actions() if one.on_page and access.can(one.capability)}


def frame(access: Access, context: dict[str, Any]) -> dict[str, Any]:
    """Return what surrounds the list: segments, filter panel, choice of columns."""
    business, contact_filter = access.business, context["wanted"]
    tags = selectors.tags_of_business(business)
    segments = [
        (segment, f"segment={segment.pk}&{as_query(ContactFilter.load(business, segment.filter))}")
        for segment in selectors.segments_of(business)
    ]
    chosen = {column.key for column in context["columns"]}
    return {
        "all_tags": tags,
        "segments": segments,
        "words": (words := describe(business, contact_filter)),
        "conditions": len(words) - bool(contact_filter.q),
        "tag_choices": [(tag, _side(contact_filter, tag.pk)) for tag in tags],
        "country": ", ".join(contact_filter.country),
        "our_numbers": [
            (key, name, key in contact_filter.connection)
            for key, name in ports.our_numbers().names_of(business)
        ],
        "groups": [(name, label, name in contact_filter.group) for name, label in ContactGroup.Group.choices],
        "flags": _flags(contact_filter),
        "moments": _moments(contact_filter),
        "field_tests": [_test(field, contact_filter) for field in context["fields"]],
        "bulk_choices": [
            (one, one.choices(business)) for one in context["bulk"].values() if one.choices is not None
        ],
        "all_columns": [(one, one.key in chosen) for one in columns.available(context["fields"])],
    }


def _side(contact_filter: ContactFilter, tag: Any) -> str:
    return next(
        (side for side in ("tags_any", "tags_all", "tags_none") if tag in getattr(contact_filter, side)), ""
    )


def _flags(contact_filter: ContactFilter) -> list[tuple[str, str, str, str, str]]:
    """Return (name, label, label of yes, label of no, value) of each flag."""
    questions = (
        ("opted_out", "Opt-out", "Opted out", "Not opted out"),
        ("blocked", "Blocked", "Blocked", "Not blocked"),
        ("never_wrote", "Messages", "None yet", "At least one"),
        ("has_number", "Number", "Known", "Not known"),
    )
    answers = {None: "", True: "true", False: "false"}
    return [(*question, answers[getattr(contact_filter, question[0])]) for question in questions]


def _moments(contact_filter: ContactFilter) -> list[tuple[str, str, str]]:
    """Return (name, label, date) of each time."""
    questions = (
        ("last_message_after", "Last message from"),
        ("last_message_before", "Last message before"),
        ("first_message_after", "First message from"),
        ("first_message_before", "First message before"),
    )
    return [
        (name, label, moment.date().isoformat() if (moment := getattr(contact_filter, name)) else "")
        for name, label in questions
    ]


WORDS = {
    "is": "is",
    "is_not": "is not",
    "contains": "contains",
    "gt": "more than",
    "gte": "at least",
    "lt": "less than",
    "lte": "at most",
    "set": "is known",
    "unset": "is not known",
}


def _test(field: CustomField, contact_filter: ContactFilter) -> dict[str, Any]:
    """Return a custom field in the filter panel: its operators and the chosen test."""
    chosen, value = next(
        ((test[1], test[2]) for test in contact_filter.fields if test[0] == field.key), ("", "")
    )
    if chosen == "set":
        chosen, value = ("set" if value else "unset"), ""
    operators = [*conditions.OPERATORS[field.kind], "unset"]
    if isinstance(value, bool):
        value = "yes" if value else "no"
    return {
        "field": field,
        "test_name": f"{TEST}{field.key}",
        "value_name": f"{VALUE}{field.key}",
        "operators": [(one, WORDS[one], one == chosen) for one in operators],
        "value": value,
        "choices": ["yes", "no"] if field.kind == CustomField.Kind.BOOLEAN else field.choices,
    }

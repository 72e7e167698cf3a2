"""Contact filters of the list, segments, bulk actions, campaigns and the API.

As JSON (all keys are optional, all that are given must match):

    q                       text in the name, the number in any spelling, the e-mail address or a custom field
    tags_any tags_all tags_none         lists of tags' ids
    last_message_after last_message_before first_message_after first_message_before
                            ISO 8601; a date alone is the midnight at its beginning, in the business's time zone
    never_wrote             true: no message yet; false: at least one
    opted_out blocked has_number        true or false
    connection              id of one of the business's numbers, or a list of them: who talks with it
    country                 ISO 3166 code, or a list of them
    group                   new, active, loyal, cooling or lost, or a list of them: how lately and how often they wrote
    fields                  {key: {operator: value}} of custom fields; operators: is, is_not, contains, gt, gte, lt,
                            lte, set (value true or false)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_date, parse_datetime

from accounts.models import BusinessProfile
from contacts import ports
from contacts.filters import conditions
from contacts.models import Contact, ContactGroup, CustomField, Tag
from core.errors import InvalidInput
from core.text import printable

MAX_QUERY = 200
MAX_LIST = 100
"""Most tags or countries of one filter."""
Fields = tuple[tuple[str, str, Any], ...]
"""(key of a custom field, operator, value)."""

_TAGS = ("tags_any", "tags_all", "tags_none")
_MOMENTS = ("last_message_after", "last_message_before", "first_message_after", "first_message_before")
_FLAGS = ("never_wrote", "opted_out", "blocked", "has_number")


@dataclass(frozen=True)
class ContactFilter:
    """A checked filter. Empty: all contacts."""

    q: str = ""
    tags_any: tuple[UUID, ...] = ()
    tags_all: tuple[UUID, ...] = ()
    tags_none: tuple[UUID, ...] = ()
    last_message_after: datetime | None = None
    last_message_before: datetime | None = None
    first_message_after: datetime | None = None
    first_message_before: datetime | None = None
    never_wrote: bool | None = None
    opted_out: bool | None = None
    blocked: bool | None = None
    has_number: bool | None = None
    connection: tuple[UUID, ...] = ()
    country: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    fields: Fields = ()

    @classmethod
    def parse(cls, business: BusinessProfile, mapping: Mapping[str, Any]) -> ContactFilter:
        """Check the filter of a page or an API request.

        Raises InvalidInput with the invalid key as its field.
        """
        unknown = sorted(set(mapping) - _KEYS)
        if unknown:
            raise _invalid(unknown[0], f"There is no filter called {unknown[0][:40]!r}.")
        values: dict[str, Any] = {"q": _text(mapping.get("q"))}
        values |= {key: _ids(key, mapping.get(key)) for key in _TAGS}
        values |= {key: _moment(key, mapping.get(key), business) for key in _MOMENTS}
        values |= {key: _flag(key, mapping.get(key)) for key in _FLAGS}
        values["connection"] = _numbers(business, mapping.get("connection"))
        values["country"] = _countries(mapping.get("country"))
        values["group"] = _groups(mapping.get("group"))
        values["fields"] = _fields(business, mapping.get("fields"))
        _check_tags(business, values)
        return cls(**values)

    @classmethod
    def load(cls, business: BusinessProfile, stored: Mapping[str, Any]) -> ContactFilter:
        """Load a filter that `to_dict` wrote.

        Deleted tags and fields stay in it and match nobody.
        """
        values: dict[str, Any] = {"q": stored.get("q", "")}
        values |= {key: tuple(UUID(one) for one in stored.get(key, ())) for key in _TAGS}
        values |= {key: _moment(key, stored.get(key), business) for key in _MOMENTS}
        values |= {key: stored.get(key) for key in _FLAGS}
        values["connection"] = tuple(UUID(one) for one in stored.get("connection", ()))
        values["country"] = tuple(stored.get("country", ()))
        values["group"] = tuple(stored.get("group", ()))
        values["fields"] = tuple(
            (key, operator, value)
            for key, tests in stored.get("fields", {}).items()
            for operator, value in tests.items()
        )
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return what is set, as JSON that `parse` and `load` accept."""
        stored: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None or value in ("", ()):
                continue
            if field.name == "fields":
                tests: dict[str, dict[str, Any]] = {}
                for key, operator, wanted in value:
                    tests.setdefault(key, {})[operator] = wanted
                stored["fields"] = tests
            else:
                stored[field.name] = _plain(value)
        return stored

    def __bool__(self) -> bool:
        return bool(self.to_dict())

    def apply(self, business: BusinessProfile) -> QuerySet[Contact]:
        """Return the contacts of `business` that match, unordered."""
        rows = self.narrow(Contact.objects.filter(business_profile=business))
        return rows.filter(conditions.search(business, self.q)) if self.q else rows

    def narrow(self, rows: QuerySet[Contact]) -> QuerySet[Contact]:
        """Filter `rows` by everything but `q`."""
        for condition in self._conditions():
            rows = rows.filter(condition)
        return rows

    def _conditions(self) -> list[Q]:
        result = [conditions.tagged(self.tags_any)] if self.tags_any else []
        result += [conditions.tagged([tag]) for tag in self.tags_all]
        result += [~conditions.tagged(self.tags_none)] if self.tags_none else []
        for key in _MOMENTS:
            column, _, side = key.rpartition("_")
            if moment := getattr(self, key):
                result.append(Q(**{f"{column}_at__{'gte' if side == 'after' else 'lt'}": moment}))
        for key, column, empty in (
            ("never_wrote", "first_message_at", True),
            ("opted_out", "opted_out_at", False),
            ("blocked", "blocked_at", False),
            ("has_number", "phone_number", False),
        ):
            if (flag := getattr(self, key)) is not None:
                result.append(Q(**{f"{column}__isnull": flag is empty}))
        if self.connection:
            result.append(conditions.talks_with(self.connection))
        if self.country:
            result.append(Q(country__in=self.country))
        if self.group:
            result.append(Q(grouped__group__in=self.group))
        return result + [conditions.custom_field(*test) for test in self.fields]


_KEYS = frozenset(field.name for field in fields(ContactFilter))


def _invalid(key: str, message: str) -> InvalidInput:
    return InvalidInput("invalid_filter", message, field=key)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _invalid("q", "What to search for is a text.")
    return printable(value[:MAX_QUERY])


def _list(key: str, value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    values = list(value) if isinstance(value, list | tuple) else [value]
    if len(values) > MAX_LIST:
        raise _invalid(key, f"At most {MAX_LIST} values can be given.")
    return values


def _ids(key: str, value: Any, wrong: str = "A tag is named by its id.") -> tuple[UUID, ...]:
    try:
        ids = [one if isinstance(one, UUID) else UUID(str(one)) for one in _list(key, value)]
    except ValueError:
        raise _invalid(key, wrong) from None
    return tuple(dict.fromkeys(ids))


def _check_tags(business: BusinessProfile, values: Mapping[str, Any]) -> None:
    """Raise InvalidInput for a tag that the business does not have."""
    tag_ids = {tag for key in _TAGS for tag in values[key]}
    if not tag_ids:
        return
    known = set(Tag.objects.filter(business_profile=business, pk__in=tag_ids).values_list("pk", flat=True))
    for key in _TAGS:
        if set(values[key]) - known:
            raise _invalid(key, "One of these tags was not found. It may have been deleted.")


def _moment(key: str, value: Any, business: BusinessProfile) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        moment = value if isinstance(value, datetime) else parse_datetime(str(value))
        if moment is None and (day := parse_date(str(value))):
            moment = datetime.combine(day, time())
        if moment is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(business.time_zone))
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise _invalid(key, "Write a date like 2026-01-31, or a time like 2026-01-31T10:00:00Z.")
    return moment


def _flag(key: str, value: Any) -> bool | None:
    if value is None or value == "":
        return None
    known = {True: True, False: False, "true": True, "1": True, "false": False, "0": False}
    if not isinstance(value, bool | str) or value not in known:
        raise _invalid(key, "This is true or false.")
    return known[value]


def _numbers(business: BusinessProfile, value: Any) -> tuple[UUID, ...]:
    found = _ids("connection", value, "A number is named by its id.")
    if found and not set(found) <= {key for key, _ in ports.our_numbers().names_of(business)}:
        raise _invalid("connection", "One of these numbers was not found. It may have been removed.")
    return found


def _countries(value: Any) -> tuple[str, ...]:
    found = [str(one).upper() for one in _list("country", value)]
    if not all(re.fullmatch("[A-Z]{2}", one) for one in found):
        raise _invalid("country", "A country is named by two letters, like DE.")
    return tuple(dict.fromkeys(found))


def _groups(value: Any) -> tuple[str, ...]:
    found = [str(one) for one in _list("group", value)]
    if set(found) - set(ContactGroup.Group.values):
        raise _invalid("group", f"A group is one of {', '.join(ContactGroup.Group.values)}.")
    return tuple(dict.fromkeys(found))


def _fields(business: BusinessProfile, value: Any) -> Fields:
    if value is None or value == {}:
        return ()
    if not isinstance(value, Mapping) or len(value) > MAX_LIST:
        raise _invalid("fields", "Custom fields are given as {key: {operator: value}}.")
    rows = CustomField.objects.filter(business_profile=business, key__in=[str(key) for key in value])
    known = {row.key: row for row in rows}
    found = []
    for key, tests in value.items():
        if key not in known:
            raise _invalid("fields", f"There is no custom field called {str(key)[:40]!r}.")
        if not isinstance(tests, Mapping):
            raise _invalid("fields", "Custom fields are given as {key: {operator: value}}.")
        found += [
            (key, *conditions.check_test(known[key], operator, wanted)) for operator, wanted in tests.items()
        ]
    return tuple(found)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return [str(one) for one in value] if isinstance(value, tuple) else value

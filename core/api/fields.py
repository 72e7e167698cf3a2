"""Fields that take what their type says and nothing that merely looks like it: no "yes" for true, no 5 for "5".

Query parameters are text, so they have fields of their own: `QueryFlag`, `QueryNumber`, `QueryList`.
"""

from __future__ import annotations

import json
import re
from typing import Any

from rest_framework import serializers

MAX_JSON = 16 * 1024
"""Characters of a free JSON value, written out."""
_HALF = re.compile("[\x00\ud800-\udfff]")
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6}\d*)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)


class Text(serializers.CharField):
    """A JSON string. Blanks at its ends are kept unless `trim_whitespace`."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("trim_whitespace", False)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Email(serializers.EmailField):
    """An e-mail address."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """true or false."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Whole(serializers.IntegerField):
    """A JSON integer."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class Key(serializers.UUIDField):
    """The id of something, as a JSON string."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or len(data) != 36:
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class Moment(serializers.DateTimeField):
    """A time with its zone, as RFC 3339 writes it: 2026-01-31T09:00:00Z."""

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str) or not _MOMENT.fullmatch(value):
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ss[.uuuuuu](Z|+HH:MM)")
        try:
            return super().to_internal_value(value.upper())
        except (OverflowError, ValueError):
            self.fail("overflow", timezone="UTC")


class Choice(serializers.ChoiceField):
    """One of a few strings."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


class Items(serializers.ListField):
    """A JSON list."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            self.fail("not_a_list", input_type=type(data).__name__)
        return super().to_internal_value(data)


class JsonObject(serializers.DictField):
    """An object with whatever contents, up to 16,384 characters; the databases take no NUL and no half characters."""

    default_error_messages = {
        "too_large": "This is too much; 16,384 characters at most.",
        "unstorable": "This holds characters that cannot be stored.",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_a_dict", input_type=type(data).__name__)
        try:
            text = json.dumps(data, ensure_ascii=False, allow_nan=False)
        except (ValueError, RecursionError):
            self.fail("unstorable")
        if len(text) > MAX_JSON:
            self.fail("too_large")
        if _HALF.search(text) or "\\u0000" in text:
            self.fail("unstorable")
        return data


class QueryFlag(serializers.BooleanField):
    """`true` or `false` in an address."""

    def to_internal_value(self, data: Any) -> bool:
        if data not in ("true", "false"):
            self.fail("invalid", input=data)
        return bool(data == "true")


class QueryNumber(serializers.IntegerField):
    """Digits in an address, perhaps with a minus."""

    def to_internal_value(self, data: Any) -> int:
        if not re.fullmatch(r"-?[0-9]{1,9}", str(data), re.ASCII):
            self.fail("invalid")
        return int(data)


class QueryList(serializers.ListField):
    """Values with commas between them: `?status=sent,read`."""

    def to_internal_value(self, data: Any) -> list[Any]:
        return super().to_internal_value([part for part in str(data).split(",") if part])

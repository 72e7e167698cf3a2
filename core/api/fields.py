"""Strict serializer fields without type coercion: no "yes" for true, no 5 for "5".

Query parameters are text, so they have fields of their own: `QueryFlag`, `QueryNumber`, `QueryList`.
"""

from __future__ import annotations

import json
import re
from typing import Any

from rest_framework import serializers

MAX_JSON = 16 * 1024
"""Characters of a serialized JSON object."""
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6}\d*)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)


class Text(serializers.CharField):
    """JSON string. Surrounding whitespace is kept unless `trim_whitespace`."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("trim_whitespace", False)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Email(serializers.EmailField):
    """E-mail address, as a JSON string."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """JSON boolean."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Whole(serializers.IntegerField):
    """JSON integer, also written as 5.0."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class Key(serializers.UUIDField):
    """UUID of an object, as a JSON string with hyphens."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or len(data) != 36:
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class Moment(serializers.DateTimeField):
    """RFC 3339 date-time with an offset: 2026-01-31T09:00:00Z."""

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str) or not _MOMENT.fullmatch(value):
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ss[.uuuuuu](Z|+HH:MM)")
        try:
            return super().to_internal_value(value.upper())
        except (OverflowError, ValueError):
            self.fail("overflow", timezone="UTC")


class Choice(serializers.ChoiceField):
    """JSON string out of a fixed set."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


class Items(serializers.ListField):
    """JSON array."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            self.fail("not_a_list", input_type=type(data).__name__)
        return super().to_internal_value(data)


class JsonObject(serializers.DictField):
    """JSON object of any content, up to MAX_JSON characters, without NUL and lone surrogates (unstorable)."""

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
        if _UNSTORABLE.search(text) or "\\u0000" in text:
            self.fail("unstorable")
        return data


class QueryFlag(serializers.BooleanField):
    """`true` or `false` in a query string."""

    def to_internal_value(self, data: Any) -> bool:
        if data not in ("true", "false"):
            self.fail("invalid", input=data)
        return bool(data == "true")


class QueryNumber(serializers.IntegerField):
    """Integer of up to 9 digits in a query string."""

    def to_internal_value(self, data: Any) -> int:
        if not re.fullmatch(r"-?[0-9]{1,9}", str(data), re.ASCII):
            self.fail("invalid")
        return int(data)


class QueryList(serializers.ListField):
    """Comma-separated values in a query string: `?status=sent,read`."""

    def to_internal_value(self, data: Any) -> list[Any]:
        return super().to_internal_value([part for part in str(data).split(",") if part])

"""Renderer, base serializer (camelCase) and paginators of the API. Error responses: `core.api.errors`."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any, cast

import orjson
from django.core.exceptions import ValidationError
from django.db.models import Field, Q, QuerySet
from rest_framework import exceptions, pagination, serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from core.api import envelope
from core.errors import InvalidInput
from core.text import camel

MAX_PAGE_SIZE = 200


# -- responses -----------------------------------------------------------------------------------------


class Page(dict[str, Any]):
    """Page of a list (`data`, `meta`), passed from a paginator to the renderer."""

    def __init__(self, data: Any, meta: dict[str, Any]) -> None:
        super().__init__(data=data, meta=meta)


class Failure(dict[str, Any]):
    """Envelope of an error, passed from the exception handler to the renderer."""


class EnvelopeRenderer(JSONRenderer):
    """Renderer of the JSON envelope. A `Failure` has its envelope already."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        context = cast(dict[str, Any], renderer_context or {})
        response = context.pop("response", None)  # it refers to the context: a reference cycle with all rows
        if response is not None and response.status_code == 204:
            return b""
        return to_json(_wrapped(data, response))


def to_json(data: Any) -> bytes:
    """Serialize plain data, datetimes (in UTC, with Z), UUIDs, and types of Django and the framework."""
    try:
        return orjson.dumps(data, default=_ENCODER.default, option=orjson.OPT_UTC_Z)
    except (
        TypeError
    ):  # integers of more than 64 bits and lone surrogates: only the standard library takes them
        return json.dumps(data, cls=JSONEncoder).encode()


_ENCODER = JSONEncoder()


def _wrapped(data: Any, response: Response | None) -> Any:
    if isinstance(data, Failure):
        return data
    if response is not None and response.status_code >= 400:  # made by a view without an exception
        return envelope.failure("error", "The request could not be answered.")
    if isinstance(data, Page):
        return envelope.success(data["data"], data["meta"])
    return envelope.success(data)


# -- names -------------------------------------------------------------------------------------------


class CamelCaseSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """Serializer with camelCase names outside and snake_case names inside; contents of JSON fields are not renamed.

    Undeclared and read-only fields in a request are errors instead of being ignored.
    """

    @classmethod
    def represent(cls, row: Any, names: Collection[str] | None = None) -> dict[str, Any]:
        """Represent `row`: all readable fields, or those of these outside names.

        Ids, times and plain values are left to the renderer. A class method, because an instance and its fields form a
        reference cycle, which would keep the rows of a response until the next garbage collection.
        """
        readers = _readers(cls, isinstance(row, Mapping))
        return {name: read(row) for name, read in readers if names is None or name in names}

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Represent a nested serializer, as `represent` does."""
        return self.represent(instance)

    @classmethod
    def outside_names(cls) -> list[str]:
        """List the names that `?fields=` accepts."""
        return [camel(name) for name, field in cls().fields.items() if not field.write_only]

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the validated values under their inside names; errors have the outside names."""
        if isinstance(data, Mapping):
            self._refuse(data)
        try:
            return super().run_validation(data)
        except serializers.ValidationError as error:
            raise _renamed(error, set(self.fields)) from error

    def to_internal_value(self, data: Any) -> Any:
        """Rename the fields of an object to their inside names; the framework rejects anything else."""
        if isinstance(data, Mapping):
            inside: dict[str, str] = {camel(str(name)): str(name) for name in self.fields}
            data = {inside.get(name, name): value for name, value in data.items()}
        return super().to_internal_value(data)

    def _refuse(self, data: Mapping[str, Any]) -> None:
        outside = {camel(name): field for name, field in self.fields.items()}
        errors: dict[str, list[exceptions.ErrorDetail]] = {}
        for name in data:
            field = outside.get(name)
            if field is None or isinstance(field, serializers.HiddenField):
                errors[name] = [exceptions.ErrorDetail("There is no such field.", "unknown_field")]
            elif field.read_only:
                errors[name] = [exceptions.ErrorDetail("This field cannot be set.", "read_only")]
        if errors:
            raise serializers.ValidationError(errors)


_AS_IT_IS = (
    serializers.BooleanField,
    serializers.ChoiceField,
    serializers.CharField,
    serializers.DateField,
    serializers.DateTimeField,
    serializers.DictField,
    serializers.FloatField,
    serializers.IntegerField,
    serializers.JSONField,
    serializers.UUIDField,
)
"""Fields whose values the renderer serializes without `to_representation`."""


@cache
def _readers(kind: type[CamelCaseSerializer], mapping: bool) -> list[tuple[str, Callable[[Any], Any]]]:
    """List each readable field's outside name with its getter. mapping: rows are mappings instead of objects.

    Built once a class: copies of the fields would cost a tenth of each response. So a field must not depend on the
    response that it is read for.
    """
    fields: list[Any] = [field for field in kind().fields.values() if not field.write_only]
    return [(camel(str(field.field_name)), _reader(field, mapping)) for field in fields]


def _reader(field: Any, mapping: bool) -> Callable[[Any], Any]:
    """Build the getter of a field. For plain columns it takes a tenth of the framework's time."""
    source = ".".join(field.source_attrs)
    plain: Callable[[Any], Any] = itemgetter(source) if mapping else attrgetter(source)
    if isinstance(field, _AS_IT_IS) and "." not in source and source:
        return plain
    if isinstance(field, CamelCaseSerializer) and "." not in source and source:
        represent = type(field).represent
        return lambda row: None if (value := plain(row)) is None else represent(value)

    def framework(row: Any) -> Any:
        value = field.get_attribute(row)
        return None if value is None else field.to_representation(value)

    return framework


def _renamed(error: serializers.ValidationError, names: set[str]) -> serializers.ValidationError:
    if isinstance(error.detail, dict):
        return serializers.ValidationError(
            {camel(k) if k in names else k: v for k, v in error.detail.items()}
        )
    return error


# -- pages -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cursor:
    """Position of a keyset page: the sort values of the adjacent row, and the direction."""

    values: tuple[str, ...]
    backwards: bool

    def encode(self) -> str:
        """Encode as opaque URL-safe text."""
        return base64.urlsafe_b64encode(json.dumps([int(self.backwards), *self.values]).encode()).decode()

    @classmethod
    def decode(cls, text: str) -> Cursor:
        """Decode a cursor. Raises InvalidInput for text that `encode` cannot have returned."""
        try:
            backwards, *values = json.loads(base64.urlsafe_b64decode(text.encode("ascii")))
            if backwards not in (0, 1) or not all(isinstance(value, str) for value in values):
                raise ValueError
        except (ValueError, TypeError) as error:
            raise _bad_cursor() from error
        return cls(tuple(values), bool(backwards))


def _bad_cursor() -> InvalidInput:
    message = "This cursor is not valid. Take it from `meta.nextCursor` of an earlier answer."
    return InvalidInput("invalid_cursor", message, field="cursor")


class CursorPagination(pagination.CursorPagination):
    """Keyset pagination: constant cost at any depth, stable while rows are added. `?cursor=`, `?limit=`.

    The order is the view's `cursor_ordering`, or `ordering`: one or two columns without NULLs, both descending or both
    ascending, the last one unique. The framework's own cursor has one column and an offset, which fails when an import
    gives thousands of rows the same time.
    """

    ordering = ("-created_at", "-id")
    page_size_query_param = "limit"
    max_page_size = MAX_PAGE_SIZE

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Fetch one page of `queryset` in the view's order, which replaces its own."""
        ordering: Sequence[str] = getattr(view, "cursor_ordering", self.ordering)
        self._names = [name.lstrip("-") for name in ordering]
        text = request.query_params.get(self.cursor_query_param)
        self._cursor = Cursor.decode(text) if text else None
        backwards = self._cursor is not None and self._cursor.backwards
        descending = ordering[0].startswith("-") != backwards
        rows = queryset.order_by(*(f"-{name}" if descending else name for name in self._names))
        if self._cursor is not None:
            rows = rows.filter(self._beyond(queryset, self._cursor, "lt" if descending else "gt"))
        limit = self.get_page_size(request) or MAX_PAGE_SIZE
        page_and_next = list(rows[: limit + 1])
        self._more = len(page_and_next) > limit
        self._rows = page_and_next[:limit][::-1] if backwards else page_and_next[:limit]
        return self._rows

    def get_paginated_response(self, data: Any) -> Response:
        """Build the page with `meta.nextCursor` and `meta.previousCursor`; null at the ends of the list."""
        backwards = self._cursor is not None and self._cursor.backwards
        following = self._more or backwards
        preceding = self._more if backwards else self._cursor is not None
        meta = {
            "nextCursor": self._beside(-1, False) if following else None,
            "previousCursor": self._beside(0, True) if preceding else None,
        }
        return Response(Page(data, meta))

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        cursor = {"type": ["string", "null"]}
        return _schema(schema, {"nextCursor": cursor, "previousCursor": cursor})

    def _beyond(self, rows: QuerySet[Any], cursor: Cursor, side: str) -> Q:
        """Build the condition for the rows after the cursor, in a form that both databases answer from the index."""
        try:
            pairs = zip(self._names, cursor.values, strict=True)
            values = [_column(rows, name).to_python(value) for name, value in pairs]
        except (ValueError, ValidationError) as error:
            raise _bad_cursor() from error
        first, *rest = self._names
        if not rest:
            return Q(**{f"{first}__{side}": values[0]})
        tied = Q(**{first: values[0], f"{rest[0]}__{side}": values[1]})
        return Q(**{f"{first}__{side}e": values[0]}) & (Q(**{f"{first}__{side}": values[0]}) | tied)

    def _beside(self, index: int, backwards: bool) -> str | None:
        if not self._rows:
            return None
        row = self._rows[index]
        values = (row[name] if isinstance(row, dict) else getattr(row, name) for name in self._names)
        return Cursor(tuple(str(value) for value in values), backwards).encode()


def _column(rows: QuerySet[Any], name: str) -> Field[Any, Any]:
    """Return the field of a sort key: a column of the table, or an annotation's output field."""
    expression = rows.query.annotations.get(name)
    return (
        expression.output_field
        if expression is not None
        else cast("Field[Any, Any]", rows.model._meta.get_field(name))
    )


class PageNumberPagination(pagination.PageNumberPagination):
    """Numbered pages with totals, for short lists. `?page=`, `?limit=`."""

    page_size_query_param = "limit"
    max_page_size = MAX_PAGE_SIZE

    def get_paginated_response(self, data: Any) -> Response:
        assert self.page is not None, "paginate_queryset comes first"
        paginator = self.page.paginator
        meta = {
            "page": self.page.number,
            "limit": paginator.per_page,
            "total": paginator.count,
            "totalPages": paginator.num_pages,
        }
        return Response(Page(data, meta))

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return _schema(
            schema, {name: {"type": "integer"} for name in ("page", "limit", "total", "totalPages")}
        )


def _schema(items: dict[str, Any], meta: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["success", "data", "meta"],
        "properties": {
            "success": {"type": "boolean"},
            "data": items,
            "meta": {"type": "object", "properties": meta},
        },
    }

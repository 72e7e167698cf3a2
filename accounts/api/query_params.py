"""Query parameters: declared ones, and those implied by the response (fields, limit, cursor, page, order)."""

from __future__ import annotations

from functools import cache
from typing import Any

from rest_framework import exceptions, serializers
from rest_framework.request import Request

from accounts.api.operations import Operation, names
from core.api.fields import Choice, QueryList, QueryNumber, Text
from core.api.framework import MAX_PAGE_SIZE, CamelCaseSerializer


class NoParameters(CamelCaseSerializer):
    """Empty base for operations that declare no parameters."""


def read_parameters(operation: Operation, request: Request) -> dict[str, Any]:
    """Validate the query. Returns values under their inside names. Rejects unknown and repeated parameters."""
    params = request.query_params
    if not params:
        return dict(_defaults(operation))
    repeated = sorted(name for name, values in params.lists() if len(values) > 1)
    if repeated:
        detail = exceptions.ErrorDetail("Send it once, with commas between values.", "repeated_parameter")
        raise exceptions.ValidationError({repeated[0]: [detail]})
    return _checked(operation, params.dict())


@cache
def parameters_of(operation: Operation) -> type[CamelCaseSerializer]:
    """Build the serializer class of all parameters of the operation."""
    base = operation.query or NoParameters
    return type(f"{base.__name__}Parameters", (base,), {**_common(operation), "__doc__": base.__doc__})


@cache
def _defaults(operation: Operation) -> dict[str, Any]:
    """Return the defaults. Raises ValidationError for a required parameter."""
    return _checked(operation, {})


def _checked(operation: Operation, params: dict[str, str]) -> dict[str, Any]:
    return dict(_reader(operation).run_validation(params))


@cache
def _reader(operation: Operation) -> CamelCaseSerializer:
    """Return the serializer shared by all requests.

    Validation leaves no state in it, and copies of its fields would cost as much as a page of rows.
    """
    return parameters_of(operation)()


def _common(operation: Operation) -> dict[str, serializers.Field]:
    fields: dict[str, serializers.Field] = {}
    if operation.answer is not None:
        outside = sorted(operation.answer.outside_names())
        fields["fields"] = QueryList(
            child=Choice(choices=outside),
            required=False,
            min_length=1,
            help_text="Only these fields of the answer, with commas between them.",
        )
    if operation.pages:
        fields["limit"] = QueryNumber(
            required=False, min_value=1, max_value=MAX_PAGE_SIZE, help_text="Rows on a page; 50 if not given."
        )
    if operation.pages == "cursor":
        text = "`meta.nextCursor` or `meta.previousCursor` of another page."
        fields["cursor"] = Text(required=False, help_text=text)
    if operation.pages == "number":
        text = "The page's number, from 1."
        fields["page"] = QueryNumber(required=False, min_value=1, max_value=999_999_999, help_text=text)
    if operation.ordering:
        text = "Order of the list; with a minus it falls."
        fields["order"] = Choice(choices=names(list(operation.ordering)), required=False, help_text=text)
    return fields

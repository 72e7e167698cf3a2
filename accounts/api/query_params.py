"""Query parameters: those that an operation declares, and the few that its kind of answer brings along."""

from __future__ import annotations

from functools import cache
from typing import Any

from rest_framework import exceptions, serializers
from rest_framework.request import Request

from accounts.api.operations import Operation, names
from core.api.fields import Choice, QueryList, QueryNumber, Text
from core.api.framework import MAX_PAGE_SIZE, CamelCaseSerializer


class NoParameters(CamelCaseSerializer):
    """For operations that declare none."""


def read_parameters(operation: Operation, request: Request) -> dict[str, Any]:
    """The checked parameters under their inside names. Unknown and repeated ones are refused."""
    given = request.query_params
    if not given:
        return dict(_defaults(operation))
    repeated = sorted(name for name, values in given.lists() if len(values) > 1)
    if repeated:
        detail = exceptions.ErrorDetail("Send it once, with commas between values.", "repeated_parameter")
        raise exceptions.ValidationError({repeated[0]: [detail]})
    return _checked(operation, given.dict())


@cache
def parameters_of(operation: Operation) -> type[CamelCaseSerializer]:
    """A serializer class with every parameter of the operation."""
    base = operation.query or NoParameters
    return type(f"{base.__name__}Parameters", (base,), {**_common(operation), "__doc__": base.__doc__})


@cache
def _defaults(operation: Operation) -> dict[str, Any]:
    """What is in force when nothing is given. Raises ValidationError when something must be."""
    return _checked(operation, {})


def _checked(operation: Operation, given: dict[str, str]) -> dict[str, Any]:
    return dict(_reader(operation).run_validation(given))


@cache
def _reader(operation: Operation) -> CamelCaseSerializer:
    """One for all requests: it keeps nothing of what it checks, and copies of its fields would cost as much as a page
    of rows.
    """
    return parameters_of(operation)()


def _common(operation: Operation) -> dict[str, serializers.Field]:
    found: dict[str, serializers.Field] = {}
    if operation.answer is not None:
        outside = sorted(operation.answer.outside_names())
        found["fields"] = QueryList(
            child=Choice(choices=outside),
            required=False,
            min_length=1,
            help_text="Only these fields of the answer, with commas between them.",
        )
    if operation.pages:
        found["limit"] = QueryNumber(
            required=False, min_value=1, max_value=MAX_PAGE_SIZE, help_text="Rows on a page; 50 if not given."
        )
    if operation.pages == "cursor":
        text = "`meta.nextCursor` or `meta.previousCursor` of another page."
        found["cursor"] = Text(required=False, help_text=text)
    if operation.pages == "number":
        text = "The page's number, from 1."
        found["page"] = QueryNumber(required=False, min_value=1, max_value=999_999_999, help_text=text)
    if operation.ordering:
        text = "Order of the list; with a minus it falls."
        found["order"] = Choice(choices=names(list(operation.ordering)), required=False, help_text=text)
    return found

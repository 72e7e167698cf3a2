"""The API's description, as a file for programs and as a page to read and try."""

from __future__ import annotations

from functools import cache

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

from whatsflow.core.drf import to_json


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document."""
    response = HttpResponse(_document(), content_type="application/json")
    response["Cache-Control"] = "public, max-age=300"
    return response


@cache
def _document() -> bytes:
    """Made once a process: it only changes with the code."""
    return to_json(SchemaGenerator(api_version=None).get_schema(request=None, public=True))

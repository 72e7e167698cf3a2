"""The API's description, as a file for programs and as a page to read and try."""

from __future__ import annotations

from functools import cache

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document."""
    response = HttpResponse(document(), content_type="application/json")
    response["Cache-Control"] = "public, max-age=300"
    return response


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The API to read and try: Swagger UI, from our own files as the content security policy asks."""
    return render(request, "shell/api_docs.html")


@cache
def document() -> bytes:
    """The OpenAPI document as JSON. Made once a process: it only changes with the code."""
    from drf_spectacular.generators import SchemaGenerator  # here: few ask for the description

    from core.api.framework import to_json

    return to_json(SchemaGenerator(api_version=None).get_schema(request=None, public=True))

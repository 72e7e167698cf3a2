"""OpenAPI description of the API, as JSON and in Swagger UI."""

from __future__ import annotations

from functools import cache

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """Serve the OpenAPI document."""
    response = HttpResponse(document(), content_type="application/json")
    response["Cache-Control"] = "public, max-age=300"
    return response


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Serve Swagger UI, from our own static files, as the Content Security Policy requires."""
    return render(request, "shell/api_docs.html")


@cache
def document() -> bytes:
    """Generate the OpenAPI document as JSON, once a process: it only changes with the code."""
    from drf_spectacular.generators import (
        SchemaGenerator,
    )  # here, because few processes serve the description

    from core.api.framework import to_json

    return to_json(SchemaGenerator(api_version=None).get_schema(request=None, public=True))

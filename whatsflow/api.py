"""URLs of the JSON API, version 1. Unknown URLs get a 404 in the API's envelope."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt

from whatsflow import api_docs, error_pages

app_name = "api"


@csrf_exempt  # a POST to an unknown URL must get 404, not a CSRF failure
def unknown(request: HttpRequest) -> HttpResponse:
    """Answer 404 for a path without an endpoint, with or without a trailing slash."""
    return error_pages.page_not_found(request)


endpoints: list[URLPattern | URLResolver] = [
    path("", include("accounts.api.urls")),
    path("", include("webhooks.api.urls")),
    path("", include("analytics.api.urls")),
    path("", include("connections.api.urls")),
    path("", include("contacts.api.urls")),
    path("", include("campaigns.api.urls")),
    path("", include("jobs.api.urls")),
    path("", include("messaging.api.urls")),
]
urlpatterns = [
    *endpoints,
    path("openapi.json", api_docs.openapi, name="openapi"),
    re_path(r"", unknown, name="unknown"),
]

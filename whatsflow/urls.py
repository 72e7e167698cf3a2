"""URLs of the site."""

from django.contrib import admin
from django.urls import include, path

from whatsflow import api_docs, health

urlpatterns = [
    path("", include("analytics.urls")),
    path("accounts/", include("accounts.urls")),
    path("jobs/", include("jobs.urls")),
    path("connections/webhooks/", include("webhooks.urls")),
    path("connections/", include("connections.urls")),
    path("contacts/", include("contacts.file_urls")),
    path("contacts/", include("contacts.urls")),
    path("inbox/", include("messaging.urls")),
    path("campaigns/", include("campaigns.urls")),
    path("api/docs/", api_docs.page, name="api-docs"),
    path("api/v1/", include("whatsflow.api")),
    path("admin/", admin.site.urls),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]

handler400 = "whatsflow.error_pages.bad_request"
handler403 = "whatsflow.error_pages.permission_denied"
handler404 = "whatsflow.error_pages.page_not_found"
handler500 = "whatsflow.error_pages.server_error"

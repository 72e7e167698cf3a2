"""API routes of analytics."""

from django.urls import path

from analytics.api.views import Analytics

urlpatterns = [
    path("analytics/overview", Analytics.as_view({"get": "overview"}), name="analytics-overview"),
    path("analytics/messages", Analytics.as_view({"get": "messages"}), name="analytics-messages"),
    path("analytics/contacts", Analytics.as_view({"get": "contacts"}), name="analytics-contacts"),
    path(
        "analytics/campaigns/<uuid:campaign_id>",
        Analytics.as_view({"get": "campaign"}),
        name="analytics-campaign",
    ),
]

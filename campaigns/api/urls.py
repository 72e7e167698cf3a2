"""API routes of campaigns."""

from django.urls import path

from campaigns.api import views

urlpatterns = [
    path("campaigns", views.Campaigns.as_view({"get": "list", "post": "create"}), name="campaigns"),
    path(
        "campaigns/<uuid:campaign_id>",
        views.Campaigns.as_view(
            {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
        ),
        name="campaign",
    ),
    path("campaigns/<uuid:campaign_id>/send", views.Sending.as_view({"post": "send"}), name="campaign-send"),
    path(
        "campaigns/<uuid:campaign_id>/pause", views.Sending.as_view({"post": "pause"}), name="campaign-pause"
    ),
    path(
        "campaigns/<uuid:campaign_id>/resume",
        views.Sending.as_view({"post": "resume"}),
        name="campaign-resume",
    ),
    path(
        "campaigns/<uuid:campaign_id>/cancel",
        views.Sending.as_view({"post": "cancel"}),
        name="campaign-cancel",
    ),
    path(
        "campaigns/<uuid:campaign_id>/retry", views.Sending.as_view({"post": "retry"}), name="campaign-retry"
    ),
    path(
        "campaigns/<uuid:campaign_id>/unschedule",
        views.Sending.as_view({"post": "unschedule"}),
        name="campaign-unschedule",
    ),
    path(
        "campaigns/<uuid:campaign_id>/duplicate",
        views.Sending.as_view({"post": "duplicate"}),
        name="campaign-duplicate",
    ),
    path("campaigns/<uuid:campaign_id>/test", views.Sending.as_view({"post": "test"}), name="campaign-test"),
    path("templates", views.Templates.as_view({"get": "list", "post": "create"}), name="templates"),
    path(
        "templates/<uuid:template_id>",
        views.Templates.as_view(
            {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
        ),
        name="template",
    ),
    path(
        "campaigns/<uuid:campaign_id>/dry-run",
        views.Sending.as_view({"get": "dry_run"}),
        name="campaign-dry-run",
    ),
    path(
        "campaigns/<uuid:campaign_id>/recipients",
        views.Sending.as_view({"get": "recipients"}),
        name="campaign-recipients",
    ),
]

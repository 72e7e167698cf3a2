"""API routes of endpoints, deliveries and events."""

from django.urls import path

from webhooks.api import views as api

urlpatterns = [
    path("webhooks", api.Webhooks.as_view({"get": "list", "post": "create"}), name="webhooks"),
    path("webhooks/event-types", api.EventTypes.as_view({"get": "list"}), name="webhook-event-types"),
    path("webhooks/deliveries", api.Deliveries.as_view({"get": "list"}), name="webhook-deliveries"),
    path(
        "webhooks/deliveries/<uuid:delivery_id>",
        api.Deliveries.as_view({"get": "retrieve"}),
        name="webhook-delivery",
    ),
    path(
        "webhooks/deliveries/<uuid:delivery_id>/replay",
        api.Deliveries.as_view({"post": "replay"}),
        name="webhook-delivery-replay",
    ),
    path(
        "webhooks/<uuid:webhook_id>",
        api.Webhooks.as_view(
            {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
        ),
        name="webhook",
    ),
    path(
        "webhooks/<uuid:webhook_id>/rotate", api.Webhooks.as_view({"post": "rotate"}), name="webhook-rotate"
    ),
    path("webhooks/<uuid:webhook_id>/test", api.Webhooks.as_view({"post": "test"}), name="webhook-test"),
    path(
        "webhooks/<uuid:webhook_id>/replay", api.Webhooks.as_view({"post": "replay"}), name="webhook-replay"
    ),
    path("events", api.Events.as_view({"get": "list"}), name="events"),
]

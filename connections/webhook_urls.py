"""Addresses of endpoints and of what was posted to them."""

from django.urls import path

from connections.views import deliveries, webhooks

app_name = "webhooks"

urlpatterns = [
    path("", webhooks.index, name="list"),
    path("new/", webhooks.create, name="create"),
    path("events/", deliveries.catalogue, name="catalogue"),
    path("deliveries/", deliveries.log, name="log"),
    path("deliveries/<uuid:delivery_id>/", deliveries.detail, name="delivery"),
    path("deliveries/<uuid:delivery_id>/replay/", deliveries.replay, name="delivery_replay"),
    path("<uuid:webhook_id>/", webhooks.detail, name="detail"),
    path("<uuid:webhook_id>/edit/", webhooks.edit, name="edit"),
    path("<uuid:webhook_id>/switch/", webhooks.switch, name="switch"),
    path("<uuid:webhook_id>/rotate/", webhooks.rotate, name="rotate"),
    path("<uuid:webhook_id>/test/", webhooks.test, name="test"),
    path("<uuid:webhook_id>/replay/", webhooks.replay, name="replay"),
    path("<uuid:webhook_id>/delete/", webhooks.delete, name="delete"),
]

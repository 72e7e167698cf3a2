"""URLs of the webhook pages."""

from django.urls import path

from webhooks.views import deliveries, endpoints

app_name = "webhooks"

urlpatterns = [
    path("", endpoints.index, name="list"),
    path("new/", endpoints.create, name="create"),
    path("events/", deliveries.catalogue, name="catalogue"),
    path("deliveries/", deliveries.log, name="log"),
    path("deliveries/<uuid:delivery_id>/", deliveries.detail, name="delivery"),
    path("deliveries/<uuid:delivery_id>/replay/", deliveries.replay, name="delivery_replay"),
    path("<uuid:webhook_id>/", endpoints.detail, name="detail"),
    path("<uuid:webhook_id>/edit/", endpoints.edit, name="edit"),
    path("<uuid:webhook_id>/switch/", endpoints.switch, name="switch"),
    path("<uuid:webhook_id>/rotate/", endpoints.rotate, name="rotate"),
    path("<uuid:webhook_id>/test/", endpoints.test, name="test"),
    path("<uuid:webhook_id>/replay/", endpoints.replay, name="replay"),
    path("<uuid:webhook_id>/delete/", endpoints.delete, name="delete"),
]

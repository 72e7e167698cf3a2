"""URLs of numbers and of the simulated phone."""

from django.urls import path

from connections.views import numbers, sandbox

app_name = "connections"

urlpatterns = [
    path("", numbers.index, name="list"),
    path("new/", numbers.create, name="create"),
    path("sandbox/", sandbox.try_sandbox, name="try_sandbox"),
    path("<uuid:connection_id>/", numbers.detail, name="detail"),
    path("<uuid:connection_id>/state/", numbers.state, name="state"),
    path("<uuid:connection_id>/qr/", numbers.qr, name="qr"),
    path("<uuid:connection_id>/connect/", numbers.connect, name="connect"),
    path("<uuid:connection_id>/pair/", numbers.pair, name="pair"),
    path("<uuid:connection_id>/disconnect/", numbers.disconnect, name="disconnect"),
    path("<uuid:connection_id>/release/", numbers.release, name="release"),
    path("<uuid:connection_id>/logout/", numbers.logout, name="logout"),
    path("<uuid:connection_id>/rename/", numbers.rename, name="rename"),
    path("<uuid:connection_id>/delete/", numbers.delete, name="delete"),
    path("<uuid:connection_id>/phone/", sandbox.phone, name="phone"),
    path("<uuid:connection_id>/phone/scan/", sandbox.scan, name="phone_scan"),
    path("<uuid:connection_id>/phone/unlink/", sandbox.unlink, name="phone_unlink"),
    path("<uuid:connection_id>/phone/online/", sandbox.online, name="phone_online"),
    path("<uuid:connection_id>/phone/speed/", sandbox.speed, name="phone_speed"),
    path("<uuid:connection_id>/phone/faults/", sandbox.faults, name="phone_faults"),
    path("<uuid:connection_id>/phone/customers/", sandbox.customers, name="phone_customers"),
    path("<uuid:connection_id>/phone/customers/new/", sandbox.add_customer, name="phone_add_customer"),
    path("phone/customers/<uuid:customer_id>/", sandbox.customer, name="phone_customer"),
    path("phone/customers/<uuid:customer_id>/messages/", sandbox.transcript, name="phone_messages"),
    path("phone/customers/<uuid:customer_id>/write/", sandbox.write, name="phone_write"),
    path("phone/media/<uuid:sandbox_message_id>/", sandbox.media, name="phone_media"),
]

"""API URLs of numbers and the sandbox."""

from django.urls import path

from connections.api.numbers import Connections, WhatsApp
from connections.api.sandbox import Sandbox

_ONE = "whatsapp/connections/<uuid:connection_id>"

urlpatterns = [
    path("whatsapp/status", WhatsApp.as_view({"get": "status"}), name="whatsapp-status"),
    path("whatsapp/connect", WhatsApp.as_view({"post": "connect"}), name="whatsapp-connect"),
    path("whatsapp/disconnect", WhatsApp.as_view({"post": "disconnect"}), name="whatsapp-disconnect"),
    path("whatsapp/qr", WhatsApp.as_view({"get": "code"}), name="whatsapp-qr"),
    path("whatsapp/qr.png", WhatsApp.as_view({"get": "picture"}), name="whatsapp-qr-png"),
    path("whatsapp/connections", Connections.as_view({"get": "list", "post": "create"}), name="connections"),
    path(
        _ONE,
        Connections.as_view(
            {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
        ),
        name="connection",
    ),
    path(f"{_ONE}/connect", Connections.as_view({"post": "connect"}), name="connection-connect"),
    path(f"{_ONE}/disconnect", Connections.as_view({"post": "disconnect"}), name="connection-disconnect"),
    path(f"{_ONE}/release", Connections.as_view({"post": "release"}), name="connection-release"),
    path(f"{_ONE}/logout", Connections.as_view({"post": "logout"}), name="connection-logout"),
    path(f"{_ONE}/qr", Connections.as_view({"get": "code"}), name="connection-qr"),
    path(f"{_ONE}/qr.png", Connections.as_view({"get": "picture"}), name="connection-qr-png"),
    path("sandbox/scan", Sandbox.as_view({"post": "scan"}), name="sandbox-scan"),
    path("sandbox/customers", Sandbox.as_view({"get": "customers"}), name="sandbox-customers"),
    path(
        "sandbox/messages", Sandbox.as_view({"get": "transcript", "post": "write"}), name="sandbox-messages"
    ),
]

"""API endpoints of numbers, and the short paths that act on the default one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from accounts.api.base import Endpoint
from accounts.api.operations import operation
from accounts.roles import Can
from accounts.scopes import Resource
from connections import selectors
from connections.api import payloads, serializers
from connections.models import WhatsAppConnection
from connections.services import holds, numbers
from core.web import qr

PNG = "image/png"
_NUMBER = "+351912345678"


class _Numbers(Endpoint):
    section = "WhatsApp"
    resource = Resource.CONNECTIONS
    capability = Can.MANAGE_CONNECTIONS

    def png(self, connection: WhatsAppConnection) -> HttpResponse:
        """Return the QR code as PNG."""
        response = HttpResponse(qr.png(selectors.current_qr_code(connection)), content_type=PNG)
        response["Cache-Control"] = "no-store"
        return response


class Connections(_Numbers):
    """WhatsApp numbers of the business."""

    def current(self, connection_id: UUID) -> WhatsAppConnection:
        """Get the number that If-Match and the ETag are about."""
        return selectors.get_connection(self.business, connection_id)

    @operation(
        "List numbers",
        answer=serializers.ConnectionSerializer,
        many=True,
        pages="number",
        ordering={"createdAt": ("created_at", "id")},
    )
    def list(self, request: Request) -> Any:
        """Oldest first."""
        return selectors.connections_of(self.business)

    @operation("Get a number", answer=serializers.ConnectionSerializer)
    def retrieve(self, request: Request, connection_id: UUID) -> WhatsAppConnection:
        """One number with its state."""
        return selectors.get_connection(self.business, connection_id)

    @operation(
        "Add a number",
        body=serializers.ConnectionBody,
        answer=serializers.ConnectionSerializer,
        status=201,
        example={"name": "Shop", "connectionMode": "sandbox"},
    )
    def create(self, request: Request) -> WhatsAppConnection:
        """Add a number, which is not connected yet.

        With `sandbox` it has a simulated phone, to try things without WhatsApp.
        """
        return numbers.create(self.business, self.user, self.data["connection_mode"], self.data["name"])

    @operation(
        "Rename a number",
        body=serializers.NameBody,
        answer=serializers.ConnectionSerializer,
        conditional=True,
        example={"name": "Shop"},
    )
    def update(self, request: Request, connection_id: UUID) -> WhatsAppConnection:
        """Set the name that the team sees; if it is empty, the phone number is shown."""
        connection = selectors.get_connection(self.business, connection_id)
        numbers.rename(connection, self.user, self.data["name"])
        return connection

    @operation(
        "Change a number",
        body=serializers.NameBody,
        answer=serializers.ConnectionSerializer,
        conditional=True,
        example={"name": "Shop"},
    )
    def partial_update(self, request: Request, connection_id: UUID) -> WhatsAppConnection:
        """Only what is sent changes."""
        connection = selectors.get_connection(self.business, connection_id)
        numbers.rename(connection, self.user, self.data.get("name", connection.name))
        return connection

    @operation("Delete a number", conditional=True)
    def destroy(self, request: Request, connection_id: UUID) -> None:
        """Delete the number for good, with its conversations. 409 `still_connected` until it is disconnected."""
        numbers.delete(selectors.get_connection(self.business, connection_id), self.user)

    @operation(
        "Connect a number",
        body=serializers.ConnectBody,
        answer=serializers.StatusSerializer,
        example={"phoneNumber": _NUMBER},
    )
    def connect(self, request: Request, connection_id: UUID) -> Any:
        """Connect with the existing login; without one, show a QR code, or with `phoneNumber` a pairing code."""
        connection = selectors.get_connection(self.business, connection_id)
        numbers.connect(connection, self.user, self.data.get("phone_number", ""))
        return payloads.status(connection)

    @operation("Disconnect a number", answer=serializers.StatusSerializer)
    def disconnect(self, request: Request, connection_id: UUID) -> Any:
        """Disconnect and keep the login; queued messages wait."""
        connection = selectors.get_connection(self.business, connection_id)
        numbers.disconnect(connection, self.user)
        return payloads.status(connection)

    @operation(
        "Release a number",
        body=serializers.ReleaseBody,
        answer=serializers.StatusSerializer,
        example={"send": False},
    )
    def release(self, request: Request, connection_id: UUID) -> Any:
        """Let a number that is on hold send again. 409 `not_held` if it is not on hold."""
        connection = selectors.get_connection(self.business, connection_id)
        holds.release(connection, self.user, send=self.data["send"])
        return payloads.status(selectors.get_connection(self.business, connection_id))

    @operation("Log a number out", answer=serializers.StatusSerializer)
    def logout(self, request: Request, connection_id: UUID) -> Any:
        """Unlink the number from the phone. To connect again, the code must be scanned again."""
        connection = selectors.get_connection(self.business, connection_id)
        numbers.logout(connection, self.user)
        return payloads.status(connection)

    @operation(
        "Get a number's code", answer=serializers.QrSerializer, can=Can.MANAGE_CONNECTIONS, writes=True
    )
    def code(self, request: Request, connection_id: UUID) -> Any:
        """Get the current QR code or pairing code. It can link a phone, so it needs the write scope."""
        return payloads.code(selectors.get_connection(self.business, connection_id))

    @operation("Get a number's QR code as PNG", binary=PNG, can=Can.MANAGE_CONNECTIONS, writes=True)
    def picture(self, request: Request, connection_id: UUID) -> HttpResponse:
        """404 while there is no QR code."""
        return self.png(selectors.get_connection(self.business, connection_id))


class WhatsApp(_Numbers):
    """One number without its id in the path: the default number, or that of `connectionId`."""

    @operation("Get the status", answer=serializers.StatusSerializer, query=serializers.WhichQuery)
    def status(self, request: Request) -> Any:
        """Get the status of the number and the reason for it.

        The default number is a connected one if there is, else the oldest.
        """
        return payloads.status(selectors.chosen(self.business, self.query.get("connection_id")))

    @operation(
        "Connect",
        body=serializers.ConnectDefaultBody,
        answer=serializers.StatusSerializer,
        example={"connectionMode": "sandbox"},
    )
    def connect(self, request: Request) -> Any:
        """Connect the number. Adds a number if there is none.

        Then show the code of GET /whatsapp/qr until the status is `connected`.
        """
        connection = numbers.connect_chosen(self.business, self.user, **self.data)
        return payloads.status(connection)

    @operation(
        "Disconnect",
        body=serializers.WhichBody,
        answer=serializers.StatusSerializer,
        example={},
    )
    def disconnect(self, request: Request) -> Any:
        """Disconnect and keep the login; queued messages wait."""
        connection = selectors.chosen(self.business, self.data.get("connection_id"))
        numbers.disconnect(connection, self.user)
        return payloads.status(connection)

    @operation(
        "Get the QR code",
        answer=serializers.QrSerializer,
        query=serializers.WhichQuery,
        can=Can.MANAGE_CONNECTIONS,
        writes=True,
    )
    def code(self, request: Request) -> Any:
        """Get the current QR code or pairing code. It can link a phone, so it needs the write scope."""
        return payloads.code(selectors.chosen(self.business, self.query.get("connection_id")))

    @operation(
        "Get the QR code as PNG",
        binary=PNG,
        query=serializers.WhichQuery,
        can=Can.MANAGE_CONNECTIONS,
        writes=True,
    )
    def picture(self, request: Request) -> HttpResponse:
        """404 while there is no QR code."""
        return self.png(selectors.chosen(self.business, self.query.get("connection_id")))

"""API endpoints of the sandbox."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from accounts.api.base import Endpoint
from accounts.api.operations import operation
from accounts.roles import Can
from accounts.scopes import Resource
from connections import selectors
from connections.api import payloads, serializers
from connections.models import SandboxMessage
from connections.services import sandbox


class Sandbox(Endpoint):
    """A simulated phone and simulated customers."""

    section = "Sandbox"
    resource = Resource.SANDBOX
    capability = Can.REPLY

    @operation(
        "Scan the code",
        body=serializers.WhichBody,
        answer=serializers.StatusSerializer,
        can=Can.MANAGE_CONNECTIONS,
        example={},
    )
    def scan(self, request: Request) -> Any:
        """Link the simulated phone to the sandbox number.

        Adds a sandbox number, which links itself, if there is none.
        """
        connection = sandbox.scan_shown(self.business, self.user, self.data.get("connection_id"))
        return payloads.status(connection)

    @operation(
        "List customers", answer=serializers.CustomerSerializer, many=True, query=serializers.WhichQuery
    )
    def customers(self, request: Request) -> Any:
        """List the simulated customers of a sandbox number, latest message first."""
        connection = selectors.chosen_sandbox(self.business, self.query.get("connection_id"))
        return selectors.sandbox_customers(connection)

    @operation(
        "Write as a customer",
        body=serializers.SandboxMessageBody,
        answer=serializers.SandboxMessageSerializer,
        status=201,
        example={"text": "Is the blue bowl still there?"},
    )
    def write(self, request: Request) -> SandboxMessage:
        """Receive a message as if it came from WhatsApp: it also appears in the inbox and at webhooks."""
        return sandbox.write_from(self.business, self.user, **self.data)

    @operation(
        "Read as a customer",
        answer=serializers.SandboxMessageSerializer,
        many=True,
        query=serializers.SandboxQuery,
    )
    def transcript(self, request: Request) -> Any:
        """List what the simulated customer sees: the newest 200 messages, oldest first."""
        customer = selectors.get_customer(self.business, self.query["customer_id"])
        return selectors.sandbox_transcript(customer)

"""A business's numbers with their simulated phones, and the other systems that hear of what happens."""

from connections.models.numbers import (
    SandboxCustomer,
    SandboxEvent,
    SandboxMessage,
    SandboxPhone,
    WhatsAppConnection,
)
from connections.models.webhooks import (
    EventFeed,
    EventSequence,
    PublicEvent,
    Webhook,
    WebhookAttempt,
    WebhookDelivery,
)

__all__ = [
    "EventFeed",
    "EventSequence",
    "PublicEvent",
    "SandboxCustomer",
    "SandboxEvent",
    "SandboxMessage",
    "SandboxPhone",
    "Webhook",
    "WebhookAttempt",
    "WebhookDelivery",
    "WhatsAppConnection",
]

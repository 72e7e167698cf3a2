"""A business's numbers with their simulated phones, and the other systems that hear of what happens."""

from connections.models.numbers import (
    ConnectionStateChange,
    SandboxCustomer,
    SandboxEvent,
    SandboxMessage,
    SandboxPhone,
    SitePulse,
    UnstoredEvent,
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
    "ConnectionStateChange",
    "EventFeed",
    "EventSequence",
    "PublicEvent",
    "SandboxCustomer",
    "SandboxEvent",
    "SandboxMessage",
    "SandboxPhone",
    "SitePulse",
    "UnstoredEvent",
    "Webhook",
    "WebhookAttempt",
    "WebhookDelivery",
    "WhatsAppConnection",
]

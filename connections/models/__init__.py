"""Models of numbers and simulated phones."""

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

__all__ = [
    "ConnectionStateChange",
    "SandboxCustomer",
    "SandboxEvent",
    "SandboxMessage",
    "SandboxPhone",
    "SitePulse",
    "UnstoredEvent",
    "WhatsAppConnection",
]

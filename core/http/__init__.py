"""Outbound HTTP that cannot be pointed at the inside of a network.

`request` sends one request; a `Session` keeps connections to one URL. What may be called is in `core.http.policy`.
Call neither inside of a transaction.
"""

from core.http.client import Session, request
from core.http.policy import (
    Blocked,
    Limits,
    OutboundError,
    Response,
    TimedOut,
    TooLarge,
    Unreachable,
    check_url,
)

__all__ = [
    "Blocked",
    "Limits",
    "OutboundError",
    "Response",
    "Session",
    "TimedOut",
    "TooLarge",
    "Unreachable",
    "check_url",
    "request",
]

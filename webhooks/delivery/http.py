"""HTTP request of one delivery: body, headers, signature (Standard Webhooks) and result."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings
from standardwebhooks import Webhook as Signer

from core.http import Limits, OutboundError, Session
from webhooks.delivery import presets, retry_schedule

ANSWER_BYTES = 1024
"""Bytes of a response that are stored."""
READ_BYTES = 64 * 1024
"""Bytes of a response that are read; the connection of a longer one is closed."""
GONE = 410


@dataclass(frozen=True)
class Endpoint:
    """Snapshot of an endpoint's settings, as they were when the deliveries were claimed."""

    id: UUID
    business_id: UUID
    url: str
    preset: str
    secrets: tuple[str, ...]
    headers: Mapping[str, str]
    failing_since: datetime | None = None
    last_success_at: datetime | None = None


@dataclass(frozen=True)
class ClaimedDelivery:
    """A claimed delivery. attempts: earlier ones. start_before: latest monotonic time to begin the request."""

    id: UUID
    claim: UUID
    event_id: UUID
    payload: str
    attempts: int
    start_before: float


@dataclass(frozen=True)
class Attempt:
    """Result of one request. Neither status nor error: nothing was sent, and the claim is released."""

    endpoint: Endpoint
    delivery: ClaimedDelivery
    at: datetime
    duration_ms: int = 0
    status: int | None = None
    error: str = ""
    answer: str = ""
    retry_after: float | None = None

    @property
    def tried(self) -> bool:
        return self.status is not None or bool(self.error)

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether the receiver has refused all further deliveries (410 Gone)."""
        return self.status == GONE


def signers(endpoint: Endpoint) -> list[Signer]:
    """Return a signer for each valid secret."""
    return [Signer(secret) for secret in endpoint.secrets]


def signed_headers(
    signers: Sequence[Signer], event_id: UUID, moment: datetime, body: bytes
) -> dict[str, str]:
    """Build the Standard Webhooks headers, with one signature per signer."""
    text = body.decode()
    signatures = [signer.sign(str(event_id), moment, text) for signer in signers]
    return {
        "webhook-id": str(event_id),
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def post(
    endpoint: Endpoint, signers: Sequence[Signer], session: Session, claimed: ClaimedDelivery
) -> Attempt:
    """Post one event. Failures of the receiver and blocked addresses are returned, not raised."""
    body = presets.body(endpoint.preset, claimed.payload)
    moment, begin = datetime.now(UTC), time.monotonic()
    headers = {
        "Content-Type": "application/json",
        **endpoint.headers,
        **signed_headers(signers, claimed.event_id, moment, body),
    }
    limits = Limits(
        connect=5.0,
        read=settings.WEBHOOK_TIMEOUT_SECONDS,
        total=settings.WEBHOOK_TIMEOUT_SECONDS,
        max_bytes=READ_BYTES,
    )
    try:
        response = session.post(body, headers, limits)
    except OutboundError as error:
        return Attempt(endpoint, claimed, moment, _ms(begin), error=error.code)
    return Attempt(
        endpoint,
        claimed,
        moment,
        _ms(begin),
        status=response.status,
        answer=response.body[:ANSWER_BYTES].decode(errors="replace").replace("\x00", ""),
        retry_after=retry_schedule.retry_after(response.headers.get("retry-after"), moment),
    )


def _ms(begin: float) -> int:
    return round((time.monotonic() - begin) * 1000)

"""One attempt on the wire: body, headers, signature (Standard Webhooks), and what became of it."""

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
"""Of an answer, what is kept."""
READ_BYTES = 64 * 1024
"""Of an answer, what is read; then the connection is given up."""
GONE = 410


@dataclass(frozen=True)
class Endpoint:
    """Where to post and how to sign, as it was when the deliveries were claimed."""

    id: UUID
    business_id: UUID
    url: str
    preset: str
    secrets: tuple[str, ...]
    headers: Mapping[str, str]
    failing_since: datetime | None = None
    last_success_at: datetime | None = None


@dataclass(frozen=True)
class Claimed:
    """A delivery that is ours until `good_until` (monotonic). attempts: those before."""

    id: UUID
    claim: UUID
    event_id: UUID
    payload: str
    attempts: int
    good_until: float


@dataclass(frozen=True)
class Attempt:
    """What became of one try. Neither status nor error: it was not tried and is given back."""

    endpoint: Endpoint
    delivery: Claimed
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
        """The receiver wants nothing more, ever."""
        return self.status == GONE


def signers(endpoint: Endpoint) -> list[Signer]:
    """One for each secret that is valid."""
    return [Signer(secret) for secret in endpoint.secrets]


def signed_headers(
    signers: Sequence[Signer], event_id: UUID, moment: datetime, body: bytes
) -> dict[str, str]:
    """The headers of Standard Webhooks; with two secrets (rotation) two signatures."""
    text = body.decode()
    signatures = [signer.sign(str(event_id), moment, text) for signer in signers]
    return {
        "webhook-id": str(event_id),
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def attempt(endpoint: Endpoint, signers: Sequence[Signer], session: Session, claimed: Claimed) -> Attempt:
    """Post one event. Never raises for what a receiver does."""
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
        answer = session.post(body, headers, limits)
    except OutboundError as error:
        return Attempt(endpoint, claimed, moment, _ms(begin), error=error.code)
    return Attempt(
        endpoint,
        claimed,
        moment,
        _ms(begin),
        status=answer.status,
        answer=answer.body[:ANSWER_BYTES].decode(errors="replace").replace("\x00", ""),
        retry_after=retry_schedule.retry_after(answer.headers.get("retry-after"), moment),
    )


def _ms(begin: float) -> int:
    return round((time.monotonic() - begin) * 1000)

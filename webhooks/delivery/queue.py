"""Queue of deliveries: find due ones, claim, settle, requeue. The rows of WebhookDelivery are the queue.

    pending, due -(claim: next_attempt_at moves to the end of the claim)-> pending, claimed
        -(settle)-> delivered | pending, later | failed

A claim expires by itself: after a crashed dispatcher nothing needs cleaning up, and what it may have posted is posted
again under the same event id.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Greatest

from core.clock import now
from core.db import bulk
from core.db.models import commit_lazily
from core.ids import uuid7
from core.realtime import wakeup
from webhooks.delivery import circuit_breaker, retry_schedule
from webhooks.delivery.http import Attempt, ClaimedDelivery, Endpoint
from webhooks.models import Webhook, WebhookAttempt, WebhookDelivery

log = structlog.get_logger(__name__)

TOPIC = "webhooks"
"""Wake-up topic of dispatchers."""
CLAIM_MARGIN = 0.1
"""Fraction at the end of a claim, besides the timeout of a request, in which no request is started any more."""
MAX_ENDPOINTS = 1000
"""Endpoints returned by one call of due_endpoints."""
START_INTERVAL_SECONDS = 1.0
"""Minimum time between two requests of one process to start a dispatcher."""

State = WebhookDelivery.State
_start_requested_at = -START_INTERVAL_SECONDS

_CLAIM = """
WITH due AS (
    SELECT id FROM webhook_deliveries
    WHERE webhook_id = %s AND state = 'pending' AND next_attempt_at <= %s
    ORDER BY next_attempt_at, id LIMIT %s FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE webhook_deliveries AS d SET claim = %s, next_attempt_at = %s FROM due WHERE d.id = due.id
    RETURNING d.id, d.event_id, d.attempts
)
SELECT taken.id, taken.event_id, taken.attempts, e.payload
FROM taken JOIN public_events AS e ON e.id = taken.event_id ORDER BY taken.id
"""
_SETTLE = """
UPDATE webhook_deliveries AS d SET
    state = v.state, attempts = d.attempts + v.tried, next_attempt_at = v.next, claim = NULL,
    last_status = CASE WHEN v.tried = 1 THEN v.status ELSE d.last_status END,
    last_error = CASE WHEN v.tried = 1 THEN v.error ELSE d.last_error END,
    settled_at = v.settled
FROM v WHERE d.id = v.key AND d.state = 'pending' AND (v.state = 'delivered' OR d.claim = v.claim)
RETURNING id
"""


def wake() -> None:
    """Wake the running dispatchers and have one started. A lost wake-up delays deliveries until the next beat."""
    global _start_requested_at
    wakeup.notify(TOPIC)
    if time.monotonic() - _start_requested_at < START_INTERVAL_SECONDS:
        return
    _start_requested_at = time.monotonic()
    try:
        current_app.send_task("connections.tasks.deliver_webhooks")
    except Exception:
        log.warning("webhook_dispatcher_not_asked", exc_info=True)


# -- due deliveries ----------------------------------------------------------------------------------------------------


def due_endpoints() -> list[Endpoint]:
    """List endpoints with due deliveries, at most MAX_ENDPOINTS, the latest success first."""
    due = WebhookDelivery.objects.filter(
        webhook=OuterRef("pk"), state=State.PENDING, next_attempt_at__lte=now()
    )
    callable_now = Webhook.objects.filter(
        Q(not_before=None) | Q(not_before__lte=now()), is_active=True, business_profile__deleted_at=None
    )
    rows = callable_now.filter(Exists(due)).order_by(F("last_success_at").desc(nulls_last=True), "id")
    return [_snapshot(row) for row in rows[:MAX_ENDPOINTS]]


def _snapshot(webhook: Webhook) -> Endpoint:
    secrets = [webhook.secret]
    if webhook.old_secret and webhook.old_secret_until and webhook.old_secret_until > now():
        secrets.append(webhook.old_secret)
    return Endpoint(
        id=webhook.pk,
        business_id=webhook.business_profile_id,
        url=webhook.url,
        preset=webhook.preset,
        secrets=tuple(secrets),
        headers=webhook.known_headers,
        failing_since=webhook.failing_since,
        last_success_at=webhook.last_success_at,
    )


def seconds_until_due() -> float | None:
    """Return the seconds until the next pending delivery is due: 0 if one is now, None if none is pending."""
    waiting = (
        WebhookDelivery.objects.filter(webhook=OuterRef("pk"), state=State.PENDING)
        .order_by("next_attempt_at")
        .values("next_attempt_at")[:1]
    )
    rows = Webhook.objects.filter(is_active=True, business_profile__deleted_at=None)
    rows = rows.annotate(next=Subquery(waiting))
    next_due_at = rows.aggregate(first=Min(Greatest("next", Coalesce("not_before", "next"))))["first"]
    return max((next_due_at - now()).total_seconds(), 0.0) if next_due_at else None


# -- claim -------------------------------------------------------------------------------------------------------------


def claim(webhook_id: UUID, limit: int) -> list[ClaimedDelivery]:
    """Claim the longest due deliveries of one endpoint for `WEBHOOK_CLAIM_SECONDS`.

    The commit does not wait for the disk: when a crash undoes a claim, the deliveries are just due again.
    """
    claim_id, moment, begin = uuid7(), now(), time.monotonic()
    until = moment + timedelta(seconds=settings.WEBHOOK_CLAIM_SECONDS)
    with transaction.atomic():
        commit_lazily()
        if database.vendor == "postgresql":
            rows = bulk.fetch(_CLAIM, [webhook_id, moment, limit, claim_id, until])
        else:
            rows = _claim_on_sqlite(webhook_id, limit, claim_id, moment, until)
    usable_seconds = settings.WEBHOOK_CLAIM_SECONDS * (1 - CLAIM_MARGIN)
    start_before = begin + usable_seconds - settings.WEBHOOK_TIMEOUT_SECONDS
    return [
        ClaimedDelivery(delivery_id, claim_id, event_id, payload, attempts, start_before)
        for delivery_id, event_id, attempts, payload in rows
    ]


def _claim_on_sqlite(
    webhook_id: UUID, limit: int, claim_id: UUID, moment: datetime, until: datetime
) -> list[tuple[UUID, UUID, int, str]]:
    """Select, then update: safe, because the transaction holds SQLite's only write lock."""
    due = WebhookDelivery.objects.filter(
        webhook_id=webhook_id, state=State.PENDING, next_attempt_at__lte=moment
    ).order_by("next_attempt_at", "id")
    rows = list(due.values_list("id", "event_id", "attempts", "event__payload")[:limit])
    WebhookDelivery.objects.filter(pk__in=[row[0] for row in rows]).update(
        claim=claim_id, next_attempt_at=until
    )
    return rows


# -- settle ------------------------------------------------------------------------------------------------------------


def settle(results: Sequence[Attempt]) -> None:
    """Persist results in one transaction: delivery states, attempts and the endpoints' circuit breaker.

    A success always counts; a failure only while its claim is still valid.
    """
    if not results:
        return
    moment = now()
    columns = {
        "key": "uuid",
        "claim": "uuid",
        "state": "text",
        "tried": "smallint",
        "next": "timestamptz",
        "status": "smallint",
        "error": "text",
        "settled": "timestamptz",
    }
    rows = sorted((_settle_row(result, moment) for result in results), key=lambda row: (row[0], row[2]))
    with transaction.atomic():
        commit_lazily()
        settled_ids = {bulk.as_uuid(key) for (key,) in bulk.update_each(columns, rows, _SETTLE)}
        tried = [result for result in results if result.tried]
        bulk.insert([_attempt(result) for result in tried if result.delivery.id in settled_ids])
        circuit_breaker.record_results(tried)


def _settle_row(result: Attempt, moment: datetime) -> tuple[object, ...]:
    """Build the values of one row of `_SETTLE`."""
    state: str = State.PENDING
    next_attempt_at: datetime | None = moment
    if result.succeeded:
        state, next_attempt_at = State.DELIVERED, None
    elif result.tried:
        wait = retry_schedule.next_wait(
            settings.WEBHOOK_RETRY_SECONDS,
            result.delivery.attempts + 1,
            random.random(),  # noqa: S311 - spreads the load, keeps no secret
            result.retry_after,
        )
        state = State.FAILED if wait is None else State.PENDING
        next_attempt_at = None if wait is None else moment + timedelta(seconds=wait)
    return (
        result.delivery.id,
        result.delivery.claim,
        state,
        int(result.tried),
        next_attempt_at,
        result.status,
        result.error,
        None if state == State.PENDING else moment,
    )


def _attempt(result: Attempt) -> WebhookAttempt:
    return WebhookAttempt(
        delivery_id=result.delivery.id,
        at=result.at,
        duration_ms=result.duration_ms,
        status=result.status,
        error=result.error,
        answer=result.answer,
    )


# -- requeue -----------------------------------------------------------------------------------------------------------


def requeue(deliveries: QuerySet[WebhookDelivery]) -> int:
    """Restart the retry schedule of deliveries in any state, except those that are claimed; one statement.

    Returns the number of requeued deliveries. Must be called inside a transaction.
    """
    unclaimed = Q(state=State.PENDING, claim=None) | ~Q(state=State.PENDING)
    count = deliveries.filter(unclaimed).update(
        state=State.PENDING, attempts=0, next_attempt_at=now(), claim=None, settled_at=None
    )
    if count:
        transaction.on_commit(wake, robust=True)
    return count

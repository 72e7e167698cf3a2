"""The queue of deliveries: what is due, who takes it, what became of it. The rows are the queue.

    pending, due -(claim: next_attempt_at is put off by the claim's length)-> pending, claimed
        -(settle)-> delivered | pending, later | failed

A claim ends by itself: a dispatcher that was killed needs nobody to clean up after it, and what it may have posted is
posted again under the same id.
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
from webhooks.delivery import retry_schedule
from webhooks.delivery.http import Attempt, Claimed, Endpoint
from webhooks.models import Webhook, WebhookAttempt, WebhookDelivery
from webhooks.services import circuit_breaker

log = structlog.get_logger(__name__)

TOPIC = "webhooks"
"""Topic of the wake-ups of the dispatchers."""
SAFETY = 0.1
"""Of a claim's time, what is left at its end besides the time that a try may take: nobody begins one any more."""
ENDPOINTS_AT_ONCE = 1000
START_AGAIN_SECONDS = 1.0

State = WebhookDelivery.State
_started_at = -START_AGAIN_SECONDS

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
    """Tell dispatchers that something is due, and have one started. Losing this costs seconds: the beat sweeps."""
    global _started_at
    wakeup.notify(TOPIC)
    if time.monotonic() - _started_at < START_AGAIN_SECONDS:
        return
    _started_at = time.monotonic()
    try:
        current_app.send_task("connections.tasks.deliver_webhooks")
    except Exception:
        log.warning("webhook_dispatcher_not_asked", exc_info=True)


# -- what is due -------------------------------------------------------------------------------------------------------


def _open() -> QuerySet[Webhook]:
    """Endpoints that may be posted to now."""
    return Webhook.objects.filter(
        Q(not_before=None) | Q(not_before__lte=now()), is_active=True, business_profile__deleted_at=None
    )


def due_endpoints() -> list[Endpoint]:
    """Endpoints with deliveries that are due; of very many those that have had a success lately."""
    due = WebhookDelivery.objects.filter(
        webhook=OuterRef("pk"), state=State.PENDING, next_attempt_at__lte=now()
    )
    rows = _open().filter(Exists(due)).order_by(F("last_success_at").desc(nulls_last=True), "id")
    return [circuit_breaker.endpoint(row) for row in rows[:ENDPOINTS_AT_ONCE]]


def seconds_until_due() -> float | None:
    """Until the next delivery that waits may go; 0 when one may now, None when none waits."""
    waiting = (
        WebhookDelivery.objects.filter(webhook=OuterRef("pk"), state=State.PENDING)
        .order_by("next_attempt_at")
        .values("next_attempt_at")[:1]
    )
    rows = Webhook.objects.filter(is_active=True, business_profile__deleted_at=None)
    rows = rows.annotate(next=Subquery(waiting))
    found = rows.aggregate(first=Min(Greatest("next", Coalesce("not_before", "next"))))["first"]
    return max((found - now()).total_seconds(), 0.0) if found else None


# -- taking ------------------------------------------------------------------------------------------------------------


def claim(webhook_id: UUID, limit: int) -> list[Claimed]:
    """Take deliveries of one endpoint for `WEBHOOK_CLAIM_SECONDS`: those that have been due longest.

    The commit does not wait for the disk: a claim that a crash undoes is one that nobody made.
    """
    mark, moment, begin = uuid7(), now(), time.monotonic()
    until = moment + timedelta(seconds=settings.WEBHOOK_CLAIM_SECONDS)
    with transaction.atomic():
        commit_lazily()
        if database.vendor == "postgresql":
            rows = bulk.fetch(_CLAIM, [webhook_id, moment, limit, mark, until])
        else:
            rows = _claim_on_sqlite(webhook_id, limit, mark, moment, until)
    good_until = begin + settings.WEBHOOK_CLAIM_SECONDS * (1 - SAFETY) - settings.WEBHOOK_TIMEOUT_SECONDS
    return [
        Claimed(key, mark, event_id, payload, attempts, good_until)
        for key, event_id, attempts, payload in rows
    ]


def _claim_on_sqlite(
    webhook_id: UUID, limit: int, mark: UUID, moment: datetime, until: datetime
) -> list[tuple[UUID, UUID, int, str]]:
    """The transaction holds the only write lock, so nobody comes between the look and the mark."""
    due = WebhookDelivery.objects.filter(
        webhook_id=webhook_id, state=State.PENDING, next_attempt_at__lte=moment
    ).order_by("next_attempt_at", "id")
    rows = list(due.values_list("id", "event_id", "attempts", "event__payload")[:limit])
    WebhookDelivery.objects.filter(pk__in=[row[0] for row in rows]).update(claim=mark, next_attempt_at=until)
    return rows


# -- what became of it -------------------------------------------------------------------------------------------------


def settle(results: Sequence[Attempt]) -> None:
    """Write what became of attempts, in a few statements: deliveries, the log of attempts, the endpoints' health.

    A success counts whoever had it; a failure only while the claim is still ours.
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
    rows = sorted((_settled(result, moment) for result in results), key=lambda row: (row[0], row[2]))
    with transaction.atomic():
        commit_lazily()
        known = {bulk.as_uuid(key) for (key,) in bulk.update_each(columns, rows, _SETTLE)}
        bulk.insert([_attempt(result) for result in results if result.tried and result.delivery.id in known])
        circuit_breaker.note([result for result in results if result.tried])


def _settled(result: Attempt, moment: datetime) -> tuple[object, ...]:
    """The row of `_SETTLE`."""
    state: str = State.PENDING
    following: datetime | None = moment
    if result.succeeded:
        state, following = State.DELIVERED, None
    elif result.tried:
        wait = retry_schedule.next_wait(
            settings.WEBHOOK_RETRY_SECONDS,
            result.delivery.attempts + 1,
            random.random(),  # noqa: S311 - spreads the load, keeps no secret
            result.retry_after,
        )
        state = State.FAILED if wait is None else State.PENDING
        following = None if wait is None else moment + timedelta(seconds=wait)
    return (
        result.delivery.id,
        result.delivery.claim,
        state,
        int(result.tried),
        following,
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


# -- again -------------------------------------------------------------------------------------------------------------


def again(deliveries: QuerySet[WebhookDelivery]) -> int:
    """Put deliveries back at the start of their schedule, whatever became of them; one statement.

    What is being tried just now stays as it is. Returns how many. Must be called inside a transaction.
    """
    waiting = Q(state=State.PENDING, claim=None) | ~Q(state=State.PENDING)
    count = deliveries.filter(waiting).update(
        state=State.PENDING, attempts=0, next_attempt_at=now(), claim=None, settled_at=None
    )
    if count:
        transaction.on_commit(wake, robust=True)
    return count

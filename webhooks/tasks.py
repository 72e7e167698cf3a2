"""Celery tasks of webhooks, run by beat. Their names are those under which queues and schedules know them."""

from __future__ import annotations

from celery import shared_task

from webhooks.delivery import dispatcher
from webhooks.services import circuit_breaker, deliveries, retention


@shared_task(name="connections.tasks.deliver_webhooks")
def deliver_webhooks() -> None:
    """Start this worker's dispatcher if deliveries are due, and notify owners of disabled endpoints."""
    if deliveries.seconds_until_due() is not None:
        dispatcher.ensure_running()
    circuit_breaker.tell_owners()


@shared_task(name="connections.tasks.prune_events")
def prune_events() -> None:
    """Delete expired events, deliveries and attempts."""
    retention.prune()

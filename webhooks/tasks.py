"""Celery tasks run by beat. Their names are part of the deployed schedules and queues."""

from __future__ import annotations

from celery import shared_task

from webhooks.delivery import circuit_breaker, dispatcher, queue
from webhooks.services import retention


@shared_task(name="connections.tasks.deliver_webhooks")
def deliver_webhooks() -> None:
    """Start this worker's dispatcher if deliveries are due, and notify owners of disabled endpoints."""
    if queue.seconds_until_due() is not None:
        dispatcher.ensure_running()
    circuit_breaker.notify_owners()


@shared_task(name="connections.tasks.prune_events")
def prune_events() -> None:
    """Delete expired events, deliveries and attempts."""
    retention.prune()

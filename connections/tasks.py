"""Doorbells: the number's row says whether anything is to be done."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from connections.runner import run_here
from connections.services import (
    deliveries,
    endpoint_health,
    event_retention,
    history,
    holds,
    numbers,
    sessions,
    unstored_events,
)
from connections.webhooks import dispatcher


@shared_task(name="connections.tasks.run_session")
def run_session(connection_id: str) -> None:
    """Drive the number as long as this worker holds its lease. A second run of the same number returns at once."""
    run_here(UUID(connection_id))


@shared_task(name="connections.tasks.ensure_sessions")
def ensure_sessions() -> None:
    """Ask for a worker for every number that should be driven and is not; before, hold what must not send."""
    holds.pulse.beat()
    sessions.ensure()


@shared_task(name="connections.tasks.log_out_idle")
def log_out_idle() -> None:
    """Give up the logins of numbers that nobody has connected for long."""
    numbers.log_out_idle()


@shared_task(name="connections.tasks.deliver_webhooks")
def deliver_webhooks() -> None:
    """Have this worker post what is due to other systems, in a thread of its own; and write to owners who must know."""
    if deliveries.seconds_until_due() is not None:
        dispatcher.ensure_running()
    endpoint_health.tell_owners()


@shared_task(name="connections.tasks.prune_events")
def prune_events() -> None:
    """Forget what other systems were told, what states numbers were in and what could not be stored, long ago."""
    event_retention.prune()
    history.prune()
    unstored_events.prune()

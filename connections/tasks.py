"""Celery tasks of numbers, run by beat."""

from __future__ import annotations

from celery import shared_task

from connections.services import holds, numbers, sessions, state_history, unstored_events


@shared_task(name="connections.tasks.ensure_sessions")
def ensure_sessions() -> None:
    """Request a worker for every number that should be online and is not.

    First hold numbers with old data.
    """
    holds.pulse.beat()
    sessions.ensure()


@shared_task(name="connections.tasks.log_out_idle")
def log_out_idle() -> None:
    """Log out numbers that have been disconnected for WHATSFLOW_LOGOUT_AFTER_DAYS."""
    numbers.log_out_idle()


@shared_task(name="connections.tasks.prune")
def prune() -> None:
    """Delete old state changes and expired unstored events."""
    state_history.prune()
    unstored_events.prune()

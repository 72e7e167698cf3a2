"""Celery tasks of numbers, run by beat."""

from __future__ import annotations

from celery import shared_task

from connections.services import holds, numbers, sessions, state_history, unstored_events


@shared_task(name="connections.tasks.ensure_sessions")
def ensure_sessions() -> None:
    """Ask for a worker for every number that should be driven and is not; before, hold what must not send."""
    holds.pulse.beat()
    sessions.ensure()


@shared_task(name="connections.tasks.log_out_idle")
def log_out_idle() -> None:
    """Give up the logins of numbers that nobody has connected for long."""
    numbers.log_out_idle()


@shared_task(name="connections.tasks.prune")
def prune() -> None:
    """Delete old state changes and expired unstored events."""
    state_history.prune()
    unstored_events.prune()

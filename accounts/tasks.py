"""Celery tasks: password reset mails, pruning, purging deleted businesses."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.core.management import call_command

from accounts.services import api_sessions, businesses, idempotency, purge, users


@shared_task
def send_password_reset(email: str) -> None:
    """Mail a reset link if the address has a user; a task, so that response times do not reveal it."""
    users.send_password_reset(email)


@shared_task
def purge_business(business_id: str) -> None:
    """Remove a deleted business with its rows and files."""
    purge.business(UUID(business_id))


@shared_task
def clear_expired() -> None:
    """Delete expired sessions and idempotency records, and purge deleted businesses."""
    call_command("clearsessions")
    api_sessions.prune()
    idempotency.prune()
    businesses.purge_deleted()

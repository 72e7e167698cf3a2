"""Work behind the pages: mail, tidying, and removing deleted businesses."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.core.management import call_command

from accounts.services import api_sessions, businesses, idempotency, purge, users


@shared_task
def send_password_reset(email: str) -> None:
    """Mail a reset link, if the address belongs to somebody. The page does not wait, so its time tells nothing."""
    users.send_password_reset(email)


@shared_task
def purge_business(business_id: str) -> None:
    """Remove the rows of a business that its owner deleted."""
    purge.business(UUID(business_id))


@shared_task
def clear_expired() -> None:
    """Forget old sessions and stored answers, and finish removing deleted businesses."""
    call_command("clearsessions")
    api_sessions.prune()
    idempotency.prune()
    businesses.purge_deleted()

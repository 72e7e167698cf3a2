"""Periodic work: wake runners with due messages, delete expired rows."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef

from connections.models import WhatsAppConnection
from connections.services import numbers
from core.clock import now
from messaging.media import media_files
from messaging.models import Message, ParkedAck, ParkedChange

PARKED_FOR = timedelta(days=7)
"""After this time the message of a parked receipt or change will not come any more."""
UPLOADS_FOR = timedelta(days=1)


def wake_due_runners() -> int:
    """Wake the runner of every number with messages that may leave now.

    One query. Returns how many.
    """
    moment = now()
    waiting = Message.objects.filter(connection=OuterRef("pk"), status=Message.Status.QUEUED)
    ready = waiting.filter(claim_epoch=0, not_before=None)
    due = waiting.filter(not_before__lte=moment)
    rows = WhatsAppConnection.objects.filter(Exists(ready) | Exists(due)).order_by()
    connection_ids = list(rows.values_list("pk", flat=True))
    for connection_id in connection_ids:
        numbers.wake_runner(connection_id)
    return len(connection_ids)


def prune() -> None:
    """Delete expired parked receipts and changes, and uploads that were never sent."""
    moment = now()
    for parked in (ParkedAck, ParkedChange):
        parked.objects.filter(created_at__lt=moment - PARKED_FOR).delete()
    media_files.prune_orphans(moment - UPLOADS_FOR)

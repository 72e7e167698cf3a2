"""What runs by the clock: ringing for messages that wait, and removing what nobody needs any more."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef

from connections.models import WhatsAppConnection
from core.clock import now
from core.realtime import wakeup
from messaging.media import media_files
from messaging.models import Message, ParkedAck, ParkedChange

PARKED_FOR = timedelta(days=7)
"""A receipt or change whose message has not come for so long belongs to one we will never see."""
UPLOADS_FOR = timedelta(days=1)


def ring_for_due_messages() -> int:
    """Ring for every number that has something to send now; one query. Returns how many."""
    moment = now()
    waiting = Message.objects.filter(connection=OuterRef("pk"), status=Message.Status.QUEUED)
    ready = waiting.filter(claim_epoch=0, not_before=None)
    due = waiting.filter(not_before__lte=moment)
    numbers = WhatsAppConnection.objects.filter(Exists(ready) | Exists(due)).order_by()
    ringing = list(numbers.values_list("pk", flat=True))
    for connection_id in ringing:
        wakeup.notify(wakeup.connection_topic(connection_id))
    return len(ringing)


def prune() -> None:
    """Remove receipts and changes that never found their message, and uploads that were never sent."""
    moment = now()
    for parked in (ParkedAck, ParkedChange):
        parked.objects.filter(created_at__lt=moment - PARKED_FOR).delete()
    media_files.prune_orphans(moment - UPLOADS_FOR)

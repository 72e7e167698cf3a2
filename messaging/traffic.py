"""How busy each number is: the counter of `connections.ports.Messaging`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.models import BusinessProfile
from connections.ports import Traffic
from messaging.models import Message

LATE = timedelta(days=1)
"""A message sent today may have been written that much earlier; the bound keeps the count on the index by creation."""

_IN_OUTBOX = Q(claim_epoch=0, not_before=None) | Q(claim_epoch__gt=0) | Q(not_before__isnull=False)
"""Always true: the three parts of the outbox, each with an index of its own that the count then stays on."""


def count(business: BusinessProfile, connection_ids: Sequence[UUID]) -> dict[UUID, Traffic]:
    """What waits and what was sent today, for each of these numbers of the business; two queries."""
    midnight = (
        timezone.now()
        .astimezone(ZoneInfo(business.time_zone))
        .replace(hour=0, minute=0, second=0, microsecond=0)
    )
    ours = Message.objects.filter(business_profile=business, connection__in=connection_ids)
    queued = _by_connection(ours.filter(_IN_OUTBOX, status=Message.Status.QUEUED))
    sent = _by_connection(
        ours.filter(
            created_at__gte=midnight - LATE, direction=Message.Direction.OUTBOUND, sent_at__gte=midnight
        )
    )
    return {id_: Traffic(queued.get(id_, 0), sent.get(id_, 0)) for id_ in connection_ids}


def _by_connection(messages: QuerySet[Message]) -> dict[UUID, int]:
    return dict(messages.order_by().values_list("connection").annotate(Count("id")))

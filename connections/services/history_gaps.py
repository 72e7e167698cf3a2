"""Gaps of numbers: since when messages may be missing, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from connections import leases
from connections.leases import Lease
from connections.models import WhatsAppConnection


def begin(lease: Lease, since: datetime) -> datetime:
    """Open a gap, or widen the open one. Returns its start. Raises LeaseLost."""
    with transaction.atomic():
        row = leases.guard(lease)
        since = min(since, row.gap_since or since)
        if since != row.gap_since:
            _update(row, gap_since=since)
    return since


def note(lease: Lease, reason: str, chats: int, *, recovered: int = 0) -> None:
    """Save why the gap is still open.

    chats: number that could not be read. recovered: number of new messages.
    """
    with transaction.atomic():
        row = leases.guard(lease)
        if (row.gap_reason, row.gap_chats) != (reason[:40], chats) or recovered:
            _update(
                row,
                gap_reason=reason[:40],
                gap_chats=chats,
                backfilled_count=F("backfilled_count") + recovered,
            )


def end(lease: Lease, *, recovered: int) -> None:
    """Close the gap, because every chat was read. recovered: number of new messages."""
    with transaction.atomic():
        counted = F("backfilled_count") + recovered
        _update(leases.guard(lease), gap_since=None, gap_reason="", gap_chats=0, backfilled_count=counted)


def _update(row: WhatsAppConnection, **fields: Any) -> None:
    WhatsAppConnection.objects.filter(pk=row.pk).update(**fields)

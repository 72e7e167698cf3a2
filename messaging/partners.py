"""Which of a business's numbers talk with whom: what filters of contacts ask."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import BusinessProfile
from connections import selectors as connections
from messaging.models import Conversation


def numbers_of(business: BusinessProfile) -> list[tuple[UUID, str]]:
    """Id and name of each of the business's numbers; one query."""
    rows = connections.connections_of(business).defer("session_data", "qr_code", "pairing_code")
    return [(one.pk, one.display_name) for one in rows]


def talks(connection_ids: Collection[UUID]) -> QuerySet[Any]:
    """The conversations of these numbers, each with its contact_id."""
    return Conversation.objects.filter(connection_id__in=list(connection_ids))

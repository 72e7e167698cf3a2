"""Pacing of a number: settings, and campaign messages of the last 24 hours."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from connections.models import WhatsAppConnection
from core.errors import InvalidInput, NotFound
from messaging.models import Message
from messaging.outbox import pacing
from messaging.outbox.pacing import Pacing, Past

KEY = "pacing"
"""Key of the settings in the number's JSON."""
COLD = "cold"
"""Key in the metadata of a campaign's message to somebody who never wrote."""


def settings_of(connection: WhatsAppConnection) -> Pacing:
    """Return the number's pacing settings, with defaults."""
    return Pacing.of(connection.settings.get(KEY), sandbox=connection.is_sandbox)


def past_of(connection: WhatsAppConnection, settings: Pacing, moment: datetime) -> Past:
    """Return the campaign messages that the number began to send in the last 24 hours.

    One query.
    """
    rows = Message.objects.filter(
        connection=connection, origin=Message.Origin.CAMPAIGN, sending_since__gt=moment - pacing.DAY
    )
    newest = rows.order_by("-sending_since")[: max(settings.daily, settings.hourly, 1)]
    sent: list[datetime] = []
    cold: list[datetime] = []
    for at, metadata in newest.values_list("sending_since", "metadata"):
        assert at is not None
        sent.append(at)
        if metadata.get(COLD):
            cold.append(at)
    return Past(tuple(sent), tuple(cold), _linked_at(connection))


def _linked_at(connection: WhatsAppConnection) -> datetime:
    """Return when the number was added; warm-up counts from then."""
    return connection.created_at


def new_chats_from(connection: WhatsAppConnection, settings: Pacing, moment: datetime) -> datetime:
    """Return from when the number may write to contacts who never wrote.

    It is `moment` if it may now. One query. They have a budget of their own, and WhatsApp may forbid new chats for a
    while.
    """
    begin = max(moment, connection.limited_until or moment)
    if not settings.enabled:
        return begin
    if settings.cold_daily <= 0:
        return max(begin, moment + pacing.DAY)
    rows = Message.objects.filter(
        connection=connection, origin=Message.Origin.CAMPAIGN, sending_since__gt=moment - pacing.DAY
    )
    cold = rows.filter(**{f"metadata__{COLD}": True}).order_by("-sending_since")
    full = cold.values_list("sending_since", flat=True)[settings.cold_daily - 1 : settings.cold_daily].first()
    return max(begin, full + pacing.DAY) if full else begin


def cold_contacts(contact_ids: Collection[UUID]) -> set[UUID]:
    """Return those of these contacts who have never written."""
    rows = Message.objects.filter(contact_id__in=contact_ids, direction=Message.Direction.INBOUND)
    return set(contact_ids) - set(rows.order_by().values_list("contact_id", flat=True).distinct())


def had_campaign(
    business_id: UUID, contact_ids: Iterable[UUID], since: datetime, besides: Collection[UUID]
) -> set[UUID]:
    """Return those of these contacts who were sent a campaign message since then.

    Messages in `besides` do not count.
    """
    rows = Message.objects.filter(
        business_profile_id=business_id,
        contact_id__in=list(contact_ids),
        created_at__gte=since - timedelta(days=14),
        origin=Message.Origin.CAMPAIGN,
        sending_since__gte=since,
    )
    return set(rows.exclude(pk__in=list(besides)).order_by().values_list("contact_id", flat=True))


def change(
    business: BusinessProfile, connection: WhatsAppConnection, actor: User | None, values: dict[str, Any]
) -> Pacing:
    """Change a number's pacing.

    Raises InvalidInput with the field, NotFound for another business's number.
    """
    if connection.business_profile_id != business.pk:
        raise NotFound("This number")
    _check(values)
    with transaction.atomic():
        row = WhatsAppConnection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        chosen = Pacing.of({**settings_of(row).to_dict(), **values})
        row.settings = {**row.settings, KEY: chosen.to_dict()}
        row.save(update_fields=["settings", "updated_at"])
        audit.record(business, actor, "connection.pacing_changed", row, **_plain(values))
    connection.settings = row.settings
    return chosen


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


_LIMITS = {
    "gap_min": (0, 3600), "gap_max": (0, 3600), "burst": (1, 1000), "hourly": (1, 100_000), "daily": (1, 100_000),
    "cold_daily": (0, 100_000), "window_start": (0, 1439), "window_end": (1, 1440), "marketing_hours": (0, 720),
}  # fmt: skip


def _check(values: dict[str, Any]) -> None:
    for name, (low, high) in _LIMITS.items():
        if name in values and not low <= values[name] <= high:
            raise InvalidInput("out_of_range", f"Between {low} and {high:,}, please.", field=name)
    if values.get("gap_max", 3600) < values.get("gap_min", 0):
        raise InvalidInput("out_of_range", "The longest pause is shorter than the shortest.", field="gap_max")
    if values.get("window_end", 1440) <= values.get("window_start", 0):
        raise InvalidInput("out_of_range", "The window ends before it begins.", field="window_end")
    if "weekdays" in values and not values["weekdays"]:
        raise InvalidInput("no_weekday", "Choose at least one day of the week.", field="weekdays")

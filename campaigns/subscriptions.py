"""Event subscriptions of campaigns."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from uuid import UUID

import structlog
from celery import current_app

from campaigns.events import CampaignChanged, CampaignStatusChanged
from campaigns.services import auto_pause, drafts, recipient_states, replies, restore_guard, transitions
from connections.events import ConnectionStatusChanged, DataMayBeOld
from contacts.events import ContactBlocked, ContactOptedOut, ContactsMerged, TagsMerged
from core import events
from core.realtime import hub
from messaging.events import MessageReceived, MessageStatusChanged

log = structlog.get_logger(__name__)

FEED_INTERVAL = 0.2
"""Minimum seconds between two feed tasks that a process sends for one campaign."""
FRAME_INTERVAL = 1.0
"""Minimum seconds between two live frames about new counters of one campaign."""


def register() -> None:
    """Subscribe to events; called once, in ready()."""
    events.inside(MessageStatusChanged, on_message_statuses)
    events.inside(MessageReceived, replies.on_received)
    events.inside(ContactOptedOut, replies.on_opted_out)
    events.inside(ContactBlocked, on_blocked)
    events.inside(ContactsMerged, replies.on_merged)
    events.inside(TagsMerged, on_tags_merged)
    events.inside(ConnectionStatusChanged, auto_pause.on_connection)
    events.inside(DataMayBeOld, restore_guard.on_old_data)
    events.after(CampaignStatusChanged, on_status_changed)
    events.after(CampaignChanged, on_changed)


def on_message_statuses(batch: Sequence[MessageStatusChanged]) -> None:
    """Apply message statuses to recipients; pause the campaign on failures, complete it after the last."""
    outcome = recipient_states.apply_message_statuses(batch)
    if outcome is None:
        return
    if outcome.failed:
        auto_pause.after_failures(outcome)
    if outcome.requeued:
        transitions.hold_requeued(outcome.requeued)
    if outcome.drained:
        transitions.complete_drained(outcome.drained)


def on_blocked(batch: Sequence[ContactBlocked]) -> None:
    """Exclude blocked contacts from running campaigns."""
    replies.exclude_contacts({event.contact_id for event in batch if event.blocked}, "blocked")


def on_tags_merged(batch: Sequence[TagsMerged]) -> None:
    """Replace a merged tag in campaigns that are not over."""
    for event in batch:
        drafts.replace_tag(event.business_id, event.lost_id, event.tag_id)


def on_status_changed(batch: Sequence[CampaignStatusChanged]) -> None:
    """Sync the outbox in the committing thread, so that a pause counts from the next message on."""
    for event in batch:
        if event.step in ("paused", "resumed", "cancelled"):
            transitions.sync_outbox(event.campaign_id)
        if event.step in ("started", "resumed"):
            _send_task("campaigns.tasks.feed", event.campaign_id)
        elif event.step == "cancelled":
            _send_task("campaigns.tasks.close", event.campaign_id)
        hub.push(hub.business_group(event.business_id), frame(event.campaign_id))


def on_changed(batch: Sequence[CampaignChanged]) -> None:
    """Top up the outbox and refresh open pages, both at limited rates."""
    for key, business_id in {event.campaign_id: event.business_id for event in batch}.items():
        if _due(_fed_at, key, FEED_INTERVAL):
            _send_task("campaigns.tasks.feed", key)
        if _due(_shown_at, key, FRAME_INTERVAL):
            hub.push(hub.business_group(business_id), frame(key))


def frame(campaign_id: UUID) -> dict[str, str]:
    """Build the live frame that makes open pages fetch the campaign again."""
    return {"type": "campaign", "campaign": str(campaign_id)}


def _send_task(task: str, campaign_id: UUID) -> None:
    try:
        current_app.send_task(task, args=[str(campaign_id)])
    except Exception:
        log.warning("campaign_task_not_sent", campaign_id=str(campaign_id), task=task, exc_info=True)


_fed_at: dict[UUID, float] = {}
_shown_at: dict[UUID, float] = {}
_lock = threading.Lock()


def _due(times: dict[UUID, float], key: UUID, seconds: float) -> bool:
    moment = time.monotonic()
    with _lock:
        if moment - times.get(key, -seconds) < seconds:
            return False
        if len(times) > 1000:
            times.clear()
        times[key] = moment
    return True

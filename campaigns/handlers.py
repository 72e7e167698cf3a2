"""Who listens to what for campaigns: the ledger inside the transaction of what happened, the rest after it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from uuid import UUID

import structlog
from celery import current_app

from campaigns.events import CampaignChanged, CampaignMoved
from campaigns.services import auto_pause, drafts, recipient_states, replies, restore_guard, transitions
from connections.events import ConnectionStatusChanged, DataMayBeOld
from contacts.events import ContactBlocked, ContactOptedOut, ContactsMerged, TagsMerged
from core import events
from core.realtime import hub
from messaging.events import MessageReceived, MessageStatusChanged

log = structlog.get_logger(__name__)

FEED_SECONDS = 0.2
"""A process rings for the next messages of one campaign at most this often."""
SHOW_SECONDS = 1.0
"""Open pages are told of new counters at most this often."""


def register() -> None:
    """Subscribe; called once, in ready()."""
    events.inside(MessageStatusChanged, on_statuses)
    events.inside(MessageReceived, replies.on_received)
    events.inside(ContactOptedOut, replies.on_opted_out)
    events.inside(ContactBlocked, on_blocked)
    events.inside(ContactsMerged, replies.on_merged)
    events.inside(TagsMerged, on_tags_merged)
    events.inside(ConnectionStatusChanged, auto_pause.on_connection)
    events.inside(DataMayBeOld, restore_guard.on_old_data)
    events.after(CampaignMoved, on_moved)
    events.after(CampaignChanged, on_changed)


def on_statuses(batch: Sequence[MessageStatusChanged]) -> None:
    """The lines follow their messages; failures may stop the campaign, the last one completes it."""
    outcome = recipient_states.follow(batch)
    if outcome is None:
        return
    if outcome.failed:
        auto_pause.after_failures(outcome)
    if outcome.waiting:
        transitions.keep_back(outcome.waiting)
    if outcome.emptied:
        transitions.finish(outcome.emptied)


def on_blocked(batch: Sequence[ContactBlocked]) -> None:
    """Who was blocked gets nothing more."""
    replies.take_out({event.contact_id for event in batch if event.blocked}, "blocked")


def on_tags_merged(batch: Sequence[TagsMerged]) -> None:
    """Campaigns that will still be sent mean, and leave out, people by the tag that stays."""
    for event in batch:
        drafts.replace_tag(event.business_id, event.lost_id, event.tag_id)


def on_moved(batch: Sequence[CampaignMoved]) -> None:
    """The outbox follows at once, in the thread that committed: a pause counts from the next message on."""
    for event in batch:
        if event.step in ("paused", "resumed", "cancelled"):
            transitions.align(event.campaign_id)
        if event.step in ("started", "resumed"):
            _ring("campaigns.tasks.feed", event.campaign_id)
        elif event.step == "cancelled":
            _ring("campaigns.tasks.close", event.campaign_id)
        hub.push(hub.business_group(event.business_id), frame(event.campaign_id))


def on_changed(batch: Sequence[CampaignChanged]) -> None:
    """Room in the outbox, and other figures on open pages."""
    for key, business_id in {event.campaign_id: event.business_id for event in batch}.items():
        if _due(_fed, key, FEED_SECONDS):
            _ring("campaigns.tasks.feed", key)
        if _due(_shown, key, SHOW_SECONDS):
            hub.push(hub.business_group(business_id), frame(key))


def frame(campaign_id: UUID) -> dict[str, str]:
    """What open pages are sent: which campaign to fetch again."""
    return {"type": "campaign", "campaign": str(campaign_id)}


def _ring(task: str, campaign_id: UUID) -> None:
    try:
        current_app.send_task(task, args=[str(campaign_id)])
    except Exception:
        log.warning("campaign_task_not_sent", campaign_id=str(campaign_id), task=task, exc_info=True)


_fed: dict[UUID, float] = {}
_shown: dict[UUID, float] = {}
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

"""Background tasks of a session: read receipts, typing, pictures, media, look-ups.

A failing item holds back no other: it is given up after a few attempts.
"""

from __future__ import annotations

import time
from collections import Counter
from uuid import UUID

import structlog
from django.conf import settings

from connections.drivers.base import Chat, Driver, Permanent, SessionLost, Transient
from connections.leases import Lease
from connections.services.unstored_events import is_event_error
from messaging.inbound import media_jobs, profile_pictures
from messaging.inbound.media_jobs import MediaJob
from messaging.inbound.profile_pictures import PictureJob
from messaging.outbox import dispatch
from messaging.outbox.types import InFlight
from messaging.services import read_receipts, typing_notices

log = structlog.get_logger(__name__)

MEDIA_BATCH = 4
RECEIPT_BATCH = 20
READ_TRIES = 5
"""Attempts to mark a conversation as read on WhatsApp."""
READ_PAUSE_SECONDS = 30.0
UNREACHABLE = frozenset({"not_ready", "no_answer", "phone_offline"})
"""Failure codes that concern the number rather than one conversation."""
RECONCILE_SECONDS = 15.0
IN_FLIGHT_SECONDS = 3.0
"""Between two look-ups while sends are in flight."""
TYPING_SECONDS = 2.0
"""Between two checks while somebody types."""
TYPING_AGAIN_SECONDS = 10.0
"""Between two notices of the same typing: WhatsApp stops showing it after some time, and with each message."""
PICTURE_SECONDS = 30.0
"""Between two searches for contacts without a picture."""
PICTURE_PAUSE_SECONDS = 2.0
"""Between two pictures: hundreds at once would look automated to WhatsApp."""


class BackgroundTasks:
    """Small tasks between two batches of messages.

    Each is bounded, so that sending is not delayed.
    """

    def __init__(self, driver: Driver, lease: Lease) -> None:
        self.driver = driver
        self.lease = lease
        self._reconcile_at = 0.0
        self._picture_at = time.monotonic() + PICTURE_PAUSE_SECONDS
        self._typing: dict[Chat, float] = {}
        self._read_tries: Counter[UUID] = Counter()
        self._read_again_at: dict[UUID, float] = {}

    def run(self) -> bool:
        """Do what is due. Returns whether there may be more."""
        self._reconcile()
        self._send_read_receipts()
        self._show_typing()
        self._update_picture()
        return self._fetch_media()

    def seconds_until_due(self) -> float:
        """Return the time until the next look-up, picture or typing notice."""
        soonest = min(self._reconcile_at, self._picture_at)
        if self._typing:
            soonest = min(soonest, time.monotonic() + TYPING_SECONDS)
        return max(0.0, soonest - time.monotonic())

    def _reconcile(self) -> None:
        """Look up messages that were begun and have no result."""
        if time.monotonic() < self._reconcile_at:
            return
        messages = dispatch.in_flight(self.lease)
        for message in messages:
            self._look_up(message)
        pause = min(IN_FLIGHT_SECONDS, settings.UNKNOWN_AFTER_SECONDS / 4) if messages else RECONCILE_SECONDS
        self._reconcile_at = time.monotonic() + max(0.1, pause)

    def _look_up(self, message: InFlight) -> None:
        """Settle one message by its receipt.

        A look-up that is refused for good counts as not found.
        """
        try:
            ack = self.driver.lookup(message.chat, message.wa_id)
        except Transient:
            return
        except Exception as error:
            self._note(error, "lookup")
            ack = None
        dispatch.reconcile(self.lease, message, ack)

    def _note(self, error: Exception, task: str) -> None:
        """Log an item that failed.

        Re-raises errors of the session, the lease or the database.
        """
        if isinstance(error, SessionLost) or not is_event_error(error):
            raise error
        if not isinstance(error, Permanent):
            log.error("background_task_failed", task=task, error=type(error).__name__)

    def _send_read_receipts(self) -> None:
        for receipt in read_receipts.due(self.lease, RECEIPT_BATCH):
            key = receipt.conversation_id
            if time.monotonic() < self._read_again_at.get(key, 0.0):
                continue
            try:
                self.driver.mark_read(receipt.chat, receipt.wa_ids)
            except Transient as error:
                if error.code in UNREACHABLE:
                    return
                self._read_tries[key] += 1
                if self._read_tries[key] < READ_TRIES:
                    self._read_again_at[key] = time.monotonic() + READ_PAUSE_SECONDS
                    continue
            except Exception as error:
                self._note(error, "read_receipt")
            self._read_tries.pop(key, None)
            self._read_again_at.pop(key, None)
            read_receipts.mark_sent(self.lease, receipt)

    def _show_typing(self) -> None:
        """Set and clear the typing indicators that customers see.

        Failures are not retried.
        """
        chats, moment = set(typing_notices.chats(self.lease.connection_id)), time.monotonic()
        begun = {
            chat
            for chat in chats
            if moment - self._typing.get(chat, -TYPING_AGAIN_SECONDS) >= TYPING_AGAIN_SECONDS
        }
        ended = self._typing.keys() - chats
        for chat in (*begun, *ended):
            try:
                self.driver.show_typing(chat, chat in begun)
            except Transient:
                continue
            except Exception as error:
                self._note(error, "typing")
        self._typing = {chat: moment if chat in begun else self._typing[chat] for chat in chats}

    def _update_picture(self) -> None:
        """Fetch one profile picture, if one is due."""
        if time.monotonic() < self._picture_at:
            return
        job = profile_pictures.next_due(self.lease)
        self._picture_at = time.monotonic() + (PICTURE_PAUSE_SECONDS if job else PICTURE_SECONDS)
        if job is None:
            return
        self._fetch_picture(job)

    def _fetch_picture(self, job: PictureJob) -> None:
        try:
            blob = self.driver.profile_picture(job.chat)
        except (Transient, Permanent):
            profile_pictures.postpone(self.lease, job)
            return
        except Exception as error:
            self._note(error, "picture")
            profile_pictures.postpone(self.lease, job)
            return
        try:
            profile_pictures.store(self.lease, job, blob)
        except Exception as error:
            self._note(error, "picture")
            profile_pictures.postpone(self.lease, job)

    def _fetch_media(self) -> bool:
        jobs = media_jobs.due(self.lease, MEDIA_BATCH)
        for job in jobs:
            self._fetch(job)
        return bool(jobs)

    def _fetch(self, job: MediaJob) -> None:
        try:
            media_jobs.store(self.lease, job, self.driver.download(job.ref))
        except Transient as error:
            media_jobs.record_failure(self.lease, job, error.code, False)
        except Permanent as error:
            media_jobs.record_failure(self.lease, job, error.code, True)
        except Exception as error:
            self._note(error, "media")
            media_jobs.record_failure(self.lease, job, "not_stored", False)

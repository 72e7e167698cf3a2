"""Files of inbound messages.

Downloaded by the runner and stored like uploads, whatever the sender calls them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from connections import leases
from connections.drivers.base import InboundMessage, MediaBlob, MediaRef
from connections.leases import Lease
from core.clock import now
from core.decoding import sandbox
from core.errors import InvalidInput
from core.events import publish
from messaging.events import MessageUpdated
from messaging.media import media_files
from messaging.models import MediaFile, Message

log = structlog.get_logger(__name__)

State = MediaFile.State
WAITS = (30, 120, 600, 3600)
"""Backoff in seconds after each failed attempt; after one more the file is given up."""
STORAGE_FULL = "storage_full"
"""Error code of the one failure that is retried for ever: space can be freed while WhatsApp still has the file."""
_SAME = {Message.Type.STICKER: Message.Type.IMAGE, Message.Type.VOICE: Message.Type.AUDIO}
"""Message types whose files have another type."""


@dataclass(frozen=True)
class MediaJob:
    """An inbound file to download."""

    message_id: UUID
    ref: MediaRef


def new_file(business_id: UUID, connection_id: UUID, message: InboundMessage) -> MediaFile:
    """Build the unsaved row of a file that WhatsApp still has.

    One that is too large is marked as failed.
    """
    assert message.media is not None
    ref = message.media
    too_large = (ref.size or 0) > settings.MEDIA_MAX_BYTES[Message.Type.DOCUMENT]
    return MediaFile(
        business_profile_id=business_id,
        connection_id=connection_id,
        state=State.FAILED if too_large else State.WANTED,
        error_code="file_too_large" if too_large else "",
        kind=message.kind,
        mime=ref.mime,
        name=media_files.clean_name(ref.name),
        size=ref.size or 0,
        source={}
        if too_large
        else {"token": ref.token, "mime": ref.mime, "name": ref.name, "size": ref.size},
    )


def due(lease: Lease, limit: int) -> list[MediaJob]:
    """Return the files to download now, newest first.

    Queries the few wanted files, never the number's messages, because a runner asks in every round.
    """
    connection = leases.check(lease)
    files = MediaFile.objects.filter(
        Q(not_before=None) | Q(not_before__lte=now()), connection=connection, state=State.WANTED
    )
    sources = dict(files.order_by("-id").values_list("id", "source")[:limit])
    rows = Message.objects.filter(connection=connection, media_id__in=sources)
    messages = sorted(rows.values_list("media_id", "id"), reverse=True) if sources else []
    return [MediaJob(message_id, _reference(sources[media_id])) for media_id, message_id in messages]


def _reference(source: dict[str, Any]) -> MediaRef:
    return MediaRef(
        mime=source.get("mime", ""),
        size=source.get("size"),
        name=source.get("name", ""),
        token=source.get("token", {}),
    )


def store(lease: Lease, job: MediaJob, blob: MediaBlob) -> None:
    """Store a downloaded file of any type.

    One that is too large or empty is given up, with the reason. Errors of the storage or of decoding never end the
    session: they count as a failed attempt.
    """
    message = Message.objects.select_related("media").filter(pk=job.message_id).first()
    row = message.media if message else None
    if message is None or row is None or row.state != State.WANTED:
        return
    row.name = row.name or media_files.clean_name(blob.name)
    try:
        media_files.store_received(row, BytesIO(blob.data))
    except InvalidInput as refusal:
        record_failure(lease, job, refusal.code, permanent=True)
        return
    except sandbox.Busy:
        _postpone(lease, row)
        return
    except media_files.StorageFull:
        record_failure(lease, job, STORAGE_FULL, permanent=False)
        return
    except Exception:  # a store on the network and a decoder raise errors of their own
        log.exception("inbound_media_not_stored", message_id=str(message.pk))
        record_failure(lease, job, "not_stored", permanent=False)
        return
    try:
        _keep(lease, message, row)
    except BaseException:
        media_files.remove_files(row)
        raise


def _keep(lease: Lease, message: Message, row: MediaFile) -> None:
    with transaction.atomic():
        leases.guard(lease)
        row.source, row.not_before, row.error_code = {}, None, ""
        row.save()
        if _SAME.get(Message.Type(message.message_type), message.message_type) != row.kind:
            Message.objects.filter(pk=message.pk).update(message_type=row.kind)
        publish(_updated(message))


def _postpone(lease: Lease, row: MediaFile) -> None:
    """Postpone the download without counting an attempt, because the file is not at fault."""
    with transaction.atomic():
        leases.guard(lease)
        not_before = now() + timedelta(seconds=WAITS[0])
        MediaFile.objects.filter(pk=row.pk, state=State.WANTED).update(
            not_before=not_before, updated_at=now()
        )


def record_failure(lease: Lease, job: MediaJob, code: str, permanent: bool) -> None:
    """Record a failed download.

    Schedules another attempt, or gives up if `permanent` or after the last one.
    """
    with transaction.atomic():
        connection = leases.guard(lease)
        message = (
            Message.objects.filter(pk=job.message_id, connection=connection).select_related("media").first()
        )
        if message is None or message.media is None or message.media.state != State.WANTED:
            return
        row = message.media
        row.attempts += 1
        changed = row.error_code != code[:64]
        row.error_code = code[:64]
        if permanent or (row.attempts > len(WAITS) and code != STORAGE_FULL):
            row.state, row.source, changed = State.FAILED, {}, True
        else:
            wait = WAITS[min(row.attempts, len(WAITS)) - 1]
            row.not_before = now() + timedelta(seconds=wait)
        row.save(update_fields=["attempts", "error_code", "state", "source", "not_before", "updated_at"])
        if changed:
            publish(_updated(message))


def _updated(message: Message) -> MessageUpdated:
    return MessageUpdated(
        business_id=message.business_profile_id,
        message_id=message.pk,
        conversation_id=message.conversation_id,
    )

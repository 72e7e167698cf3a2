"""Profile pictures of contacts, downloaded from WhatsApp.

Only contacts of the latest conversations are checked, one after the other and rarely: a number that asks for thousands
of pictures would look automated. A picture that is missing or invalid is no error.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q

from connections import leases
from connections.drivers.base import Chat, MediaBlob
from connections.leases import Lease
from contacts import selectors as contact_selectors
from contacts.services import contacts
from core.clock import now
from core.decoding import sandbox
from core.errors import DomainError
from messaging.inbox import keyset
from messaging.media import media_files
from messaging.models import ContactPicture, Conversation, MediaFile, Message

log = structlog.get_logger(__name__)

FRESH_FOR = timedelta(days=14)
RETRY_AFTER = timedelta(hours=1)
"""Until the next attempt, if the picture could not be asked for or no decoder was free."""
LATEST = 60
"""Number of the business's latest conversations that are checked."""
TALKED_WITHIN = timedelta(days=30)


@dataclass(frozen=True)
class PictureJob:
    """A contact whose profile picture is unknown or stale."""

    contact_id: UUID
    chat: Chat


def next_due(lease: Lease) -> PictureJob | None:
    """Return the next contact whose picture is unknown or stale, or None."""
    connection = leases.check(lease)
    latest = Conversation.objects.filter(
        business_profile_id=lease.business_id, last_message_at__gte=now() - TALKED_WITHIN
    )
    keys = list(keyset.newest_first(latest, "last_message_at").values_list("pk", flat=True)[:LATEST])
    due = Q(contact__picture=None) | Q(contact__picture__check_at__lte=now())
    row = (
        Conversation.objects.filter(due, pk__in=keys, connection=connection)
        .select_related("contact")
        .order_by("-last_message_at", "-id")
        .first()
    )
    if row is None:
        return None
    lid = contact_selectors.lids_of({row.contact_id}).get(row.contact_id)
    return PictureJob(row.contact_id, Chat(phone=row.contact.phone_number, lid=lid))


def store(lease: Lease, job: PictureJob, blob: MediaBlob | None) -> None:
    """Store the picture (None: the contact shows none).

    Either way the next check is after FRESH_FOR.
    """
    try:
        file = _stored(lease, blob) if blob is not None else None
    except sandbox.Busy:
        postpone(lease, job)
        return
    try:
        with transaction.atomic():
            leases.guard(lease)
            if not Conversation.objects.filter(contact_id=job.contact_id).exists():
                raise _ContactGone
            known = ContactPicture.objects.filter(contact_id=job.contact_id).select_related("media").first()
            if file is not None and known and known.media and known.media.sha256 == file.sha256:
                ContactPicture.objects.filter(pk=known.pk).update(check_at=now() + FRESH_FOR)
                _discard(file)
                return
            if file is not None:
                file.save(force_insert=True)
            ContactPicture.objects.update_or_create(
                contact_id=job.contact_id, defaults={"media": file, "check_at": now() + FRESH_FOR}
            )
            address = media_files.thumbnail_url_of(file) if file is not None else ""
            contacts.set_profile_picture(lease.business_id, job.contact_id, address)
    except _ContactGone:
        _discard(file)
    except BaseException:
        _discard(file)
        raise


def postpone(lease: Lease, job: PictureJob) -> None:
    """Check again after RETRY_AFTER; the known picture stays."""
    with transaction.atomic():
        leases.guard(lease)
        if Conversation.objects.filter(contact_id=job.contact_id).exists():
            ContactPicture.objects.update_or_create(
                contact_id=job.contact_id, defaults={"check_at": now() + RETRY_AFTER}
            )


class _ContactGone(Exception):
    """The contact was deleted or merged while the picture was downloaded."""


def _discard(file: MediaFile | None) -> None:
    if file is not None:
        media_files.remove_files(file)


def _stored(lease: Lease, blob: MediaBlob) -> MediaFile | None:
    """Store the bytes and return the unsaved row; None if they are no acceptable picture."""
    row = MediaFile(business_profile_id=lease.business_id, name="")
    try:
        media_files.store(row, BytesIO(blob.data))
    except sandbox.Busy:
        raise
    except (DomainError, OSError) as error:
        log.info("profile_picture_refused", reason=type(error).__name__)
        return None
    if row.kind != Message.Type.IMAGE:
        _discard(row)
        return None
    return row

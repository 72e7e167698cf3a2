"""Profile pictures of contacts: fetched now and then from WhatsApp, cleaned and kept like any picture.

Only people of the latest conversations are looked up, one after the other, each rarely: a number that asks for
thousands of pictures would look like a machine. That one cannot be had, or is no picture, is no error.
"""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import structlog
from django.db import transaction
from django.db.models import Q

from connections import leases
from connections.drivers.base import Chat, MediaBlob
from connections.ports import Lease, PictureJob
from contacts import selectors as contact_selectors
from contacts.services import pictures as contact_pictures
from core.clock import now
from core.decoding import sandbox
from core.errors import DomainError
from messaging.inbox import keyset
from messaging.media import media_files
from messaging.models import ContactPicture, Conversation, MediaFile, Message

log = structlog.get_logger(__name__)

FRESH_FOR = timedelta(days=14)
RETRY_AFTER = timedelta(hours=1)
"""Until a picture is looked for again that could not be asked for, or not be decoded for want of a free decoder."""
LATEST = 60
"""So many of the business's latest conversations are looked at."""
TALKED_WITHIN = timedelta(days=30)


def wanted(lease: Lease) -> PictureJob | None:
    """Somebody of this number's latest conversations whose picture is not known, or known for two weeks."""
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
    """Keep it, or note that there is none; either way it is not asked for again for FRESH_FOR."""
    try:
        file = _taken_in(lease, blob) if blob is not None else None
    except sandbox.Busy:
        failed(lease, job)
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
            contact_pictures.show(lease.business_id, job.contact_id, address)
    except _ContactGone:
        _discard(file)
    except BaseException:
        _discard(file)
        raise


def failed(lease: Lease, job: PictureJob) -> None:
    """Ask again after RETRY_AFTER. What is known of the picture stays."""
    with transaction.atomic():
        leases.guard(lease)
        if Conversation.objects.filter(contact_id=job.contact_id).exists():
            ContactPicture.objects.update_or_create(
                contact_id=job.contact_id, defaults={"check_at": now() + RETRY_AFTER}
            )


class _ContactGone(Exception):
    """Deleted, or merged with another, while the picture was fetched."""


def _discard(file: MediaFile | None) -> None:
    if file is not None:
        media_files.remove_files(file)


def _taken_in(lease: Lease, blob: MediaBlob) -> MediaFile | None:
    """The picture as a file of the business, not saved; None for what is no picture that we take."""
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

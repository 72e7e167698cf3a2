"""Personal data of contacts outside their rows: files and events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import IO, cast
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q

from connections.services import unstored_events
from contacts import selectors as contact_selectors
from contacts.events import ContactDeleted
from contacts.ports import OpenFile
from messaging.media import media_files
from messaging.models import Conversation, MediaFile
from webhooks.services import retention

log = structlog.get_logger(__name__)


def files_of(business_id: UUID, contact_id: UUID) -> Iterator[tuple[str, OpenFile]]:
    """Yield the files of a contact's messages and their picture, under unique names."""
    rows = MediaFile.objects.filter(_of([contact_id]), business_profile=business_id)
    for row in rows.filter(state=MediaFile.State.READY).distinct().order_by("pk").iterator(500):
        if not row.file.storage.exists(str(row.file.name)):
            log.warning("media_missing", media_id=str(row.pk))
            continue
        yield f"{row.pk}-{row.name or row.kind}", partial(_open, row)


def _open(row: MediaFile) -> IO[bytes]:
    return cast(IO[bytes], row.file.storage.open(str(row.file.name), "rb"))


def on_deleted(batch: Sequence[ContactDeleted]) -> None:
    """Delete files after the commit, and events of the contacts at once."""
    contacts = [event.contact_id for event in batch]
    files = list(MediaFile.objects.filter(_of(contacts)).distinct().values_list("pk", flat=True))
    if files:
        transaction.on_commit(partial(_remove, files), robust=True)
    conversation_ids = Conversation.objects.filter(contact_id__in=contacts).values_list("pk", flat=True)
    retention.erase([*contacts, *conversation_ids])
    for business_id in {event.business_id for event in batch}:
        phones, lids = contact_selectors.identities_of(business_id, contacts)
        unstored_events.forget(business_id, phones, lids)


def _of(contact_ids: Sequence[UUID]) -> Q:
    return Q(messages__contact_id__in=contact_ids) | Q(pictures__contact_id__in=contact_ids)


def _remove(media_ids: Sequence[UUID]) -> None:
    for key in media_ids:
        media_files.delete_if_unused(key)

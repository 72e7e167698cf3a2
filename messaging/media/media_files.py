"""Files of messages: taken in (checked by content, cleaned, measured), kept in the storage, and handed out.

The storage is Django's default one, so that a directory and S3 work alike. Files lie under our own ids. No file is
touched inside a transaction.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import IO
from uuid import UUID

import structlog
from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.urls import reverse

from accounts.models import BusinessProfile, User
from connections.drivers.base import MediaBlob
from core.errors import DomainError, InvalidInput, NotFound
from core.files import disk
from core.files.storage import remove_tree
from core.text import printable
from messaging.inbox import selectors
from messaging.media import filetypes, images
from messaging.models import THUMBNAIL_MIME, MediaFile, Message, media_path, thumbnail_path

log = structlog.get_logger(__name__)

CHUNK = 1024 * 1024


class StorageFull(DomainError):
    """There is no room for another file."""

    status = 507

    def __init__(self) -> None:
        super().__init__(
            "storage_full",
            "There is no room left for files on this server. Tell whoever runs it; text messages still work.",
        )


@dataclass(frozen=True)
class Delivery:
    """How a file is handed out. mime: the type to declare. inline: whether a browser may show it in place."""

    name: str
    mime: str
    inline: bool


@dataclass(frozen=True)
class OpenMedia:
    """A file to be handed out. size: bytes."""

    file: IO[bytes]
    delivery: Delivery
    size: int


def store_upload(business: BusinessProfile, user: User, file: UploadedFile) -> MediaFile:
    """Keep what somebody uploaded. It is removed after a day if no message has used it.

    Raises InvalidInput ("empty_file", "file_too_large", "broken_image", "image_too_large"), StorageFull, and
    sandbox.Busy when too many pictures are being decoded.
    """
    name = clean_name(file.name or "")
    row = MediaFile(business_profile=business, uploaded_by=user, name=name)
    file.seek(0)
    take_in(row, file)
    try:
        row.save(force_insert=True)
    except BaseException:
        remove_files(row)
        raise
    return row


def take_in(row: MediaFile, source: IO[bytes]) -> None:
    """Check, clean and write an upload as the file of `row`, and fill in what it is; the row is not saved.

    Raises as store_upload.
    """
    found = filetypes.identify(source, row.name)
    _check_size(source, found.kind)
    with _room(row):
        picture = _redraw(row, source, found.mime) if found.kind == Message.Type.IMAGE else None
        _write(row, source, found, picture)


def take_in_received(row: MediaFile, source: IO[bytes]) -> None:
    """Write what a customer sent as the file of `row`, as `take_in` does, but keep whatever it is.

    A picture that cannot be redrawn and a film or sound over the limit of its kind become documents. A HEIC picture
    becomes a JPEG, which every browser shows. Raises InvalidInput ("empty_file", "file_too_large") and StorageFull.
    """
    found = filetypes.identify(source, row.name)
    if source.seek(0, 2) > settings.MEDIA_MAX_BYTES[found.kind]:
        found = found.as_document()
    _check_size(source, found.kind)
    picture = None
    with _room(row):
        if found.kind == Message.Type.IMAGE or found == filetypes.HEIC:
            try:
                picture = _redraw(row, source, found.mime)
            except InvalidInput as refusal:
                log.info("picture_kept_as_document", reason=refusal.code)
                found = found.as_document()
            else:
                found = filetypes.JPEG if found == filetypes.HEIC else found
        _write(row, source, found, picture)


def _redraw(row: MediaFile, source: IO[bytes], mime: str) -> images.Picture:
    return images.clean(source, mime, owner=row.business_profile_id)


def _write(
    row: MediaFile, source: IO[bytes], found: filetypes.FileType, picture: images.Picture | None
) -> None:
    row.kind, row.mime, row.name = found.kind, found.mime, filetypes.proper_name(row.name, found)
    if picture:
        row.width, row.height = picture.width, picture.height
    content = picture.file if picture else source
    row.sha256, row.size = _digest(content)
    row.file.save("file", File(content), save=False)
    if picture and picture.thumbnail:
        row.thumbnail.save("thumbnail", ContentFile(picture.thumbnail), save=False)
    row.state = MediaFile.State.READY


def _check_size(source: IO[bytes], kind: str) -> None:
    size = source.seek(0, 2)
    source.seek(0)
    limit = settings.MEDIA_MAX_BYTES[kind]
    if size > limit:
        raise InvalidInput(
            "file_too_large",
            f"This {kind} has {_megabytes(size)} MB; at most {_megabytes(limit)} MB can be sent.",
            field="file",
        )


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.1f}".removesuffix(".0")


def _digest(content: IO[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    content.seek(0)
    while chunk := content.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    content.seek(0)
    return digest.hexdigest(), size


@contextmanager
def _room(row: MediaFile) -> Iterator[None]:
    """A full disk or an exhausted quota as a sentence for people. What was written until then does not stay."""
    if disk.is_full():
        raise StorageFull
    try:
        yield
    except OSError as error:
        for path in (media_path(row, ""), thumbnail_path(row, "")):
            with suppress(OSError):
                row.file.storage.delete(path)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            log.error("media_storage_full")
            raise StorageFull from error
        raise


def clean_name(name: str) -> str:
    """A sender's name for a file, fit to be shown and downloaded: no path, no control or direction characters."""
    base = name.replace("\\", "/").rpartition("/")[2]
    cleaned = printable(base).strip(". ")
    stem, dot, extension = cleaned.rpartition(".")
    if len(cleaned) > 200 and dot and len(extension) <= 10:
        return f"{stem[:180]}.{extension}"
    return cleaned[:200]


def address(row: MediaFile) -> str:
    """Path of the authorised download."""
    return reverse("messaging:media", args=[row.pk])


def thumbnail_address(row: MediaFile) -> str:
    """Path of the authorised small copy."""
    return reverse("messaging:thumbnail", args=[row.pk])


def open_media(business: BusinessProfile, media_id: UUID | str, *, thumbnail: bool = False) -> OpenMedia:
    """A file of the business, opened. The caller closes it. Raises NotFound, also when the file itself is gone."""
    row = selectors.get_media(business, media_id)
    chosen = row.thumbnail if thumbnail else row.file
    if row.state != MediaFile.State.READY or not chosen:
        raise NotFound("This file")
    try:
        file = chosen.storage.open(str(chosen.name), "rb")
    except FileNotFoundError:
        log.error("media_missing", media_id=str(row.pk))
        raise NotFound("This file") from None
    return OpenMedia(file, delivery(row, thumbnail=thumbnail), chosen.size if thumbnail else row.size)


def delivery(row: MediaFile, *, thumbnail: bool = False) -> Delivery:
    """Decide how a file may be handed out: what is not made to be shown is a download of a type that says little."""
    name = row.name or f"{row.kind}-{row.created_at:%Y%m%d-%H%M%S}"
    if thumbnail:
        return Delivery(name, THUMBNAIL_MIME, inline=True)
    if row.kind != Message.Type.DOCUMENT and row.mime in filetypes.INLINE:
        return Delivery(name, row.mime, inline=True)
    safe = row.mime in filetypes.DECLARED - filetypes.INLINE
    return Delivery(name, row.mime if safe else filetypes.UNKNOWN, inline=False)


def load(row: MediaFile) -> MediaBlob:
    """The whole file, for a driver. Raises FileNotFoundError, or what the storage raises."""
    with row.file.storage.open(str(row.file.name), "rb") as file:
        return MediaBlob(file.read(), row.mime, row.name)


def remove_files(row: MediaFile) -> None:
    """Delete what lies in the storage; what is missing is fine."""
    for stored in (row.file, row.thumbnail):
        if stored:
            stored.storage.delete(str(stored.name))


def remove_all(business_id: UUID) -> None:
    """Delete every file of a business that is deleted, those without a row included."""
    remove_tree(f"media/{business_id}")


def keep(row: MediaFile) -> None:
    """A campaign or a template has this file: it is not removed for want of a message."""
    MediaFile.objects.filter(pk=row.pk).update(kept=True)
    row.kept = True


def prune_orphans(before: datetime, limit: int = 500) -> int:
    """Remove files older than `before` that nothing uses: never sent, or whatever used them is gone.

    Returns how many. A file that a customer sent is saved with its message, so it is never without one before.
    """
    orphans = MediaFile.objects.filter(created_at__lt=before, messages=None, pictures=None, kept=False)
    removed = 0
    for key in list(orphans.values_list("pk", flat=True)[:limit]):
        removed += drop(key)
    return removed


def drop(media_id: UUID) -> int:
    """Remove a file that nothing uses; 0 when something does, else 1.

    The row is locked first: whoever queues it in a message at this moment waits, or keeps it.
    """
    with transaction.atomic():
        row = MediaFile.objects.select_for_update().filter(pk=media_id).first()
        used = Message.objects.filter(media_id=media_id).exists()
        if row is None or row.kept or used or row.pictures.exists():
            return 0
        row.delete()
    remove_files(row)
    return 1

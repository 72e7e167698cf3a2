"""Store, open and delete the files of messages.

Uses Django's default storage (a directory or S3), with keys made of our own ids. No file is read or written inside a
transaction.
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
from core.ids import parse_id
from core.text import printable
from messaging.media import filetypes, images
from messaging.models import THUMBNAIL_MIME, MediaFile, Message, media_path, thumbnail_path

log = structlog.get_logger(__name__)

CHUNK = 1024 * 1024


class StorageFull(DomainError):
    """The storage has no space for another file."""

    status = 507

    def __init__(self) -> None:
        super().__init__(
            "storage_full",
            "There is no room left for files on this server. Tell whoever runs it; text messages still work.",
        )


@dataclass(frozen=True)
class Delivery:
    """Delivery of a file. mime: type to declare. inline: a browser may show it instead of downloading it."""

    name: str
    mime: str
    inline: bool


@dataclass(frozen=True)
class OpenMedia:
    """An opened file for delivery. size: bytes."""

    file: IO[bytes]
    delivery: Delivery
    size: int


def store_upload(business: BusinessProfile, user: User, file: UploadedFile) -> MediaFile:
    """Store an upload. It is deleted after a day unless a message uses it.

    Raises InvalidInput ("empty_file", "file_too_large", "broken_image", "image_too_large"), StorageFull, and
    sandbox.Busy if too many images are being decoded.
    """
    name = clean_name(file.name or "")
    row = MediaFile(business_profile=business, uploaded_by=user, name=name)
    file.seek(0)
    store(row, file)
    try:
        row.save(force_insert=True)
    except BaseException:
        remove_files(row)
        raise
    return row


def store(row: MediaFile, source: IO[bytes]) -> None:
    """Validate, sanitize and write an upload as the file of `row`, and set its fields; does not save the row.

    Raises as `store_upload`.
    """
    file_type = filetypes.identify(source, row.name)
    _check_size(source, file_type.kind)
    with _storage_errors(row):
        picture = (
            _sanitize_image(row, source, file_type.mime) if file_type.kind == Message.Type.IMAGE else None
        )
        _write(row, source, file_type, picture)


def store_received(row: MediaFile, source: IO[bytes]) -> None:
    """Write a customer's file as that of `row`, accepting every type; does not save the row.

    An image that cannot be re-encoded, and a video or audio over its size limit, become documents. HEIC becomes JPEG,
    which every browser shows. Raises InvalidInput ("empty_file", "file_too_large") and StorageFull.
    """
    file_type = filetypes.identify(source, row.name)
    if source.seek(0, 2) > settings.MEDIA_MAX_BYTES[file_type.kind]:
        file_type = file_type.as_document()
    _check_size(source, file_type.kind)
    picture = None
    with _storage_errors(row):
        if file_type.kind == Message.Type.IMAGE or file_type == filetypes.HEIC:
            try:
                picture = _sanitize_image(row, source, file_type.mime)
            except InvalidInput as refusal:
                log.info("picture_kept_as_document", reason=refusal.code)
                file_type = file_type.as_document()
            else:
                file_type = filetypes.JPEG if file_type == filetypes.HEIC else file_type
        _write(row, source, file_type, picture)


def _sanitize_image(row: MediaFile, source: IO[bytes], mime: str) -> images.SanitizedImage:
    return images.sanitize(source, mime, owner=row.business_profile_id)


def _write(
    row: MediaFile, source: IO[bytes], file_type: filetypes.FileType, picture: images.SanitizedImage | None
) -> None:
    row.kind, row.mime, row.name = file_type.kind, file_type.mime, filetypes.proper_name(row.name, file_type)
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
def _storage_errors(row: MediaFile) -> Iterator[None]:
    """Raise StorageFull for a full disk or an exhausted quota, and delete partially written files on errors."""
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
    """Return a sender's file name without path, control and direction characters, truncated to 200 characters."""
    base = name.replace("\\", "/").rpartition("/")[2]
    cleaned = printable(base).strip(". ")
    stem, dot, extension = cleaned.rpartition(".")
    if len(cleaned) > 200 and dot and len(extension) <= 10:
        return f"{stem[:180]}.{extension}"
    return cleaned[:200]


def url_of(row: MediaFile) -> str:
    """Return the URL path of the authorised download."""
    return reverse("messaging:media", args=[row.pk])


def thumbnail_url_of(row: MediaFile) -> str:
    """Return the URL path of the authorised thumbnail."""
    return reverse("messaging:thumbnail", args=[row.pk])


def get_media(business: BusinessProfile, media_id: UUID | str) -> MediaFile:
    """Return a file of the business. Raises NotFound."""
    media = MediaFile.objects.filter(business_profile=business, id=parse_id(media_id, "This file")).first()
    if media is None:
        raise NotFound("This file")
    return media


def open_media(business: BusinessProfile, media_id: UUID | str, *, thumbnail: bool = False) -> OpenMedia:
    """Open a file of the business; the caller closes it. Raises NotFound, also if the storage lacks the file."""
    row = get_media(business, media_id)
    stored = row.thumbnail if thumbnail else row.file
    if row.state != MediaFile.State.READY or not stored:
        raise NotFound("This file")
    try:
        file = stored.storage.open(str(stored.name), "rb")
    except FileNotFoundError:
        log.error("media_missing", media_id=str(row.pk))
        raise NotFound("This file") from None
    return OpenMedia(file, delivery(row, thumbnail=thumbnail), stored.size if thumbnail else row.size)


def delivery(row: MediaFile, *, thumbnail: bool = False) -> Delivery:
    """Decide how a file is delivered: types that are not for display become downloads with a safe MIME type."""
    name = row.name or f"{row.kind}-{row.created_at:%Y%m%d-%H%M%S}"
    if thumbnail:
        return Delivery(name, THUMBNAIL_MIME, inline=True)
    if row.kind != Message.Type.DOCUMENT and row.mime in filetypes.INLINE:
        return Delivery(name, row.mime, inline=True)
    safe = row.mime in filetypes.DECLARED - filetypes.INLINE
    return Delivery(name, row.mime if safe else filetypes.UNKNOWN, inline=False)


def load(row: MediaFile) -> MediaBlob:
    """Read the whole file, for a driver. Raises FileNotFoundError and errors of the storage."""
    with row.file.storage.open(str(row.file.name), "rb") as file:
        return MediaBlob(file.read(), row.mime, row.name)


def remove_files(row: MediaFile) -> None:
    """Delete the file and its thumbnail from the storage; missing ones are ignored."""
    for stored in (row.file, row.thumbnail):
        if stored:
            stored.storage.delete(str(stored.name))


def remove_all(business_id: UUID) -> None:
    """Delete all files of a deleted business, including those without a row."""
    remove_tree(f"media/{business_id}")


def retain(row: MediaFile) -> None:
    """Exempt a file of a campaign or template from `prune_orphans`."""
    MediaFile.objects.filter(pk=row.pk).update(kept=True)
    row.kept = True


def prune_orphans(before: datetime, limit: int = 500) -> int:
    """Delete unused files created before a time. Returns their number.

    A received file is saved together with its message, so it is never deleted too early.
    """
    orphans = MediaFile.objects.filter(created_at__lt=before, messages=None, pictures=None, kept=False)
    removed = 0
    for key in list(orphans.values_list("pk", flat=True)[:limit]):
        removed += delete_if_unused(key)
    return removed


def delete_if_unused(media_id: UUID) -> int:
    """Delete a file unless something uses it. Returns 1 if deleted, else 0.

    Locks the row, so that a concurrent message either keeps the file or waits and fails.
    """
    with transaction.atomic():
        row = MediaFile.objects.select_for_update().filter(pk=media_id).first()
        used = Message.objects.filter(media_id=media_id).exists()
        if row is None or row.kept or used or row.pictures.exists():
            return 0
        row.delete()
    remove_files(row)
    return 1

"""Store the uploaded file of an import until its job is over.

Apart from everything that is served.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast
from uuid import UUID

from django.core.files.base import File
from django.core.files.storage import default_storage

from contacts.importing.limits import Unreadable
from contacts.models import ContactImport
from core.files.storage import remove_tree


def keep(source: ContactImport, file: IO[bytes]) -> None:
    """Store `file` and set `source.file`; the row is not saved."""
    file.seek(0)
    source.file = default_storage.save(f"imports/{source.business_profile_id}/{source.pk}", File(file))


@contextmanager
def opened(source: ContactImport) -> Iterator[IO[bytes]]:
    """Open the stored file. Raises Unreadable if the file no longer exists."""
    try:
        stored = default_storage.open(source.file) if source.file else None
    except FileNotFoundError:
        stored = None
    if stored is None:
        raise Unreadable("file_gone", "The uploaded file is gone. Upload it again.")
    with stored:
        yield cast(IO[bytes], getattr(stored, "file", stored))


def remove(source: ContactImport) -> None:
    """Delete the stored file."""
    if source.file:
        default_storage.delete(source.file)
        source.file = ""
        source.save(update_fields=["file", "updated_at"])


def remove_of_business(business_id: UUID) -> None:
    """Delete every uploaded file of the business."""
    remove_tree(f"imports/{business_id}")

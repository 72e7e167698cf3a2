"""Result files of jobs in the storage, under jobs/<business>/<job>/<random id>.

The id is new for each file, so that a worker that lost its lease cannot overwrite the file of another.
"""

from __future__ import annotations

from typing import IO
from uuid import UUID

from django.core.files.base import File
from django.core.files.storage import default_storage

from core.files.storage import remove_tree
from core.ids import uuid7
from jobs.models import Job


def write(job: Job, source: IO[bytes]) -> tuple[str, int]:
    """Store `source`. Returns its name in the storage and its size in bytes."""
    size = source.seek(0, 2)
    source.seek(0)
    return default_storage.save(f"{_folder(job)}/{uuid7().hex}", File(source)), size


def remove(name: str) -> None:
    """Delete one file. No-op if it is gone already."""
    default_storage.delete(name)


def remove_of_job(job: Job) -> None:
    """Delete all files of the job."""
    remove_tree(_folder(job))


def remove_of_business(business_id: UUID) -> None:
    """Delete the files of all jobs of the business."""
    remove_tree(f"jobs/{business_id}")


def _folder(job: Job) -> str:
    return f"jobs/{job.business_profile_id}/{job.pk}"

"""Results of jobs in the storage: written by the worker, given to members, removed when they expire.

They lie under jobs/<business>/<job>/, each under an id of its own, so that a worker that lost its lease cannot
overwrite what another wrote.
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
    """Keep `source` for `job`. Returns where it lies and how many bytes it has."""
    size = source.seek(0, 2)
    source.seek(0)
    return default_storage.save(f"{_folder(job)}/{uuid7().hex}", File(source)), size


def remove(name: str) -> None:
    """Delete one file; one that is gone already is fine."""
    default_storage.delete(name)


def remove_of_job(job: Job) -> None:
    """Delete every file of the job."""
    remove_tree(_folder(job))


def remove_of_business(business_id: UUID) -> None:
    """Delete every file of every job of the business."""
    remove_tree(f"jobs/{business_id}")


def _folder(job: Job) -> str:
    return f"jobs/{job.business_profile_id}/{job.pk}"

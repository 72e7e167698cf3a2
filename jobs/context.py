"""Context of a job's handler: parameters, saved state, progress, result files."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import IO, Any, cast
from uuid import UUID

from django.db import transaction

from accounts.access import Access
from accounts.models import BusinessProfile, User
from core.clock import now
from core.shutdown import stopping
from jobs import files, leases, live_updates
from jobs.leases import LeaseLost
from jobs.models import Job

PROGRESS_SECONDS = 1.0
"""Interval at which progress is published."""
FILE_KEPT = timedelta(days=7)
UNDO_FOR = timedelta(days=7)
SPOOLED = 1024 * 1024


class Interrupted(Exception):
    """The process is stopping. Another worker continues the job from its last `save`."""


class Work:
    """A job in the hands of a worker.

    A handler works in chunks. It calls `cancelled()` before each; each is one transaction whose last call is
    `save(...)`, so that the chunk's rows and the state to continue from are committed together.

    lost: set if the lease is lost.
    """

    def __init__(self, job: Job, lost: threading.Event | None = None) -> None:
        self.job = job
        self.state: dict[str, Any] = dict(job.state_data)
        """State of the last `save`, by this worker or an earlier one; empty at first."""
        self.was_cancelled = False
        self.access: Access | None = None
        """Permissions of the person who started the job; None for the system."""
        self._lost = lost
        self._published_at = 0.0
        self._changes: dict[str, Any] = {}

    @property
    def business(self) -> BusinessProfile:
        return self.job.business_profile

    @property
    def actor(self) -> User | None:
        """The person who started the job; None for the system."""
        return self.job.created_by

    @property
    def params(self) -> dict[str, Any]:
        return cast(dict[str, Any], self.job.params)

    @property
    def job_id(self) -> UUID:
        return self.job.pk

    @property
    def undoes(self) -> Job:
        """The job to undo."""
        assert self.job.undoes is not None
        return self.job.undoes

    def cancelled(self) -> bool:
        """Return whether the job was cancelled: the handler then returns its summary so far.

        One short query. Raises Interrupted if the process is stopping, and LeaseLost; a handler lets both pass.
        """
        if stopping.is_set():
            raise Interrupted()
        if self._lost is not None and self._lost.is_set():
            raise LeaseLost()
        row = leases.held(self.job).values_list("cancel_requested_at").first()
        if row is None:
            raise LeaseLost()
        self.was_cancelled = row[0] is not None
        return self.was_cancelled

    def save(self, *, done: int, state: dict[str, Any], total: int | None = None) -> None:
        """Save the state to continue from. Call last in the chunk's transaction.

        Raises LeaseLost, which rolls the chunk back.
        """
        self.state = state
        self._write(done, total, state_data=state, attempts=0)

    def progress(self, done: int, total: int | None = None) -> None:
        """Publish progress without saving state.

        Written at most once per PROGRESS_SECONDS.
        """
        if time.monotonic() - self._published_at >= PROGRESS_SECONDS:
            self._write(done, total)

    def _write(self, done: int, total: int | None, **more: Any) -> None:
        self.job.done = done
        self.job.total = self.job.total if total is None else total
        fields = {"done": done, "total": self.job.total, "updated_at": now(), **more}
        if not leases.held(self.job).update(**fields):
            raise LeaseLost()
        if time.monotonic() - self._published_at >= PROGRESS_SECONDS:
            self._published_at = time.monotonic()
            transaction.on_commit(partial(live_updates.push_progress, self.job), robust=True)

    @contextmanager
    def result(self, name: str, content_type: str) -> Iterator[IO[bytes]]:
        """Yield a file for the result.

        It is stored and offered for download when the block ends.
        """
        with tempfile.SpooledTemporaryFile(max_size=SPOOLED) as draft:
            yield cast(IO[bytes], draft)
            stored, size = files.write(self.job, cast(IO[bytes], draft))
        before = self._changes.get("file", "")
        self._changes |= {
            "file": stored,
            "file_name": name[:255],
            "file_type": content_type,
            "file_size": size,
            "file_expires_at": now() + FILE_KEPT,
        }
        if before:
            files.remove(before)

    def withdraw_result(self) -> None:
        """Delete the result, so that it is not offered."""
        if stored := self._changes.pop("file", ""):
            files.remove(stored)
        self._changes = {key: value for key, value in self._changes.items() if not key.startswith("file_")}

    def offer_undo(self) -> None:
        """Allow undoing the finished job for UNDO_FOR. The kind must have an `undo`."""
        self._changes["undo_until"] = now() + UNDO_FOR

    @property
    def changes(self) -> dict[str, Any]:
        """Columns to save when the job ends."""
        return self._changes

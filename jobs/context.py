"""What a handler gets: its parameters, where an earlier worker left off, and how to tell how far it has come."""

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

SHOWN_EVERY = 1.0
"""Seconds between two notes of progress for people."""
FILE_KEPT = timedelta(days=7)
UNDO_FOR = timedelta(days=7)
SPOOLED = 1024 * 1024


class Interrupted(Exception):
    """The process has been asked to stop. The job goes on elsewhere from its last `save`."""


class Work:
    """One worker's hold on a job.

    A handler works in chunks. Before each it asks `cancelled()`; each is one transaction whose last act is `save(...)`:
    either the chunk's rows and the place from which to go on are both kept, or neither is.
    """

    def __init__(self, job: Job, lost: threading.Event | None = None) -> None:
        self.job = job
        self.state: dict[str, Any] = dict(job.state_data)
        """What the last `save` kept, by this worker or by one before it; empty at first."""
        self.was_cancelled = False
        self.access: Access | None = None
        """What whoever started it may do; None for what the system does by itself."""
        self._lost = lost
        self._shown_at = 0.0
        self._changes: dict[str, Any] = {}

    @property
    def business(self) -> BusinessProfile:
        return self.job.business_profile

    @property
    def actor(self) -> User | None:
        """Who started it; None for what the system does by itself."""
        return self.job.created_by

    @property
    def params(self) -> dict[str, Any]:
        return cast(dict[str, Any], self.job.params)

    @property
    def job_id(self) -> UUID:
        return self.job.pk

    @property
    def undoes(self) -> Job:
        """The job that is to be undone."""
        assert self.job.undoes is not None
        return self.job.undoes

    def cancelled(self) -> bool:
        """Whether somebody asked to stop: finish nothing more and return the summary so far. One short query.

        Raises Interrupted when the process stops, and LeaseLost when the job is somebody else's; let both pass.
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
        """Keep the place from which to go on. Call as the last act of the chunk's transaction.

        Raises LeaseLost, which rolls the chunk back.
        """
        self.state = state
        self._write(done, total, state_data=state, attempts=0)

    def progress(self, done: int, total: int | None = None) -> None:
        """Show how far it has come, without keeping a place. As often as you like: written about once a second."""
        if time.monotonic() - self._shown_at >= SHOWN_EVERY:
            self._write(done, total)

    def _write(self, done: int, total: int | None, **more: Any) -> None:
        self.job.done = done
        self.job.total = self.job.total if total is None else total
        fields = {"done": done, "total": self.job.total, "updated_at": now(), **more}
        if not leases.held(self.job).update(**fields):
            raise LeaseLost()
        if time.monotonic() - self._shown_at >= SHOWN_EVERY:
            self._shown_at = time.monotonic()
            transaction.on_commit(partial(live_updates.show, self.job), robust=True)

    @contextmanager
    def result(self, name: str, content_type: str) -> Iterator[IO[bytes]]:
        """A file to write the result into; kept in the storage and offered for download when the block ends."""
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
        """Take the result back: the file is deleted and not offered."""
        if stored := self._changes.pop("file", ""):
            files.remove(stored)
        self._changes = {key: value for key, value in self._changes.items() if not key.startswith("file_")}

    def offer_undo(self) -> None:
        """Let whoever looks at the finished job have it undone, for a week. The kind must have an `undo`."""
        self._changes["undo_until"] = now() + UNDO_FOR

    @property
    def changes(self) -> dict[str, Any]:
        """Columns that are written when the job ends."""
        return self._changes

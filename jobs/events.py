"""Events of jobs."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class JobChanged(Event):
    """A job was started, claimed, cancelled, requeued or ended."""

    name: ClassVar[str] = "job.changed"
    job_id: UUID
    kind: str
    state: str


@dataclass(frozen=True, kw_only=True)
class JobFinished(Event):
    """A job ended. state: done, cancelled or failed."""

    name: ClassVar[str] = "job.finished"
    job_id: UUID
    kind: str
    state: str

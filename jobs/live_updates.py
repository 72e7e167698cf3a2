"""Live updates of a job's progress. Never its title, parameters or result."""

from __future__ import annotations

from core.realtime import hub
from jobs.models import Job


def push_progress(job: Job) -> None:
    """Push the progress of `job`, as this instance has it, to the business's pages."""
    frame = {
        "type": "job",
        "job": str(job.pk),
        "kind": job.kind,
        "state": job.state,
        "done": job.done,
        "total": job.total,
    }
    hub.push(hub.business_group(job.business_profile_id), frame)

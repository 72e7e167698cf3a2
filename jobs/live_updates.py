"""What the sockets of open pages hear of a job: how far it is. Never its title, parameters or result."""

from __future__ import annotations

from core.realtime import hub
from jobs.models import Job


def show(job: Job) -> None:
    """Tell the business's pages how `job` gets on, as this process knows it."""
    frame = {
        "type": "job",
        "job": str(job.pk),
        "kind": job.kind,
        "state": job.state,
        "done": job.done,
        "total": job.total,
    }
    hub.push(hub.business_group(job.business_profile_id), frame)

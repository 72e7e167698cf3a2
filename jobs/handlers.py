"""What follows when a job changes: open pages hear of it and a worker is woken. And what a deleted business means."""

from __future__ import annotations

from accounts.events import BusinessDeleted
from core import events
from core.realtime import hub
from jobs import services, tasks
from jobs.events import JobChanged


def register() -> None:
    """Subscribe; called once, in ready()."""
    events.after(JobChanged, tell_pages)
    events.after(JobChanged, wake_worker)
    events.inside(BusinessDeleted, stop_jobs)


def tell_pages(batch: list[JobChanged]) -> None:
    """Tell each business's pages which jobs changed."""
    for event in batch:
        frame = {"type": "job", "job": str(event.job_id), "kind": event.kind, "state": event.state}
        hub.push(hub.business_group(event.business_id), frame)


def wake_worker(batch: list[JobChanged]) -> None:
    """Ring for jobs that wait; if nobody hears it, the sweeper does."""
    if any(event.state == "queued" for event in batch):
        tasks.work_off.delay()


def stop_jobs(batch: list[BusinessDeleted]) -> None:
    """Nobody is left who could want them. In the same transaction, so that it cannot get lost."""
    for event in batch:
        services.stop_all(event.business_id)

"""Event subscriptions of jobs: live updates, wake-ups of workers, deleted businesses."""

from __future__ import annotations

from accounts.events import BusinessDeleted
from core import events
from core.realtime import hub
from jobs import services, tasks
from jobs.events import JobChanged


def register() -> None:
    """Subscribe to events; called once, in ready()."""
    events.after(JobChanged, push_to_pages)
    events.after(JobChanged, wake_worker)
    events.inside(BusinessDeleted, stop_jobs)


def push_to_pages(batch: list[JobChanged]) -> None:
    """Push changed jobs to the business's open pages."""
    for event in batch:
        frame = {"type": "job", "job": str(event.job_id), "kind": event.kind, "state": event.state}
        hub.push(hub.business_group(event.business_id), frame)


def wake_worker(batch: list[JobChanged]) -> None:
    """Wake a worker for queued jobs. If the task is lost, `sweep` replaces it."""
    if any(event.state == "queued" for event in batch):
        tasks.work_off.delay()


def stop_jobs(batch: list[BusinessDeleted]) -> None:
    """Cancel the jobs of deleted businesses, in the transaction of the deletion."""
    for event in batch:
        services.stop_all(event.business_id)

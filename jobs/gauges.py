"""Metrics of jobs."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Min

from core.gauges import Gauge, seconds_since
from jobs.models import Job


def read() -> Iterator[Gauge]:
    """Yield the present values."""
    for state in (Job.State.QUEUED, Job.State.RUNNING):
        count = Job.objects.filter(state=state).order_by().count()
        yield Gauge("jobs", "Jobs that are not over, by their state.", count, {"state": state.value})
    queued = Job.objects.filter(state=Job.State.QUEUED, not_before=None).order_by()
    oldest = queued.aggregate(oldest=Min("created_at"))["oldest"]
    yield Gauge("jobs_oldest_seconds", "How long the oldest waiting job has waited.", seconds_since(oldest))

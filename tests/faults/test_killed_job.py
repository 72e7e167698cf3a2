"""SIGKILL, SIGSTOP and SIGTERM of a real worker in the middle of a job."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from accounts.models import BusinessProfile
from contacts.models import Contact
from jobs import registry, services
from jobs.models import Job
from tests.connections.driver_contract import until
from tests.faults.conftest import Workers
from tests.faults.job_worker import make_people

pytestmark = [pytest.mark.services, pytest.mark.slow]

TO = 100


@pytest.fixture
def job(transactional_db: None, business: BusinessProfile) -> Iterator[Job]:
    registry.register("test.people", make_people, label="Making people")
    yield services.start(business, None, "test.people", {"to": TO, "stop_at": 50})
    del registry._kinds["test.people"]


def is_done(job: Job) -> bool:
    return Job.objects.get(pk=job.pk).state == Job.State.DONE


def everybody_is_there_once() -> None:
    names = list(Contact.objects.values_list("name", flat=True))
    assert sorted(names) == sorted(f"number {number}" for number in range(TO))


@pytest.mark.parametrize("place", ["job.before_save", "job.after_save"])
def test_a_killed_workers_job_is_taken_over_and_ends_as_if_nothing_had_happened(
    job_worker: Workers, reached: Callable[[], Path], job: Job, place: str
) -> None:
    victim = job_worker(place)
    reached()
    victim.kill()
    victim.wait(10)
    kept = 50 if place == "job.after_save" else 40
    assert Contact.objects.count() == kept
    job_worker()
    until(lambda: is_done(job), "the end of the job")
    everybody_is_there_once()
    job.refresh_from_db()
    assert (job.summary, job.done) == ({"made": TO}, TO)
    assert job.lease_epoch >= 2


def test_a_worker_that_overslept_its_lease_writes_nothing_when_it_wakes(
    job_worker: Workers, reached: Callable[[], Path], job: Job
) -> None:
    sleeper = job_worker("job.after_save")
    marker = reached()
    sleeper.send_signal(signal.SIGSTOP)
    job_worker()
    until(lambda: is_done(job), "the end of the job")
    marker.unlink()
    sleeper.send_signal(signal.SIGCONT)
    log = marker.parent / "worker.log"
    until(lambda: "job_lease_lost" in log.read_text(), "the refusal")
    everybody_is_there_once()


def test_a_worker_asked_to_stop_gives_the_job_back_at_once(
    job_worker: Workers, reached: Callable[[], Path], job: Job
) -> None:
    first = job_worker("job.after_save")
    marker = reached()
    first.terminate()
    marker.unlink()
    assert first.wait(20) == 0
    job.refresh_from_db()
    assert (job.state, job.lease_owner, job.attempts) == (Job.State.QUEUED, "", 0)
    job_worker()
    until(lambda: is_done(job), "the end of the job")
    everybody_is_there_once()

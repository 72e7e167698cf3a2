"""What becomes of a job in a worker's hands."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.db import transaction

from accounts.models import AuditEntry, BusinessProfile, User
from accounts.services import businesses
from core.clock import now
from jobs import leases, runner, services
from jobs.context import Work
from jobs.leases import LeaseLost
from jobs.models import Job
from tests.jobs.conftest import ERRORS, Counting

pytestmark = pytest.mark.services

State = Job.State


def begin(business: BusinessProfile, actor: User | None, to: int = 30, **params: object) -> Job:
    return services.start(business, actor, "test.count", {"to": to, **params})


def fresh(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def test_a_job_is_done_in_chunks_and_says_what_came_of_it(
    business: BusinessProfile, owner: User, counting: Counting, django_capture_on_commit_callbacks: object
) -> None:
    job = begin(business, owner)
    assert runner.run_due() == 1
    job = fresh(job)
    assert (job.state, job.done, job.total) == (State.DONE, 30, 30)
    assert job.summary == {"counted": 30, "notes": ["Counted well."]}
    assert job.lease_owner == ""
    assert job.started_at is not None
    assert job.finished_at is not None
    assert runner.run_due() == 0


def test_a_job_taken_over_goes_on_from_the_last_chunk_that_was_kept(
    business: BusinessProfile, owner: User, counting: Counting
) -> None:
    job = begin(business, owner)
    dead = leases.claim("dead")
    assert dead is not None
    with transaction.atomic():
        Work(dead).save(done=20, total=30, state={"done": 20})
    assert runner.run_due() == 0, "somebody holds it"
    Job.objects.filter(pk=job.pk).update(lease_expires_at=now() - timedelta(seconds=1))
    assert runner.run_due() == 1
    assert counting.chunks == [20]
    assert fresh(job).state == State.DONE


def test_a_worker_that_lost_its_lease_can_write_nothing(
    business: BusinessProfile, owner: User, counting: Counting
) -> None:
    begin(business, owner)
    sleeper = leases.claim("sleeper")
    assert sleeper is not None
    Job.objects.update(lease_expires_at=now() - timedelta(seconds=1))
    other = leases.claim("other")
    assert other is not None
    work = Work(sleeper)
    with pytest.raises(LeaseLost), transaction.atomic():
        work.save(done=10, state={"done": 10})
    with pytest.raises(LeaseLost):
        work.progress(10)
    with pytest.raises(LeaseLost):
        work.cancelled()
    assert not services.finish(sleeper, State.DONE, {"counted": 99})
    assert fresh(sleeper).lease_owner == "other"


def test_cancelling_takes_effect_before_the_next_chunk(
    business: BusinessProfile, owner: User, counting: Counting
) -> None:
    job = begin(business, owner)
    counting.before_chunk = lambda work, done: done == 10 and services.cancel(business, owner, job.pk)
    runner.run_due()
    job = fresh(job)
    assert (job.state, job.done) == (State.CANCELLED, 20)
    assert job.summary["counted"] == 20


def test_what_nobody_has_begun_is_cancelled_at_once(
    business: BusinessProfile, owner: User, counting: Counting, django_capture_on_commit_callbacks
) -> None:  # type: ignore[no-untyped-def]
    job = begin(business, owner)
    with django_capture_on_commit_callbacks(execute=True):
        assert services.cancel(business, owner, job.pk).state == State.CANCELLED
    assert counting.ended == ["cancelled"]
    assert runner.run_due() == 0
    assert set(AuditEntry.objects.values_list("action", flat=True)) >= {"job.started", "job.cancelled"}


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        ("domain", State.FAILED, "too_odd"),
        ("bug", State.FAILED, "internal_error"),
        ("transient", State.QUEUED, ""),
        ("stop", State.QUEUED, ""),
    ],
)
def test_an_error_ends_the_job_or_lets_it_wait(
    business: BusinessProfile, owner: User, counting: Counting, error: str, state: str, code: str
) -> None:
    def fail(work: Work, done: int) -> None:
        if done == 20:
            raise ERRORS[error]

    counting.before_chunk = fail
    job = begin(business, owner)
    claimed = leases.claim("worker")
    assert claimed is not None
    runner.run(claimed)
    job = fresh(job)
    assert (job.state, job.error_code, job.done) == (state, code, 20)
    assert job.lease_owner == ""
    assert (job.not_before is not None) == (error == "transient")
    assert job.attempts == (0 if error == "stop" else job.attempts)


def test_a_job_that_never_gets_on_is_given_up(
    business: BusinessProfile, owner: User, counting: Counting
) -> None:
    job = begin(business, owner)
    for _ in range(runner.TRIES):
        assert leases.claim("dies") is not None
        Job.objects.update(lease_expires_at=now() - timedelta(seconds=1))
    runner.run_due()
    assert (fresh(job).state, fresh(job).error_code) == (State.FAILED, "gave_up")
    assert counting.chunks == []


def test_whoever_is_no_longer_allowed_gets_nothing_done(
    business: BusinessProfile, teammate: User, counting: Counting
) -> None:
    job = begin(business, teammate)
    business.memberships.filter(user=teammate).update(role="viewer")
    runner.run_due()
    assert (fresh(job).state, fresh(job).error_code) == (State.FAILED, "forbidden")
    business.memberships.filter(user=teammate).delete()
    job = begin(business, teammate)
    runner.run_due()
    assert fresh(job).error_code == "forbidden"


def test_the_system_needs_no_role(business: BusinessProfile, counting: Counting) -> None:
    job = begin(business, None)
    runner.run_due()
    assert fresh(job).state == State.DONE


def test_a_kind_that_is_not_installed_fails_with_words(business: BusinessProfile, owner: User) -> None:
    job = Job.objects.create(business_profile=business, kind="gone", created_by=owner)
    runner.run_due()
    assert (fresh(job).state, fresh(job).error_code) == (State.FAILED, "unknown_kind")
    with pytest.raises(LookupError):
        services.start(business, owner, "gone", {})


def test_a_business_with_nothing_running_comes_before_one_with_many(
    business: BusinessProfile, other_business: BusinessProfile, counting: Counting
) -> None:
    first, second = begin(business, None), begin(business, None)
    theirs = begin(other_business, None)
    claimed = [leases.claim(f"w{number}") for number in range(3)]
    assert [job.pk for job in claimed if job] == [first.pk, theirs.pk, second.pk]


def test_a_deleted_businesss_jobs_stop_and_its_results_go(
    business: BusinessProfile, owner: User, counting: Counting, media_root: Path
) -> None:
    from accounts.services import purge

    done = begin(business, owner, file=True)
    runner.run_due()
    stored = fresh(done).file
    waiting = begin(business, owner)
    businesses.delete(business, owner, typed_name=business.business_name)
    assert runner.run_due() == 0
    assert fresh(waiting).cancel_requested_at is not None
    assert purge.business(business.pk)
    assert not Job.objects.exists()
    assert not default_storage.exists(stored)


def test_an_undo_is_a_job_that_runs_once(
    business: BusinessProfile, owner: User, counting: Counting, media_root: Path
) -> None:
    from core.errors import Conflict

    job = begin(business, owner, file=True)
    runner.run_due()
    undo = services.undo(business, owner, job.pk)
    runner.run_due()
    assert counting.undone == [job.pk]
    assert fresh(undo).state == State.DONE
    with pytest.raises(Conflict, match="undone already"):
        services.undo(business, owner, job.pk)


def test_expired_results_and_old_jobs_are_removed(
    business: BusinessProfile, owner: User, counting: Counting, media_root: Path
) -> None:
    job = begin(business, owner, file=True)
    runner.run_due()
    stored = fresh(job).file
    services.prune()
    assert default_storage.exists(stored)
    Job.objects.update(file_expires_at=now())
    services.prune()
    assert not default_storage.exists(stored)
    assert not fresh(job).has_file
    Job.objects.update(finished_at=now() - timedelta(days=91))
    services.prune()
    assert not Job.objects.exists()


def test_progress_is_written_about_once_a_second(
    business: BusinessProfile, counting: Counting, django_assert_num_queries
) -> None:  # type: ignore[no-untyped-def]
    begin(business, None)
    job = leases.claim("worker")
    assert job is not None
    work = Work(job)
    with django_assert_num_queries(1):
        for done in range(1000):
            work.progress(done, 1000)

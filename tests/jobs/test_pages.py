"""The pages of jobs, as each role sees them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, BusinessProfile, User
from core.clock import now
from jobs import links, runner, selectors, services
from jobs.models import Job
from tests import factories
from tests.jobs.conftest import Counting

Browser = Callable[..., Client]


@pytest.fixture
def finished(business: BusinessProfile, owner: User, counting: Counting, media_root: Path) -> Job:
    job = services.start(business, owner, "test.count", {"to": 10, "file": True}, title="Numbers of May")
    runner.run_due()
    return Job.objects.get(pk=job.pk)


def test_the_list_shows_what_ran_and_what_runs(
    client_of: Browser, owner: User, business: BusinessProfile, finished: Job, django_assert_num_queries
) -> None:  # type: ignore[no-untyped-def]
    for number in range(5):
        services.start(business, owner, "test.count", {"to": 10}, total=10, title=f"Waits {number}")
    client = client_of(owner)
    client.get(reverse("jobs:list"))
    with django_assert_num_queries(3):
        page = client.get(reverse("jobs:list")).content.decode()
    assert "Numbers of May" in page
    assert "Counted" in page
    assert page.count("Waiting") == 5


def test_an_empty_list_says_what_will_be_there(client_of: Browser, viewer: User) -> None:
    assert "Nothing has run yet" in client_of(viewer).get(reverse("jobs:list")).content.decode()


def test_older_jobs_are_a_page_further(client_of: Browser, owner: User, business: BusinessProfile) -> None:
    jobs = [factories.JobFactory(business_profile=business, title=f"Job {n:02d}") for n in range(35)]
    page = client_of(owner).get(reverse("jobs:list")).content.decode()
    assert "Job 34" in page
    assert "Job 04" not in page
    assert f"before={jobs[5].pk}" in page
    older = client_of(owner).get(reverse("jobs:list"), {"before": jobs[5].pk}).content.decode()
    assert "Job 04" in older
    assert "Job 05" not in older
    assert client_of(owner).get(reverse("jobs:list"), {"before": "x"}).status_code == 422


def test_the_result_is_a_download_for_members_with_the_link(
    client_of: Browser, owner: User, finished: Job
) -> None:
    client = client_of(owner)
    page = client.get(reverse("jobs:detail", args=[finished.pk])).content.decode()
    assert links.link(finished).split("key=")[0] in page
    response = client.get(links.link(finished))
    assert b"".join(response.streaming_content) == b"1\n2\n"  # type: ignore[attr-defined]
    assert response["Content-Disposition"] == 'attachment; filename="numbers.csv"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in response["Cache-Control"]
    assert AuditEntry.objects.filter(action="job.downloaded").count() == 1


def test_without_its_key_or_a_day_later_the_link_opens_nothing(
    client_of: Browser, owner: User, finished: Job, time_machine
) -> None:  # type: ignore[no-untyped-def]
    client = client_of(owner)
    path = reverse("jobs:file", args=[finished.pk])
    assert client.get(path).status_code == 403
    assert client.get(path, {"key": "abc:def"}).status_code == 403
    address = links.link(finished)
    time_machine.move_to(now() + timedelta(days=1, minutes=1))
    assert client.get(address).status_code == 403
    assert client.get(links.link(finished)).status_code == 200


def test_a_result_that_expired_is_gone(client_of: Browser, owner: User, finished: Job) -> None:
    address = links.link(finished)
    Job.objects.update(file_expires_at=now())
    assert client_of(owner).get(address).status_code == 404


def test_a_link_is_no_use_to_viewers_and_strangers(
    client_of: Browser, viewer: User, stranger: User, other_business: BusinessProfile, finished: Job
) -> None:
    address = links.link(finished)
    assert client_of(viewer).get(address).status_code == 403
    assert client_of(stranger).get(address).status_code == 404
    assert Client().get(address).status_code == 302


def test_a_viewer_sees_jobs_without_buttons(client_of: Browser, viewer: User, finished: Job) -> None:
    page = client_of(viewer).get(reverse("jobs:detail", args=[finished.pk])).content.decode()
    assert "Numbers of May" in page
    assert "download" not in page
    assert reverse("jobs:undo", args=[finished.pk]) not in page
    for name in ("jobs:undo", "jobs:cancel"):
        assert client_of(viewer).post(reverse(name, args=[finished.pk])).status_code == 403


def test_stop_and_undo_work_from_the_page(
    client_of: Browser, owner: User, business: BusinessProfile, finished: Job
) -> None:
    client = client_of(owner)
    waiting = services.start(business, owner, "test.count", {"to": 10})
    answer = client.post(reverse("jobs:cancel", args=[waiting.pk]), headers={"HX-Request": "true"})
    assert "Cancelled" in answer.content.decode()
    assert client.post(reverse("jobs:cancel", args=[waiting.pk])).status_code == 409
    answer = client.post(reverse("jobs:undo", args=[finished.pk]))
    undo = Job.objects.get(undoes=finished)
    assert answer["Location"] == reverse("jobs:detail", args=[undo.pk])
    page = client.get(reverse("jobs:detail", args=[finished.pk])).content.decode()
    assert "Undone by a later job" in page


def test_titles_are_text(client_of: Browser, owner: User, business: BusinessProfile) -> None:
    job = factories.JobFactory(
        business_profile=business,
        title="<script>alert(1)</script>",
        summary={"notes": ["<img src=x onerror=alert(2)>"]},
    )
    page = client_of(owner).get(reverse("jobs:detail", args=[job.pk])).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_selectors_take_the_business_first(
    business: BusinessProfile, other_business: BusinessProfile
) -> None:
    mine = factories.JobFactory(business_profile=business)
    factories.JobFactory(business_profile=other_business)
    assert selectors.recent(business) == [mine]
    assert selectors.recent(business, kind="other") == []
    assert selectors.running(business, "test") == [mine]

"""SIGKILL of a real worker in the middle of an import."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from accounts.models import BusinessProfile, User
from contacts.models import Contact, ContactIdentity
from jobs.models import Job
from tests.connections.driver_contract import until
from tests.contacts.importing.conftest import rejects_of, started
from tests.contacts.importing.samples import csv_bytes
from tests.faults.conftest import Workers

pytestmark = pytest.mark.slow

ROWS = 6_000
TWICE = 11
LEASE = 8.0
"""Seconds: on SQLite a heartbeat waits for the chunk, and a slow machine must not take that for a death."""


def people() -> bytes:
    rows = [[f"Customer {n}", f"+4479{n:08d}", "A; B" if n % 2 else "B"] for n in range(ROWS)]
    rows[ROWS - 5][1] = rows[TWICE][1]
    rows[ROWS - 4][1] = "4.47701E+11"
    return csv_bytes([["Name", "Phone", "Tags"], *rows])


def contents(business: BusinessProfile) -> list[tuple[str | None, str, str, list[str]]]:
    """The contacts of a business, but for ids and times."""
    found = Contact.objects.filter(business_profile=business).order_by("phone_number")
    rows = []
    for contact in found.prefetch_related("contact_tags__tag"):
        tags = sorted(one.tag.name for one in contact.contact_tags.all())
        rows.append((contact.phone_number, contact.name, contact.country, tags))
    return rows


def test_after_a_killed_worker_the_result_equals_an_undisturbed_one(
    job_worker: Workers,
    reached: Callable[[], Path],
    business: BusinessProfile,
    owner: User,
    stranger: User,
    other_business: BusinessProfile,
) -> None:
    victim = job_worker("import.chunk", lease=LEASE)
    job = started(business, owner, people())
    undisturbed = started(other_business, stranger, people())
    reached()
    victim.kill()
    victim.wait(10)
    assert 0 < Contact.objects.count() < ROWS - 2
    job_worker(lease=LEASE)
    for one in (job, undisturbed):
        until(lambda one=one: Job.objects.get(pk=one.pk).state == Job.State.DONE, "the end of the import")  # type: ignore[misc]
        one.refresh_from_db()
    assert len(contents(business)) == ROWS - 2
    assert contents(business) == contents(other_business)
    assert ContactIdentity.objects.filter(business_profile=business).count() == ROWS - 2
    assert job.summary == undisturbed.summary
    assert rejects_of(job) == rejects_of(undisturbed)
    assert [row["Row"] for row in rejects_of(job)] == [str(ROWS - 3), str(ROWS - 2)]

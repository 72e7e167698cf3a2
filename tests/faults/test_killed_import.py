"""SIGKILL of a real worker amid an import of twenty chunks: 100,000 rows on PostgreSQL, 20,000 on SQLite."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from django.db import connection as database

from accounts.models import BusinessProfile, User
from contacts.models import Contact, ContactIdentity, ContactTag, ImportedContact
from jobs.models import Job
from tests.connections.driver_contract import until
from tests.contacts.importing.conftest import rejects_of, started
from tests.contacts.importing.samples import csv_bytes
from tests.faults.conftest import Workers

pytestmark = [pytest.mark.services, pytest.mark.slow]

ROWS = 100_000 if database.vendor == "postgresql" else 20_000
TWICE = 11
LEASE = 8.0
"""Seconds: on SQLite a heartbeat waits for the chunk, and a slow machine must not take that for a death."""
SECONDS = 600.0
"""How long the rows may take on a machine that does other things besides."""


def rows() -> list[list[str]]:
    found = [[f"Customer {n}", f"+4479{n:08d}", "A; B" if n % 2 else "B"] for n in range(ROWS)]
    found[ROWS - 5][1] = found[TWICE][1]
    found[ROWS - 4][1] = "4.47701E+11"
    return found


def undisturbed() -> list[tuple[Any, ...]]:
    """What `contents` has to be, from the file itself: every row once, but for the two that are refused."""
    good = [row for place, row in enumerate(rows()) if place not in (ROWS - 5, ROWS - 4)]
    return sorted((number, name, "GB", number, *tags.split("; ")) for name, number, tags in good)


def contents(business: BusinessProfile) -> list[tuple[Any, ...]]:
    """The contacts of a business with their identities and tags, but for ids and times."""
    tags: dict[Any, list[str]] = defaultdict(list)
    carried = ContactTag.objects.filter(contact__business_profile=business).order_by("tag__name")
    for key, tag in carried.values_list("contact_id", "tag__name"):
        tags[key].append(tag)
    values = dict(
        ContactIdentity.objects.filter(business_profile=business).values_list("contact_id", "value")
    )
    rows = Contact.objects.filter(business_profile=business).order_by("phone_number")
    return [
        (number, name, country, values[key], *tags[key])
        for key, number, name, country in rows.values_list("pk", "phone_number", "name", "country")
    ]


def test_after_a_killed_worker_the_result_equals_an_undisturbed_one(
    job_worker: Workers, business: BusinessProfile, owner: User
) -> None:
    job = started(business, owner, csv_bytes([["Name", "Phone", "Tags"], *rows()]))
    victim = job_worker(lease=LEASE)
    until(lambda: Job.objects.get(pk=job.pk).done >= ROWS // 4, "a quarter of the rows", SECONDS)
    victim.kill()
    victim.wait(10)
    job.refresh_from_db()
    assert ROWS // 4 <= job.done < ROWS - 2, "killed in the middle"
    job_worker(lease=LEASE)
    until(lambda: Job.objects.get(pk=job.pk).is_over, "the end of the import", SECONDS)
    job.refresh_from_db()
    assert job.state == Job.State.DONE
    assert contents(business) == undisturbed()
    assert not ImportedContact.objects.exists(), "nobody was there before"
    notes = job.summary.pop("notes")
    assert [job.summary["created"], job.summary["rejected"], sum(job.summary.values())] == [ROWS - 2, 2, ROWS]
    assert "went on from there" in notes[0]
    assert [row["Row"] for row in rejects_of(job)] == [str(ROWS - 3), str(ROWS - 2)]

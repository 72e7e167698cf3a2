"""Importing a file from its upload to the end of its job."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from accounts.models import BusinessProfile, User
from contacts.importing import imports
from contacts.models import ContactImport
from jobs import runner
from jobs.models import Job

Import = Callable[..., Job]


def upload(business: BusinessProfile, actor: User, content: bytes, **chosen: Any) -> ContactImport:
    """Upload and choose: mapping by column names, country, duplicates, tag."""
    source = imports.upload(business, actor, io.BytesIO(content), chosen.pop("name", "people.csv"))
    given = chosen.pop("mapping", {})
    mapping = [given.get(name, target) for name, target in zip(source.columns, source.mapping, strict=True)]
    choices = {"country": "", "duplicates": "update", "tag": "", **chosen}
    return imports.configure(business, source.pk, mapping=mapping, **choices)


def started(business: BusinessProfile, actor: User, content: bytes, **chosen: Any) -> Job:
    """The job of an import that waits for a worker."""
    source = upload(business, actor, content, **chosen)
    job = imports.start(business, actor, source.pk).job
    assert job is not None
    return job


@pytest.fixture
def take_in(business: BusinessProfile, owner: User, media_root: Path) -> Import:
    """`take_in(content, country="GB", ...)` imports a file and returns the finished job."""

    def run(content: bytes, **chosen: Any) -> Job:
        job = started(business, owner, content, **chosen)
        runner.run_due()
        job.refresh_from_db()
        return job

    return run


def rejects_of(job: Job) -> list[dict[str, str]]:
    """The rows of the file that the person gets."""
    with default_storage.open(job.file) as file:
        return list(csv.DictReader(io.StringIO(file.read().decode("utf-8-sig"), newline="")))

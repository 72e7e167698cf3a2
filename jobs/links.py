"""The link by which a result is fetched: signed, good for a day, and only for members who are signed in."""

from __future__ import annotations

from datetime import timedelta

from django.core.signing import BadSignature, TimestampSigner
from django.urls import reverse

from core.errors import DomainError
from jobs.models import Job

GOOD_FOR = timedelta(days=1)
_signer = TimestampSigner(salt="jobs.file")


class LinkExpired(DomainError):
    """The link was not made by us, or too long ago."""

    status = 403

    def __init__(self) -> None:
        super().__init__("link_expired", "This link has expired. Open the job again and use its link.")


def link(job: Job) -> str:
    """The path at which the job's result can be fetched for a day."""
    key = _signer.sign(job.file).removeprefix(job.file)
    return f"{reverse('jobs:file', args=[job.pk])}?key={key[1:]}"


def check(job: Job, key: str) -> None:
    """Raises LinkExpired unless `key` is that of a link to the job's present result, and less than a day old."""
    try:
        _signer.unsign(f"{job.file}:{key}", max_age=GOOD_FOR)
    except BadSignature:
        raise LinkExpired() from None

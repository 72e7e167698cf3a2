"""Signed download links of results, valid for a day for signed-in members."""

from __future__ import annotations

from datetime import timedelta

from django.core.signing import BadSignature, TimestampSigner
from django.urls import reverse

from core.errors import DomainError
from jobs.models import Job

VALID_FOR = timedelta(days=1)
_signer = TimestampSigner(salt="jobs.file")


class LinkExpired(DomainError):
    """The signature is invalid or has expired."""

    status = 403

    def __init__(self) -> None:
        super().__init__("link_expired", "This link has expired. Open the job again and use its link.")


def link(job: Job) -> str:
    """Return the URL path of the job's result, valid for a day."""
    key = _signer.sign(job.file).removeprefix(job.file)
    return f"{reverse('jobs:file', args=[job.pk])}?key={key[1:]}"


def check(job: Job, key: str) -> None:
    """Verify the key of a link to the job's present result. Raises LinkExpired."""
    try:
        _signer.unsign(f"{job.file}:{key}", max_age=VALID_FOR)
    except BadSignature:
        raise LinkExpired() from None

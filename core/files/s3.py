"""Storage backend for S3-compatible stores: Amazon S3, MinIO, Ceph, R2 and others."""

from __future__ import annotations

from typing import Any

from botocore.config import Config
from storages.backends import s3

MAX_ATTEMPTS = 3
TIMEOUT_SECONDS = 20


class S3Storage(s3.S3Storage):
    """django-storages' S3 backend, configured for all compatible stores.

    By default newer versions of boto3 send checksums that only Amazon supports; here only where they are required.
    """

    def __init__(self, **options: Any) -> None:
        path_style = options.pop("path_style", False)
        options["client_config"] = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if path_style else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=TIMEOUT_SECONDS,
            read_timeout=TIMEOUT_SECONDS,
            retries={"max_attempts": MAX_ATTEMPTS, "mode": "standard"},
        )
        super().__init__(**options)

"""Files in an S3-like store: Amazon's, MinIO, Ceph, R2 and the like."""

from __future__ import annotations

from typing import Any

from botocore.config import Config
from storages.backends import s3

TRIES = 3
SECONDS = 20


class S3Storage(s3.S3Storage):
    """django-storages', spoken so that every such store understands it.

    Newer versions of boto3 add checksums that only Amazon knows, unless told to send them when they must.
    """

    def __init__(self, **options: Any) -> None:
        path_style = options.pop("path_style", False)
        options["client_config"] = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if path_style else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=SECONDS,
            read_timeout=SECONDS,
            retries={"max_attempts": TRIES, "mode": "standard"},
        )
        super().__init__(**options)

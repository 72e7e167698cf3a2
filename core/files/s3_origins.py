"""Origins of S3-compatible stores. A module of its own, because the settings import it."""

from __future__ import annotations

from urllib.parse import urlsplit


def origins(bucket: str, endpoint: str, region: str) -> list[str]:
    """List the origins of the store's signed URLs, which the Content Security Policy has to allow."""
    if endpoint:
        parts = urlsplit(endpoint)
        return [f"{parts.scheme}://{parts.netloc}", f"{parts.scheme}://{bucket}.{parts.netloc}"]
    hosts = ["s3.amazonaws.com", *([f"s3.{region}.amazonaws.com"] if region else [])]
    return [f"https://{name}" for host in hosts for name in (host, f"{bucket}.{host}")]

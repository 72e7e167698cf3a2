"""Addresses of S3-like stores. Apart from the store itself, because settings read it before anything is set up."""

from __future__ import annotations

from urllib.parse import urlsplit


def origins(bucket: str, endpoint: str, region: str) -> list[str]:
    """Where the store's signed links lead: a page's policy has to let pictures and sound come from there."""
    if endpoint:
        parts = urlsplit(endpoint)
        return [f"{parts.scheme}://{parts.netloc}", f"{parts.scheme}://{bucket}.{parts.netloc}"]
    hosts = ["s3.amazonaws.com", *([f"s3.{region}.amazonaws.com"] if region else [])]
    return [f"https://{name}" for host in hosts for name in (host, f"{bucket}.{host}")]

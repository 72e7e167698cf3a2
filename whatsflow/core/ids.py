"""Identifiers: time-ordered UUIDs, so that inserts land at the end of an index (RFC 9562, version 7)."""

import uuid

import uuid_utils.compat


def uuid7() -> uuid.UUID:
    """A new version-7 UUID. Strictly rising within one process, rising by the millisecond between processes."""
    return uuid_utils.compat.uuid7()

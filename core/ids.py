"""Identifiers: time-ordered UUIDs, so that inserts land at the end of an index (RFC 9562, version 7)."""

import uuid
from datetime import datetime

import uuid_utils.compat


def uuid7() -> uuid.UUID:
    """A new version-7 UUID. Strictly rising within one process, rising by the millisecond between processes."""
    return uuid_utils.compat.uuid7()


def first_at(moment: datetime) -> uuid.UUID:
    """The lowest version-7 UUID of `moment`: ids below it were made earlier."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)

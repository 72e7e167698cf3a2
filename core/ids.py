"""Identifiers: time-ordered UUIDs, so that inserts land at the end of an index (RFC 9562, version 7)."""

import uuid
from datetime import datetime

import uuid_utils.compat

from core.errors import NotFound


def uuid7() -> uuid.UUID:
    """A new version-7 UUID. Strictly rising within one process, rising by the millisecond between processes."""
    return uuid_utils.compat.uuid7()


def first_at(moment: datetime) -> uuid.UUID:
    """The lowest version-7 UUID of `moment`: ids below it were made earlier."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def parse_id(value: uuid.UUID | str, what: str) -> uuid.UUID:
    """Parse an id that came from outside. Raises NotFound(`what`) if it is no UUID: no row can have it."""
    try:
        return value if isinstance(value, uuid.UUID) else uuid.UUID(value)
    except ValueError:
        raise NotFound(what) from None

"""Time-ordered UUIDs (RFC 9562, version 7), so that inserts go to the end of an index."""

import uuid
from datetime import datetime

import uuid_utils.compat

from core.errors import NotFound


def uuid7() -> uuid.UUID:
    """Return a new UUIDv7: strictly increasing in a process, by the millisecond between processes."""
    return uuid_utils.compat.uuid7()


def first_at(moment: datetime) -> uuid.UUID:
    """Return the lowest UUIDv7 of `moment`: lower ids were created before it."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def parse_id(value: uuid.UUID | str, what: str) -> uuid.UUID:
    """Parse an id from a request. Raises NotFound(`what`) for an invalid UUID, which no row can have."""
    try:
        return value if isinstance(value, uuid.UUID) else uuid.UUID(value)
    except ValueError:
        raise NotFound(what) from None

"""Sanitize values chosen by senders, so that every column and index accepts them.

The dataclasses of the driver contract inherit from `Sanitized`: all sources (page events, stored events, history, the
sandbox, tests) yield the same values, and later code need not check again. Sanitizing never raises. Ids and chats are
not changed, because a changed id would name another message or person: see `event_serialization.unstorable_reason`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, ClassVar

EARLIEST = datetime(2009, 1, 1, tzinfo=UTC)
"""WhatsApp was founded in 2009."""
AHEAD = timedelta(minutes=5)
"""Tolerated difference between WhatsApp's clock and ours."""
LARGEST_FILE = 2**40
"""Bytes. WhatsApp allows 2 GB; the bound keeps sums of sizes within a bigint."""
LARGEST_NUMBER = 2**63 - 1
BODY_LENGTH = 65_536
"""Characters; the limit of WhatsApp's apps."""
ID_LENGTH = 255
PHONE_LENGTH = 20
LID_LENGTH = 64
SHORT = 255
MIME_LENGTH = 100
NAME_LENGTH = 1000
ERROR_LENGTH = 500
DETAIL_LENGTH = 4096
DEEPEST = 8
MOST_ITEMS = 1000


class Sanitized:
    """Base of dataclasses whose fields are sanitized by a rule chosen by field name."""

    _rules: ClassVar[tuple[tuple[str, Callable[[Any], Any]], ...]] = ()

    def __init_subclass__(cls, **rules: Callable[[Any], Any]) -> None:
        """Register rules by field name. rules: for this class only."""
        super().__init_subclass__()
        known = {**RULES, **rules}
        cls._rules = tuple((name, known[name]) for name in cls.__annotations__ if name in known)

    def __post_init__(self) -> None:
        for name, rule in self._rules:
            value = getattr(self, name)
            sanitized = rule(value)
            if sanitized is not value:
                object.__setattr__(self, name, sanitized)  # frozen dataclasses


def text(value: Any, limit: int) -> str:
    """Remove NUL and unpaired surrogates, and truncate to `limit` characters."""
    value = value if isinstance(value, str) else str(value)
    if not value.isascii():
        value = _well_formed(value)
    if "\x00" in value:
        value = value.replace("\x00", "")
    return value if len(value) <= limit else f"{value[: limit - 1]}…"


def is_well_formed(value: str) -> bool:
    """Return True if UTF-8 and PostgreSQL can store the text unchanged."""
    return "\x00" not in value and (value.isascii() or _well_formed(value) is value)


def _well_formed(value: str) -> str:
    """Join surrogate pairs; replace an unpaired surrogate by a question mark."""
    try:
        value.encode()
    except UnicodeEncodeError:
        joined = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        return joined.encode("utf-8", "replace").decode()
    return value


def is_phone(value: str) -> bool:
    """Return True if the text has the form of an E.164 number: a plus and digits."""
    return 1 < len(value) <= PHONE_LENGTH and value[:1] == "+" and value.isascii() and value[1:].isdigit()


def is_lid(value: str) -> bool:
    """Return True if the text has the form of a LID."""
    return 0 < len(value) <= LID_LENGTH and value.isascii() and value.isalnum()


def body(value: str | None) -> str | None:
    """Sanitize the text of a message; None while its content is pending."""
    return None if value is None else text(value, BODY_LENGTH)


def identifier(value: str) -> str:
    """Return the id of a quoted message, or "" if it cannot be an id."""
    return value if len(value) <= ID_LENGTH and is_well_formed(value) else ""


def file_name(value: str) -> str:
    """Sanitize a file name. A long one keeps its beginning and its end (with the extension)."""
    name = text(value, LARGEST_NUMBER)  # truncated below instead
    return name if len(name) <= NAME_LENGTH else f"{name[:900]}{name[-100:]}"


def file_size(value: Any) -> int | None:
    """Return the size in bytes; None if it is impossible."""
    if value is None:
        return None
    size = to_int(value)
    return size if size is not None and 0 <= size <= LARGEST_FILE else None


def to_int(value: Any) -> int | None:
    """Convert to int; None if that fails."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def event_time(value: datetime) -> datetime:
    """Return the time in UTC; the present if it is before 2009 or over 5 minutes in the future.

    The present, not the nearest bound: a message that has just arrived belongs at the end of its chat.
    """
    present = datetime.now(UTC)
    zone = value.tzinfo
    if zone is None:
        value = value.replace(tzinfo=UTC)
    try:
        if not EARLIEST <= value <= present + AHEAD:
            return present
        return value if zone is UTC else value.astimezone(UTC)
    except (OverflowError, ValueError):
        return present


def from_timestamp(seconds: Any) -> datetime:
    """Convert a Unix timestamp in seconds; the present if it is missing or invalid."""
    try:
        return datetime.fromtimestamp(float(seconds), UTC) if seconds else datetime.now(UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return datetime.now(UTC)


def json_object(value: dict[str, Any]) -> dict[str, Any]:
    """Drop values that a JSON column refuses, and limit depth, number of items and lengths."""
    return _json(value, DEEPEST) if value else value


def _json(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return text(value, DETAIL_LENGTH)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= LARGEST_NUMBER else None
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        items = list(value.items())[:MOST_ITEMS] if depth else []
        return {text(key, SHORT): _json(inner, depth - 1) for key, inner in items}
    if isinstance(value, (list, tuple)):
        return [_json(inner, depth - 1) for inner in value[:MOST_ITEMS]] if depth else []
    return text(value, DETAIL_LENGTH)


RULES: dict[str, Callable[[Any], Any]] = {
    "at": event_time,
    "body": body,
    "error": lambda value: text(value, ERROR_LENGTH),
    "extra": json_object,
    "mime": lambda value: text(value, MIME_LENGTH),
    "name": file_name,
    "own_name": lambda value: text(value, SHORT),
    "push_name": lambda value: text(value, SHORT),
    "quoted_wa_id": identifier,
    "size": file_size,
    "token": json_object,
}
"""Rules by field name, for all dataclasses of the contract."""

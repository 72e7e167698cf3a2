"""Bring what senders choose into a form that every column, index and clock of ours takes.

The dataclasses of the contract inherit from `Cleaned`: whatever builds one (a page's event, a saved session, history,
the sandbox, a test) gets the same values, and nothing behind them has to ask again. Cleaning never raises. What it
cannot mend is an id or a chat, because a changed one would be another one: see `flaws`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, ClassVar

EARLIEST = datetime(2009, 1, 1, tzinfo=UTC)
"""WhatsApp did not exist before."""
AHEAD = timedelta(minutes=5)
"""Our clock may be behind WhatsApp's by so much."""
LARGEST_FILE = 2**40
"""Bytes; WhatsApp takes 2 GB at most. Sums of sizes stay far below what a database can add up."""
LARGEST_NUMBER = 2**63 - 1
BODY_LENGTH = 65_536
"""Characters; WhatsApp's apps allow no text that is longer."""
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


class Cleaned:
    """A dataclass whose fields are cleaned by the rule of their name."""

    _rules: ClassVar[tuple[tuple[str, Callable[[Any], Any]], ...]] = ()

    def __init_subclass__(cls, **rules: Callable[[Any], Any]) -> None:
        """rules: for fields of this class alone, by name."""
        super().__init_subclass__()
        known = {**RULES, **rules}
        cls._rules = tuple((name, known[name]) for name in cls.__annotations__ if name in known)

    def __post_init__(self) -> None:
        for name, rule in self._rules:
            value = getattr(self, name)
            cleaned = rule(value)
            if cleaned is not value:
                object.__setattr__(self, name, cleaned)  # they are frozen


def text(value: Any, limit: int) -> str:
    """`value` without NUL and without halves of characters, cut at `limit` characters."""
    value = value if isinstance(value, str) else str(value)
    if not value.isascii():
        value = _well_formed(value)
    if "\x00" in value:
        value = value.replace("\x00", "")
    return value if len(value) <= limit else f"{value[: limit - 1]}…"


def is_well_formed(value: str) -> bool:
    """Return True if UTF-8 and PostgreSQL can hold the text unchanged."""
    return "\x00" not in value and (value.isascii() or _well_formed(value) is value)


def _well_formed(value: str) -> str:
    """Join halves of a character that stand together; a single one becomes a question mark."""
    try:
        value.encode()
    except UnicodeEncodeError:
        joined = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        return joined.encode("utf-8", "replace").decode()
    return value


def is_phone(value: str) -> bool:
    """Return True for the form of an E.164 number: a plus and digits."""
    return 1 < len(value) <= PHONE_LENGTH and value[:1] == "+" and value.isascii() and value[1:].isdigit()


def is_lid(value: str) -> bool:
    """Return True for the form of a LID."""
    return 0 < len(value) <= LID_LENGTH and value.isascii() and value.isalnum()


def body(value: str | None) -> str | None:
    """The text of a message; None while its content is still to come."""
    return None if value is None else text(value, BODY_LENGTH)


def identifier(value: str) -> str:
    """The id of another message that this one names; "" for what can be nobody's id."""
    return value if len(value) <= ID_LENGTH and is_well_formed(value) else ""


def file_name(value: str) -> str:
    """A file's name; of a long one the beginning and the end, where the extension is."""
    name = text(value, LARGEST_NUMBER)  # cut here, not there
    return name if len(name) <= NAME_LENGTH else f"{name[:900]}{name[-100:]}"


def file_size(value: Any) -> int | None:
    """Bytes; None for what no file can have."""
    if value is None:
        return None
    size = whole(value)
    return size if size is not None and 0 <= size <= LARGEST_FILE else None


def whole(value: Any) -> int | None:
    """A whole number; None for what is none."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def moment(value: datetime) -> datetime:
    """A time at which something can have happened on WhatsApp, in UTC; what cannot be one becomes now.

    Not before 2009 and at most 5 minutes ahead of our clock. Now instead of the nearest bound: what just came belongs
    at the end of its chat, where it is seen.
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
    """Seconds since 1970 as WhatsApp tells them; now when they are no time."""
    try:
        return datetime.fromtimestamp(float(seconds), UTC) if seconds else datetime.now(UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return datetime.now(UTC)


def json_object(value: dict[str, Any]) -> dict[str, Any]:
    """Clean a message's details: drop what a JSON column refuses, and bound depth, items and lengths."""
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
    "at": moment,
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
"""By the name of a field, in whatever dataclass of the contract it stands."""

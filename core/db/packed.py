"""Parameters that go to PostgreSQL in its own binary form (core.postgresql knows how)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PackedIds:
    """Many UUIDs of 16 bytes each, as one parameter uuid[] of a prepared statement (`bulk.fetch_prepared`).

    As text they would take longer on their way than the rows that they name.
    """

    ids: Sequence[bytes]

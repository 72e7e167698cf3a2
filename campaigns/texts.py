"""The texts of a campaign: their variables, and which variant a recipient gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from uuid import UUID

from contacts.placeholders import BUILT_IN, render, values_of, variables

__all__ = ["BUILT_IN", "pick", "render", "values_of", "variables"]


def pick(variants: Sequence[Mapping[str, object]], key: UUID) -> Mapping[str, object] | None:
    """The variant of the recipient `key`: by share, and always the same one."""
    total = sum(int(str(one.get("share", 0))) for one in variants)
    if not variants or total <= 0:
        return None
    place = chance(key, total)
    for one in variants:
        place -= int(str(one.get("share", 0)))
        if place < 0:
            return one
    return variants[-1]


def chance(key: UUID, sides: int) -> int:
    """A number below `sides` that is as good as thrown, and the same each time for the same key.

    Keys that were made one after the other differ in few digits, so they are hashed: a remainder would fall into steps.
    """
    return int.from_bytes(blake2b(key.bytes, digest_size=8).digest()) % sides
